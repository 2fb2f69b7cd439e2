#!/usr/bin/env python3
"""Small random models of several families with what transformers computes for them in float32.

reference_tiny_decoders.py FOLDER  ->  FOLDER/<family>.safetensors

Each file: weights/<canonical name>, tokens/<i> I64, resid/<i> F32 [k][token][d] (R[L] before the final norm), logits/<i>
F32 [token][vocabulary]. The sizes are those that tests/core/engine/model/tiny_peer_test.cpp states; heads * head width differs from
d, windows are shorter than the prompts, prompts have different lengths.
"""
import re
import sys

import numpy
import torch
import transformers
from safetensors.numpy import save_file

COMMON = dict(vocab_size=101, hidden_size=48, intermediate_size=80, num_hidden_layers=4, num_attention_heads=4,
              num_key_value_heads=2, head_dim=16, max_position_embeddings=256, pad_token_id=0, bos_token_id=1,
              eos_token_id=2)

FAMILIES = {
    "llama": (transformers.LlamaConfig, dict(
        tie_word_embeddings=False, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 64})),
    "qwen2": (transformers.Qwen2Config, dict(
        tie_word_embeddings=True, rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 1e6})),
    "qwen3": (transformers.Qwen3Config, dict(
        tie_word_embeddings=True, rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 1e6})),
    "gemma2": (transformers.Gemma2Config, dict(
        tie_word_embeddings=True, query_pre_attn_scalar=24, attn_logit_softcapping=5.0, final_logit_softcapping=3.0,
        sliding_window=7, layer_types=["sliding_attention", "full_attention"] * 2,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4}, attn_implementation="eager")),
    "gemma3": (transformers.Gemma3TextConfig, dict(
        tie_word_embeddings=True, query_pre_attn_scalar=24, sliding_window=7,
        layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={"full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}})),
}


def canonical(name, sandwich):
    if name == "model.embed_tokens.weight":
        return "embed.weight"
    if name == "model.norm.weight":
        return "norm.weight"
    if name == "lm_head.weight":
        return "head.weight"
    block, rest = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", name).groups()
    for old, new in [("self_attn.q_proj", "attention.q"), ("self_attn.k_proj", "attention.k"),
                     ("self_attn.v_proj", "attention.v"), ("self_attn.o_proj", "attention.o"),
                     ("self_attn.q_norm", "attention.q_norm"), ("self_attn.k_norm", "attention.k_norm"),
                     ("input_layernorm", "attention.norm"), ("pre_feedforward_layernorm", "mlp.norm"),
                     ("post_feedforward_layernorm", "mlp.post_norm"),
                     ("post_attention_layernorm", "attention.post_norm" if sandwich else "mlp.norm"),
                     ("mlp.gate_proj", "mlp.gate"), ("mlp.up_proj", "mlp.up"), ("mlp.down_proj", "mlp.down")]:
        if rest.startswith(old + "."):
            return f"blocks.{block}.{new}{rest[len(old):]}"
    raise ValueError(name)


@torch.no_grad()
def write(folder, family, number):
    kind, options = FAMILIES[family]
    torch.manual_seed(100 + number)
    model = transformers.AutoModelForCausalLM.from_config(kind(**COMMON, **options)).float().eval()
    for name, parameter in model.named_parameters():  # norms and biases start at constants: make them matter
        scale = 0.3 if parameter.ndim == 1 else 0.12
        offset = 1.0 if name.endswith("norm.weight") and not family.startswith("gemma") else 0.0
        parameter.copy_(offset + scale * torch.randn_like(parameter))
    out = {f"weights/{canonical(name, family.startswith('gemma'))}": parameter.numpy()
           for name, parameter in model.named_parameters()}
    seen = {}
    for k, module in enumerate(list(model.model.layers) + [model.model.norm]):
        module.register_forward_pre_hook(lambda module, arguments, k=k: seen.__setitem__(k, arguments[0][0].clone()))
    for index, length in enumerate([1, 5, 23, 90]):
        ids = torch.randint(0, COMMON["vocab_size"], (1, length))
        out[f"logits/{index}"] = model(ids, use_cache=False).logits[0].numpy()
        out[f"tokens/{index}"] = ids[0].numpy()
        out[f"resid/{index}"] = torch.stack([seen[k] for k in range(len(seen))]).numpy()
    save_file({name: numpy.ascontiguousarray(value) for name, value in out.items()}, f"{folder}/{family}.safetensors")


def main():
    torch.set_num_threads(1)
    for number, family in enumerate(FAMILIES):
        write(sys.argv[1], family, number)


if __name__ == "__main__":
    main()
