#!/usr/bin/env python3
"""Log-probabilities of continuations and divergences between arms of a GGUF model as transformers computes them.

reference_scores.py MODEL.gguf REQUEST.json OUT.safetensors

REQUEST: {"prompts": [[id]], "continuations": [[id]], "direction": [d numbers], "arms": [[{"site": "resid" | "attn_out" |
          "mlp_out", "k_from", "k_to", "alpha", "beta", "scope": "all" | "prompt" | "generated"}]]}
OUT: log/<prompt>/<continuation>/<arm> F64 [ids], kl/<prompt>/<continuation>/<arm> F64 [ids], from arm 0.
An edit is h += (alpha + beta <h, r>) r at R[k] before block k, or on what a branch of block k adds to the residual.
"""
import json
import sys

import numpy
import torch
from safetensors.numpy import save_file

from reference_decoder import load_model


class Edits:
    def __init__(self, model, direction):
        self.direction = direction
        self.arm, self.prompt = [], 0
        blocks = model.model.layers
        for k, module in enumerate([*blocks, model.model.norm]):
            module.register_forward_pre_hook(lambda _, args, k=k: (self.edited("resid", k, args[0]), *args[1:]))
        for k, block in enumerate(blocks):
            post_norms = hasattr(block, "post_feedforward_layernorm")
            attention = block.post_attention_layernorm if post_norms else block.self_attn
            mlp = block.post_feedforward_layernorm if post_norms else block.mlp
            attention.register_forward_hook(lambda _, args, out, k=k: self.branch("attn_out", k, out))
            mlp.register_forward_hook(lambda _, args, out, k=k: self.branch("mlp_out", k, out))

    def branch(self, site, k, out):
        if isinstance(out, tuple):
            return (self.edited(site, k, out[0]), *out[1:])
        return self.edited(site, k, out)

    def edited(self, site, k, h):
        for edit in self.arm:
            if edit["site"] != site or not edit["k_from"] <= k <= edit["k_to"]:
                continue
            amount = edit["alpha"] + edit["beta"] * (h @ self.direction).unsqueeze(-1)
            position = torch.arange(h.shape[1])
            inside = {"all": position >= 0, "prompt": position < self.prompt, "generated": position >= self.prompt}
            h = torch.where(inside[edit["scope"]][None, :, None], h + amount * self.direction, h)
        return h


@torch.no_grad()
def main():
    path, request_path, out_path = sys.argv[1:4]
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    torch.set_num_threads(2)
    model = load_model(path)
    edits = Edits(model, torch.tensor(request["direction"], dtype=torch.float32))
    out = {}
    for p, prompt in enumerate(request["prompts"]):
        for c, continuation in enumerate(request["continuations"]):
            reference = None
            for a, arm in enumerate(request["arms"]):
                edits.arm, edits.prompt = arm, len(prompt)
                logits = model(torch.tensor([prompt + continuation[:-1]]), use_cache=False).logits[0]
                logs = torch.log_softmax(logits[len(prompt) - 1:].double(), dim=-1)
                if reference is None:
                    reference = logs
                chosen = logs.gather(1, torch.tensor(continuation)[:, None])[:, 0]
                kl = torch.nn.functional.kl_div(logs, reference, reduction="none", log_target=True).sum(-1)
                out[f"log/{p}/{c}/{a}"] = chosen.numpy()
                out[f"kl/{p}/{c}/{a}"] = kl.numpy()
    save_file({name: numpy.ascontiguousarray(value) for name, value in out.items()}, out_path)


if __name__ == "__main__":
    main()
