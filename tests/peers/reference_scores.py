#!/usr/bin/env python3
"""Log-probabilities of continuations and divergences between arms of a GGUF model as transformers computes them.

reference_scores.py MODEL.gguf REQUEST.json OUT.safetensors

REQUEST: {"prompts": [[id]], "continuations": [[id]], "directions": [[d numbers]], "arms": [[{"site": "resid" | "attn_out" |
          "resid_mid" | "mlp_out", "k_from", "k_to", "alpha", "beta", "direction": row, "scope": "all" | "prompt" |
          "generated" | "last-prompt-token-on"}]]}
OUT: log/<prompt>/<continuation>/<arm> F64 [ids], kl/<prompt>/<continuation>/<arm> F64 [ids], from arm 0.
An edit is h += (alpha + beta <h, r>) r at R[k] before block k, on what a branch of block k adds to the residual, or
(resid_mid) on the residual between the two branches.
"""
import json
import sys

import numpy
import torch
from safetensors.numpy import save_file

from reference_decoder import load_model


class Edits:
    def __init__(self, model, directions):
        self.directions = directions
        self.arm, self.prompt = [], 0
        self.residual = None
        blocks = model.model.layers
        for k, module in enumerate([*blocks, model.model.norm]):
            module.register_forward_pre_hook(lambda _, args, k=k: (self.entering(k, args[0]), *args[1:]))
        for k, block in enumerate(blocks):
            post_norms = hasattr(block, "post_feedforward_layernorm")
            attention = block.post_attention_layernorm if post_norms else block.self_attn
            mlp = block.post_feedforward_layernorm if post_norms else block.mlp
            attention.register_forward_hook(lambda _, args, out, k=k: self.branch(self.attention, k, out))
            mlp.register_forward_hook(lambda _, args, out, k=k: self.branch(self.mlp, k, out))

    def entering(self, k, h):
        self.residual = self.edited("resid", k, h)
        return self.residual

    def branch(self, edit, k, out):
        return (edit(k, out[0]), *out[1:]) if isinstance(out, tuple) else edit(k, out)

    def attention(self, k, h):
        """The residual between the branches is no module's output: what the attention adds is made to give it."""
        h = self.edited("attn_out", k, h)
        middle = self.residual + h
        edited = self.edited("resid_mid", k, middle)
        return h if edited is middle else edited - self.residual

    def mlp(self, k, h):
        return self.edited("mlp_out", k, h)

    def edited(self, site, k, h):
        for edit in self.arm:
            if edit["site"] != site or not edit["k_from"] <= k <= edit["k_to"]:
                continue
            direction = self.directions[edit["direction"]]
            amount = edit["alpha"] + edit["beta"] * (h @ direction).unsqueeze(-1)
            position = torch.arange(h.shape[1])
            inside = {"all": position >= 0, "prompt": position < self.prompt, "generated": position >= self.prompt,
                      "last-prompt-token-on": position >= self.prompt - 1}
            h = torch.where(inside[edit["scope"]][None, :, None], h + amount * direction, h)
        return h


@torch.no_grad()
def main():
    path, request_path, out_path = sys.argv[1:4]
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    torch.set_num_threads(2)
    model = load_model(path)
    edits = Edits(model, torch.tensor(request["directions"], dtype=torch.float32))
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
