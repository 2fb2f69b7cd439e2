#!/usr/bin/env python3
"""Residual stream, DIM directions and greedy continuations of a GGUF model as Hugging Face transformers computes them.

reference_decoder.py MODEL.gguf REQUEST.json OUT.safetensors

REQUEST: {"bf16": whether to add R[k] at bf16, "positive": [text], "negative": [text], "extra": [text],
          "continuations": [{"prompt": index, "new_tokens": n, "edits": [{"k_from", "k_to", "operation": "add" | "ablate",
                             "direction_k", "strength"}]}]}
Prompts are numbered positive, negative, extra. OUT: tokens/<i> I64; resid/<i> F32 [k][token][d], k = 0..L with R[L] taken
before the final norm; bf16/resid/<i> likewise; dim F64 [k][d] at the last token, positive minus negative; continuation/<j> I64 (new tokens);
logits/<i> F32 [vocabulary] at the last token. An edit acts at every token with the unit direction of
dim[direction_k]; strength counts its norms.
"""
import functools
import json
import os
import sys

import gguf
import numpy
import torch
import transformers
from safetensors.numpy import save_file
from transformers.initialization import no_init_weights
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

# transformers reads the whole file, a vocabulary of 262,144 texts included, once for each of its questions.
gguf.GGUFReader = functools.lru_cache(gguf.GGUFReader)


def load_model(path):
    """transformers' own GGUF conversion, put together here so that accelerate is not needed."""
    config = transformers.AutoConfig.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path))
    with no_init_weights():
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    tensors = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"]
    state = {name: torch.as_tensor(value) for name, value in tensors.items()}
    report = model.load_state_dict(state, strict=False)
    model.tie_weights()
    assert not report.unexpected_keys and set(report.missing_keys) <= {"lm_head.weight"}, report
    return model.eval()


def vocabulary(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"]
    pieces = {bytes(tokens.parts[index]).decode("utf-8"): number for number, index in enumerate(tokens.data)}
    kind = bytes(fields["tokenizer.ggml.model"].parts[-1]).decode()
    bos = int(fields["tokenizer.ggml.bos_token_id"].parts[-1][0])
    return pieces, kind, bos


def pieces_of(text, vocabulary_of_model):
    """Longest match: some ids that spell the text, not the tokenizer's."""
    pieces, kind, bos = vocabulary_of_model
    if kind == "gpt2":
        text = text.replace(" ", "\u0120").replace("\n", "\u010a")
        ids = []
    else:
        text = text.replace(" ", "\u2581")
        ids = [bos]
    at = 0
    while at < len(text):
        end = next(e for e in range(min(len(text), at + 24), at, -1) if text[at:e] in pieces)
        ids.append(pieces[text[at:end]])
        at = end
    return ids


class Residuals:
    """R[k] for k = 0..L, read and edited by pre-hooks of the blocks and of the final norm."""

    def __init__(self, model):
        self.sites = list(model.model.layers) + [model.model.norm]
        self.seen = {}
        self.edits = {}
        for k, module in enumerate(self.sites):
            module.register_forward_pre_hook(self.hook(k))

    def hook(self, k):
        def run(module, arguments):
            h = arguments[0]
            for alpha, beta, unit in self.edits.get(k, []):
                wide = h.float()
                amount = alpha + beta * (wide * unit).sum(-1, keepdim=True)
                h = (wide + amount * unit).to(h.dtype)
            self.seen[k] = h.detach()
            return (h, *arguments[1:])
        return run


def greedy(model, ids, count, stop):
    sequence = torch.tensor([ids])
    cache = transformers.DynamicCache(config=model.config)
    step, new = sequence, []
    for _ in range(count):
        logits = model(step, past_key_values=cache, use_cache=True).logits[0, -1].float()
        new.append(int(logits.argmax()))
        if new[-1] in stop:
            break
        step = torch.tensor([[new[-1]]])
    return new


@torch.no_grad()
def main():
    path, request_path, out_path = sys.argv[1:4]
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    torch.set_num_threads(2)
    model = load_model(path)
    words = vocabulary(path)
    prompts = [pieces_of(text, words) for text in request["positive"] + request["negative"] + request["extra"]]
    residuals = Residuals(model)
    out, last = {}, []
    for index, ids in enumerate(prompts):
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        rows = torch.stack([residuals.seen[k][0].float() for k in range(len(residuals.sites))])
        out[f"tokens/{index}"] = numpy.array(ids, dtype=numpy.int64)
        out[f"resid/{index}"] = rows.numpy()
        out[f"logits/{index}"] = logits.float().numpy()
        last.append(rows[:, -1].numpy().astype(numpy.float64))
    positives = len(request["positive"])
    negatives = positives + len(request["negative"])
    direction = numpy.mean(last[:positives], axis=0) - numpy.mean(last[positives:negatives], axis=0)
    out["dim"] = direction
    for number, continuation in enumerate(request["continuations"]):
        residuals.edits = {}
        for edit in continuation["edits"]:
            raw = direction[edit["direction_k"]]
            unit = torch.tensor((raw / numpy.linalg.norm(raw)).astype(numpy.float32))
            add = edit["operation"] == "add"
            alpha, beta = (edit["strength"] * numpy.linalg.norm(raw), 0.0) if add else (0.0, -1.0)
            for k in range(edit["k_from"], edit["k_to"] + 1):
                residuals.edits.setdefault(k, []).append((alpha, beta, unit))
        new = greedy(model, prompts[continuation["prompt"]], continuation["new_tokens"], set())
        out[f"continuation/{number}"] = numpy.array(new, dtype=numpy.int64)
    residuals.edits = {}
    if request["bf16"]:
        model.to(torch.bfloat16)
        for index, ids in enumerate(prompts):
            model(torch.tensor([ids]), use_cache=False, logits_to_keep=1)
            rows = torch.stack([residuals.seen[k][0].float() for k in range(len(residuals.sites))])
            out[f"bf16/resid/{index}"] = rows.numpy()
    save_file({name: numpy.ascontiguousarray(value) for name, value in out.items()}, out_path)


if __name__ == "__main__":
    main()
