#!/usr/bin/env python3
"""transformers_bench.py MODEL.gguf fp32|bf16 [threads]: the peer's side of run.py, as engine_bench: transformers with
forward hooks, padded batches, generate(). Extra key of "extract": "batch", prompts of one padded batch (sorted by length)."""
import json
import os
import sys
import time

import gguf
import torch
import transformers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import reference_decoder  # noqa: E402


def padded(prompts, left):
    width = max(map(len, prompts))
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        where = slice(width - len(prompt), width) if left else slice(0, len(prompt))
        ids[row, where] = torch.tensor(prompt)
        mask[row, where] = 1
    return ids, mask


class Peer:
    def __init__(self, path, precision):
        self.path, self.precision = path, precision
        self.model = self.load_model()
        self.blocks = list(self.model.model.layers)

    def load_model(self):
        model = reference_decoder.load_model(self.path)
        return model.to(torch.bfloat16) if self.precision == "bf16" else model

    def extract(self, task):
        prompts, batch = task["prompts"], task["batch"]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        levels = len(self.blocks) + 1
        kept = torch.zeros(levels, len(prompts), self.model.config.hidden_size)
        where = {}

        def keep(k):
            def hook(module, arguments):
                kept[k, where["rows"]] = arguments[0][torch.arange(len(where["rows"])), where["last"]].float()
            return hook
        hooks = [module.register_forward_pre_hook(keep(k)) for k, module in enumerate(self.blocks + [self.model.model.norm])]
        start = time.perf_counter()
        for first in range(0, len(order), batch):
            rows = order[first:first + batch]
            ids, mask = padded([prompts[i] for i in rows], left=False)
            where.update(rows=torch.tensor(rows), last=mask.sum(1) - 1)
            self.model(ids, attention_mask=mask, use_cache=False, logits_to_keep=1)
        seconds = time.perf_counter() - start
        for hook in hooks:
            hook.remove()
        return {"tokens": sum(map(len, prompts)), "seconds": seconds, "norms": kept.norm(dim=-1).mean(1).tolist()}

    def generate(self, task):
        unit = torch.tensor(task["direction"])
        arm = {}
        hook = self.blocks[task["k"]].register_forward_pre_hook(
            lambda m, a: ((a[0].float() + arm["strength"] * unit).to(a[0].dtype), *a[1:]))
        ids, mask = padded(task["prompts"], left=True)
        new, out = task["new_tokens"], []
        start = time.perf_counter()
        for strength in task["strengths"]:
            arm["strength"] = strength
            out.append(self.model.generate(ids, attention_mask=mask, max_new_tokens=new, min_new_tokens=new, do_sample=False,
                                           eos_token_id=None, pad_token_id=0)[:, ids.shape[1]:].tolist())
        seconds = time.perf_counter() - start
        hook.remove()
        rows = [out[arm][prompt] for prompt in range(len(ids)) for arm in range(len(out))]
        return {"tokens": sum(map(len, rows)), "seconds": seconds, "ids": rows}

    def render(self, task):
        tokenizer = transformers.AutoTokenizer.from_pretrained(os.path.dirname(self.path), gguf_file=os.path.basename(self.path))
        texts = [tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)
                 for text in task["texts"]]
        return {"ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]}

    def dequantise(self, task):
        tensors = gguf.GGUFReader(self.path).tensors
        start = time.perf_counter()
        values = sum(gguf.dequantize(tensor.data, tensor.tensor_type).size for tensor in tensors)
        return {"tokens": int(values), "seconds": time.perf_counter() - start}

    def load(self, task):
        start = time.perf_counter()
        self.load_model()
        return {"tokens": 1, "seconds": time.perf_counter() - start}


@torch.inference_mode()
def main():
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    peer = Peer(sys.argv[1], sys.argv[2])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        print(json.dumps(getattr(peer, task["task"])(task)), flush=True)


if __name__ == "__main__":
    main()
