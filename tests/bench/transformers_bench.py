#!/usr/bin/env python3
"""transformers_bench.py MODEL.gguf [fp32|bf16] [threads]: what engine_bench measures, as transformers with forward hooks does it."""
import os
import sys
import time

import torch
import transformers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import reference_decoder  # noqa: E402


def now():
    """Seconds of the processor, all threads, divided by their number: a busy machine hardly changes it."""
    return time.process_time() / torch.get_num_threads()


def best(runs, body):
    seconds = []
    for _ in range(runs):
        start = now()
        body()
        seconds.append(now() - start)
    return min(seconds)


def line(name, tokens, seconds):
    print(f"{name:34s} {tokens / seconds:8.1f} tok/s", flush=True)


@torch.inference_mode()
def main():
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    model = reference_decoder.load_model(sys.argv[1])
    precision = sys.argv[2] if len(sys.argv) > 2 else "fp32"
    if precision == "bf16":
        model = model.to(torch.bfloat16)
    torch.manual_seed(0)
    ids = torch.randint(3, 40000, (128, 39))
    kept = {}
    blocks = list(model.model.layers)
    hooks = [block.register_forward_pre_hook(lambda m, a, k=k: kept.__setitem__(k, a[0][:, -1].float()))
             for k, block in enumerate(blocks)]
    for batch in (1, 16, 64):
        count = 16 if batch == 1 else 64

        def extract():
            for first in range(0, count, batch):
                model(ids[first:first + batch], use_cache=False, logits_to_keep=1)
        line(f"extraction, batch {batch}", count * 39, best(2, extract))
    for hook in hooks:
        hook.remove()
    unit = torch.nn.functional.normalize(torch.randn(model.config.hidden_size), dim=0)
    arm = {"strength": 0.1}
    blocks[len(blocks) // 2].register_forward_pre_hook(
        lambda m, a: ((a[0].float() + arm["strength"] * unit).to(a[0].dtype), *a[1:]))

    def decode(rows, tokens):
        cache = transformers.DynamicCache(config=model.config)
        step = ids[:rows] if rows <= len(ids) else ids.repeat(rows // len(ids), 1)
        step = model(step, past_key_values=cache, logits_to_keep=1).logits[:, -1:].argmax(-1)
        start = now()
        for _ in range(tokens - 1):
            step = model(step, past_key_values=cache).logits[:, -1:].argmax(-1)
        return rows * (tokens - 1) / (now() - start)
    for rows in (1, 8, 32, 128):
        speed = decode(rows, 6 if rows == 128 else 12)
        line(f"decoding, rows {rows}", speed, 1)

    def sweep(arms):
        for number in range(arms):
            arm["strength"] = 0.1 * (number + 1)
            model.generate(ids[:8], attention_mask=torch.ones_like(ids[:8]), max_new_tokens=32, min_new_tokens=32,
                           do_sample=False, pad_token_id=0)
    line("sweep 16 arms x 8 prompts, 32 new", 4 * 8 * 32, best(1, lambda: sweep(4)))


if __name__ == "__main__":
    main()
