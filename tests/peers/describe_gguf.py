"""Describes a GGUF file as other tools read it; one JSON object on stdout.

    describe_gguf.py package FILE
        gguf package: SHA-256 of the float32 values of each tensor by its name in the file, and the digests
        of the metadata (contracts: identity) from its own reader
    describe_gguf.py transformers FILE
        transformers' loader: SHA-256 of each float32 parameter by Azimuth's canonical name
"""
import hashlib
import json
import os
import re
import sys
from decimal import Decimal


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def ecma_number(value):
    """Number::toString of ECMAScript for a finite double."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        e = point - 1
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{'+' if e > 0 else '-'}{abs(e)}"
    return "-" + text if sign else text


def canonical(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return ecma_number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return "{" + ",".join(canonical(k) + ":" + canonical(value[k])
                          for k in sorted(value, key=lambda k: k.encode("utf-16-be"))) + "}"


def package(path):
    import gguf
    import numpy as np

    reader = gguf.GGUFReader(path)
    tensors = {}
    for tensor in reader.tensors:
        digest = hashlib.sha256()
        data = tensor.data.reshape(-1, tensor.data.shape[-1])
        for at in range(0, len(data), 4096):
            values = gguf.dequantize(data[at:at + 4096], tensor.tensor_type)
            digest.update(values.astype(np.float32).tobytes())
        tensors[tensor.name] = digest.hexdigest()
    family = reader.fields["general.architecture"].contents()
    parts = {"config": {}, "tokenizer": {}, "template": {}}
    for key, field in reader.fields.items():
        wide = field.types[-1] in (gguf.GGUFValueType.UINT64, gguf.GGUFValueType.INT64)
        if key.startswith("tokenizer.chat_template"):
            part = "template"
        elif key.startswith("tokenizer."):
            part = "tokenizer"
        elif key.startswith(family + ".") or key in (
                "general.architecture", "general.file_type", "general.quantization_version"):
            part = "config"
        else:
            continue
        value = field.contents()
        if wide:
            value = [str(v) for v in value] if isinstance(value, list) else str(value)
        parts[part][key] = value
    return {"tensors": tensors, "digests": {k: sha256(canonical(v).encode()) for k, v in parts.items()}}


BLOCK = {
    "self_attn.q_proj": "attention.q", "self_attn.k_proj": "attention.k",
    "self_attn.v_proj": "attention.v", "self_attn.o_proj": "attention.o",
    "self_attn.q_norm": "attention.q_norm", "self_attn.k_norm": "attention.k_norm",
    "mlp.gate_proj": "mlp.gate", "mlp.up_proj": "mlp.up", "mlp.down_proj": "mlp.down",
}
LLAMA = {"input_layernorm": "attention.norm", "post_attention_layernorm": "mlp.norm"}
GEMMA = {"input_layernorm": "attention.norm", "post_attention_layernorm": "attention.post_norm",
         "pre_feedforward_layernorm": "mlp.norm", "post_feedforward_layernorm": "mlp.post_norm"}


def transformers(path):
    import torch
    from transformers import AutoModelForCausalLM, modeling_utils

    # It asks for accelerate before it reads a GGUF file, but uses it only to spread a model over devices.
    modeling_utils.is_accelerate_available = lambda *_: True
    model = AutoModelForCausalLM.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path),
                                                 dtype=torch.float32)
    norms = GEMMA if "gemma" in model.config.model_type else LLAMA
    tensors = {}
    for name, value in model.named_parameters():
        name = name.removeprefix("model.").removesuffix(".weight")
        block = re.fullmatch(r"layers\.(\d+)\.(.+)", name)
        if block:
            name = f"blocks.{block[1]}.{BLOCK.get(block[2]) or norms[block[2]]}"
        else:
            name = {"embed_tokens": "embed", "norm": "norm", "lm_head": "head"}[name]
        tensors[name + ".weight"] = sha256(value.detach().contiguous().numpy().tobytes())
    return {"tensors": tensors}


if __name__ == "__main__":
    modes = {"package": package, "transformers": transformers}
    print(json.dumps(modes[sys.argv[1]](os.path.abspath(sys.argv[2]))))
