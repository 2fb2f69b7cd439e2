#!/usr/bin/env python3
"""llama_bench.py MODEL.gguf [threads]: llama.cpp's prefill and decode on the quantised file, a second reference for run.py.
Needs the venv peers/llama."""
import json
import sys
import time

import llama_cpp


def main():
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    model = llama_cpp.Llama(sys.argv[1], n_ctx=2048, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        prompts = task["prompts"][:task.get("limit", 16)]
        start, tokens = time.perf_counter(), 0
        for prompt in prompts:
            model.reset()
            model.eval(prompt)
            tokens += len(prompt)
        if task["task"] == "decode":
            start, tokens = time.perf_counter(), 0
            for _ in range(task["new_tokens"]):
                model.eval([model.sample(temp=0)])
                tokens += 1
        print(json.dumps({"tokens": tokens, "seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
