#!/usr/bin/env python3
"""Small random checkpoints of every supported family, and what transformers computes with them.

tiny_families.py FOLDER [NAME ...]

FOLDER/models.json              [{"name", "family", "gguf", "v4", "arms": [...], "parallel"}]
FOLDER/<name>/hf/               config.json as transformers 5 writes it, safetensors (of llama3 in several shards)
FOLDER/<name>/v4/               the same weights with config.json as transformers 4 wrote it
FOLDER/<name>/model.gguf        F32, where "gguf"
FOLDER/<name>/reference.safetensors
  tokens/<i>                    I64 [T] of prompt i
  resid/<i>                     F32 [k = 0..L][T][d]; R[L] leaves the last block, before the final norm
  attn_out, mlp_out, resid_mid/<i>  F32 [block][T][d]: what a branch adds, after its post-norm; no resid_mid where parallel
  logits/<i>                    F32 [T][vocabulary]
  bf16/resid/<i>                as resid, of the checkpoint loaded at bfloat16
  directions                    F32 [3][d] unit
  continuation/<i>, margin/<i>  I64, F32 [arm][48]: greedy tokens and the two best logits' difference at each step

An arm is a list of edits {"site", "k_from", "k_to", "operation", "direction", "strength", "scope"} as in the engine:
h += (alpha + beta <h, r>) r in float32, done here by forward hooks. Each prompt is a batch of its arms, so a rotary
embedding that depends on the length sees a batch of one length.
"""
import json
import os
import shutil
import sys

import gguf
import numpy
import torch
import transformers
from safetensors.numpy import save_file

LENGTHS = [1, 5, 23, 61]
NEW_TOKENS = 48
SITES = ["resid", "attn_out", "resid_mid", "mlp_out"]

COMMON = dict(vocab_size=131, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4,
              num_key_value_heads=2, head_dim=16, max_position_embeddings=256, pad_token_id=0, bos_token_id=1,
              eos_token_id=2, rms_norm_eps=1e-6, tie_word_embeddings=True)
FULL, SLIDING = "full_attention", "sliding_attention"
LONG = dict(rope_type="longrope", rope_theta=1e4, original_max_position_embeddings=32)


def rope(kind="default", theta=1e4, **more):
    return {"rope_type": kind, "rope_theta": theta, **more}


def without(*names):
    return {name: value for name, value in COMMON.items() if name not in names}


def llama(**options):
    return transformers.LlamaConfig(**{**COMMON, **options})


def mistral(**options):
    return transformers.MistralConfig(**{**COMMON, "rope_parameters": rope(theta=1e6), **options})


def phi3(**options):
    return transformers.Phi3Config(**{**without("head_dim"), "hidden_size": 64, "rms_norm_eps": 1e-5, **options})


def gemma2(scalar, **options):
    return transformers.Gemma2Config(**{**COMMON, "query_pre_attn_scalar": scalar, "attn_logit_softcapping": 5.0,
                                        "final_logit_softcapping": 3.0, "sliding_window": 7,
                                        "attn_implementation": "eager", **options})


def gemma3(scalar, types, **options):
    return transformers.Gemma3TextConfig(**{**COMMON, "query_pre_attn_scalar": scalar, "sliding_window": 7,
                                            "num_hidden_layers": len(types), "layer_types": types,
                                            "rope_parameters": {FULL: rope("linear", 1e6, factor=8.0),
                                                                SLIDING: rope()}, **options})


def neox(**options):
    return transformers.GPTNeoXConfig(**{**without("num_key_value_heads", "head_dim", "rms_norm_eps"),
                                         "hidden_size": 64, "tie_word_embeddings": False, "hidden_act": "gelu",
                                         **options})


def factors(count, first, last):
    return [round(first * (last / first) ** (j / max(1, count - 1)), 4) for j in range(count)]


# name -> (configuration, GGUF too)
MODELS = {
    "llama2": (lambda: llama(hidden_size=64, num_key_value_heads=4, num_hidden_layers=2, tie_word_embeddings=False,
                             rms_norm_eps=1e-5, rope_parameters=rope()), True),
    "llama3": (lambda: llama(rope_parameters=rope("llama3", 1e4, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                                  original_max_position_embeddings=32)), True),
    "llama_bias": (lambda: llama(attention_bias=True, mlp_bias=True, rope_parameters=rope(theta=5e5)), True),
    "llama_linear": (lambda: llama(rope_parameters=rope("linear", factor=4.0)), True),
    "llama_dynamic": (lambda: llama(max_position_embeddings=32, rope_parameters=rope("dynamic", factor=8.0)), False),
    "llama_yarn": (lambda: llama(rope_parameters=rope("yarn", factor=8.0, original_max_position_embeddings=32,
                                                      beta_fast=1.5, beta_slow=0.5)), True),
    "llama_yarn_whole": (lambda: llama(rope_parameters=rope("yarn", factor=8.0, original_max_position_embeddings=32,
                                                            mscale=1.7, mscale_all_dim=0.6, truncate=False)), False),
    "mistral": (lambda: mistral(tie_word_embeddings=False, sliding_window=7), True),
    "mistral_full": (lambda: mistral(hidden_size=64, num_key_value_heads=4, sliding_window=None), True),
    "qwen2": (lambda: transformers.Qwen2Config(**{**without("head_dim"), "rope_parameters": rope(theta=1e6)}), True),
    "qwen2_window": (lambda: transformers.Qwen2Config(**{
        **without("head_dim"), "num_key_value_heads": 4, "tie_word_embeddings": False, "use_sliding_window": True,
        "sliding_window": 7, "max_window_layers": 1, "rope_parameters": rope(theta=1e6)}), False),
    "qwen2_yarn": (lambda: transformers.Qwen2Config(**{
        **without("head_dim"), "rope_parameters": rope("yarn", 1e6, factor=4.0, original_max_position_embeddings=32,
                                                       attention_factor=1.4)}), True),
    "qwen3": (lambda: transformers.Qwen3Config(**{**COMMON, "rope_parameters": rope(theta=1e6)}), True),
    "qwen3_untied": (lambda: transformers.Qwen3Config(**{**COMMON, "hidden_size": 64, "num_key_value_heads": 4,
                                                         "tie_word_embeddings": False,
                                                         "rope_parameters": rope(theta=1e6)}), True),
    "gemma2": (lambda: gemma2(24, num_hidden_layers=4, rope_parameters=rope()), False),
    "gemma2_plain": (lambda: gemma2(16, num_key_value_heads=4, rope_parameters=rope()), True),
    "gemma3": (lambda: gemma3(24, [SLIDING, SLIDING, FULL, SLIDING]), False),
    "gemma3_plain": (lambda: gemma3(16, [SLIDING, FULL, SLIDING], num_key_value_heads=1), True),
    "gemma3_heads": (lambda: gemma3(12, [SLIDING, FULL], num_key_value_heads=4, head_dim=12), False),
    "phi3": (lambda: phi3(tie_word_embeddings=False, rope_parameters=rope()), True),
    "phi3_long": (lambda: phi3(tie_word_embeddings=False, num_key_value_heads=4, max_position_embeddings=128,
                               original_max_position_embeddings=32,
                               rope_parameters=dict(LONG, short_factor=factors(8, 1.0, 1.3),
                                                    long_factor=factors(8, 1.1, 4.0))), True),
    "phi3_partial": (lambda: phi3(max_position_embeddings=128, original_max_position_embeddings=32, sliding_window=27,
                                  rope_parameters=dict(LONG, partial_rotary_factor=0.75,
                                                       short_factor=factors(6, 1.0, 1.2),
                                                       long_factor=factors(6, 1.0, 5.0))), True),
    "olmo2": (lambda: transformers.Olmo2Config(**{**without("head_dim"), "hidden_size": 64,
                                                  "tie_word_embeddings": False, "rope_parameters": rope(theta=5e5)}),
              True),
    "olmo2_tied": (lambda: transformers.Olmo2Config(**{**without("head_dim"), "num_key_value_heads": 4,
                                                       "num_hidden_layers": 2, "rope_parameters": rope(theta=5e5)}),
                   True),
    "gpt_neox": (lambda: neox(rope_parameters=rope(partial_rotary_factor=0.25)), True),
    "gpt_neox_sequential": (lambda: neox(num_hidden_layers=2, use_parallel_residual=False,
                                         rope_parameters=rope(partial_rotary_factor=1.0)), True),
    "gpt2": (lambda: transformers.GPT2Config(vocab_size=131, n_positions=128, n_embd=48, n_layer=3, n_head=4,
                                             bos_token_id=1, eos_token_id=2), True),
    "gpt2_untied": (lambda: transformers.GPT2Config(vocab_size=131, n_positions=112, n_embd=64, n_layer=2, n_head=8,
                                                    n_inner=100, layer_norm_epsilon=1e-3, bos_token_id=1,
                                                    eos_token_id=2, tie_word_embeddings=False), True),
    "llama_yarn_one": (lambda: llama(rope_parameters=rope("yarn", factor=8.0, original_max_position_embeddings=32,
                                                          attention_factor=1.0)), True),
}


class Parts:
    """Where a family keeps its blocks, branches and norms."""

    def __init__(self, model):
        self.family = model.config.model_type
        base = getattr(model, "transformer", None) or getattr(model, "gpt_neox", None) or model.model
        self.blocks = list(base.h if self.family == "gpt2" else base.layers)
        self.final_norm = {"gpt2": "ln_f", "gpt_neox": "final_layer_norm"}.get(self.family, "norm")
        self.final_norm = getattr(base, self.final_norm)
        self.parallel = self.family == "gpt_neox" and model.config.use_parallel_residual
        self.post_norms = self.family in ("gemma2", "gemma3_text", "olmo2")

    def branch(self, block, site):
        if self.post_norms:
            return block.post_attention_layernorm if site == "attn_out" else block.post_feedforward_layernorm
        if site == "mlp_out":
            return block.mlp
        return getattr(block, {"gpt2": "attn", "gpt_neox": "attention"}.get(self.family, "self_attn"))


class Hooks:
    """Reads every site and edits it: row r of the batch by its own list of edits."""

    def __init__(self, model):
        self.parts = Parts(model)
        self.seen, self.edits = {}, {}
        self.start = self.prompt = 0
        for k, block in enumerate(self.parts.blocks):
            block.register_forward_pre_hook(self.entering(k))
            self.parts.branch(block, "attn_out").register_forward_hook(self.branch(k, "attn_out"))
            self.parts.branch(block, "mlp_out").register_forward_hook(self.branch(k, "mlp_out"))
        self.parts.final_norm.register_forward_pre_hook(self.entering(len(self.parts.blocks)))

    def in_scope(self, scope, tokens):
        position = torch.arange(self.start, self.start + tokens)
        return {"all": position >= 0, "prompt": position < self.prompt, "generated": position >= self.prompt,
                "last-prompt-token-on": position >= self.prompt - 1}[scope]

    def edit(self, site, k, h):
        rows = self.edits.get((site, k))
        if rows:
            for number in range(max(len(row) for row in rows)):
                none = (0.0, 0.0, torch.zeros(h.shape[-1]), "all")
                chosen = [row[number] if number < len(row) else none for row in rows]
                alpha = torch.tensor([c[0] for c in chosen])[:, None, None]
                beta = torch.tensor([c[1] for c in chosen])[:, None, None]
                unit = torch.stack([c[2] for c in chosen])[:, None, :]
                here = torch.stack([self.in_scope(c[3], h.shape[1]) for c in chosen])[:, :, None]
                wide = h.float()
                edited = wide + (alpha + beta * (wide * unit).sum(-1, keepdim=True)) * unit
                h = torch.where(here, edited, wide).to(h.dtype)
        self.seen[(site, k)] = h.detach().clone()
        return h

    def entering(self, k):
        return lambda module, arguments: (self.edit("resid", k, arguments[0]), *arguments[1:])

    def branch(self, k, site):
        def run(module, arguments, output):
            value = output[0] if isinstance(output, tuple) else output
            value = self.edit(site, k, value)
            if site == "attn_out" and not self.parts.parallel:
                # The residual between the branches is not a module's output: edit what makes it.
                before = self.seen[("resid", k)] + value
                after = self.edit("resid_mid", k, before.clone())
                if self.edits.get(("resid_mid", k)):
                    value = after - self.seen[("resid", k)]
            return (value, *output[1:]) if isinstance(output, tuple) else value
        return run


def arms_of(blocks, norms, parallel):
    """Strengths count the median norm of the residual stream at k."""
    def edit(operation, direction, k_from, k_to=None, amount=0.0, scope="all", site="resid"):
        strength = 0.0 if operation == "ablate" else float(numpy.float32(amount * norms[k_from]))
        return dict(operation=operation, direction=direction, k_from=k_from, k_to=k_from if k_to is None else k_to,
                    strength=strength, scope=scope, site=site)
    last, middle = blocks, blocks // 2
    mid = "attn_out" if parallel else "resid_mid"
    return [
        [],
        [edit("add", 0, 1, amount=0.8)],
        [edit("ablate", 1, 0, last)],
        [edit("affine", 2, last - 1, amount=-0.6, scope="last-prompt-token-on")],
        [edit("add", 0, 0, last, amount=0.4, scope="prompt")],
        [edit("add", 1, middle, amount=-0.7, scope="generated")],
        [edit("ablate", 0, 0, last), edit("add", 1, middle, amount=0.5), edit("affine", 2, last, amount=0.3,
                                                                             scope="generated")],
        [edit("add", 2, 1, amount=0.5, site="attn_out")],
        [edit("ablate", 0, 0, last - 1, site="mlp_out")],
        [edit("affine", 1, 1, amount=0.5, scope="generated", site=mid)],
        [edit("add", 0, 1, amount=0.3), edit("ablate", 1, 0, last - 1, scope="last-prompt-token-on", site="attn_out"),
         edit("add", 2, 0, amount=0.5, site="mlp_out"), edit("add", 1, last - 1, amount=-0.4, site=mid)],
    ]


def edits_by_site(arms, directions):
    result = {}
    for row, arm in enumerate(arms):
        for edit in arm:
            alpha = 0.0 if edit["operation"] == "ablate" else edit["strength"]
            beta = 0.0 if edit["operation"] == "add" else -1.0
            for k in range(edit["k_from"], edit["k_to"] + 1):
                rows = result.setdefault((edit["site"], k), [[] for _ in arms])
                rows[row].append((alpha, beta, directions[edit["direction"]], edit["scope"]))
    return result


def forget_length(model):
    """Dynamic rotary embeddings keep the longest length they have seen until they see a short one."""
    hooks, model.azimuth_hooks.edits = model.azimuth_hooks.edits, {}
    model(torch.tensor([[0]]), use_cache=False)
    model.azimuth_hooks.edits = hooks


def greedy(model, hooks, ids, rows):
    """As generate() does with a cache; where Phi-3 passes its original length, the cache is made again."""
    forget_length(model)
    hooks.prompt = len(ids)
    sequence = torch.tensor([ids] * rows)
    original = getattr(model.config, "original_max_position_embeddings", None)
    cache, start = transformers.DynamicCache(config=model.config), 0
    margins = []
    for _ in range(NEW_TOKENS):
        if original and start and start <= original < sequence.shape[1]:
            cache, start = transformers.DynamicCache(config=model.config), 0
        hooks.start = start
        logits = model(sequence[:, start:], past_key_values=cache, use_cache=True).logits[:, -1].float()
        start = sequence.shape[1]
        best = logits.topk(2, -1).values
        margins.append(best[:, 0] - best[:, 1])
        sequence = torch.cat([sequence, logits.argmax(-1, keepdim=True)], 1)
    hooks.start = 0
    return sequence[:, len(ids):].numpy(), torch.stack(margins, 1).numpy()


def forward(model, hooks, ids):
    forget_length(model)
    hooks.start, hooks.prompt = 0, len(ids)
    logits = model(torch.tensor([ids]), use_cache=False).logits[0].float()
    blocks = len(hooks.parts.blocks)
    sites = {site: torch.stack([hooks.seen[(site, k)][0].float() for k in range(blocks + (site == "resid"))])
             for site in SITES if (site, 0) in hooks.seen}
    return sites, logits


def randomise(model):
    """Norms and biases start at constants: make them matter. A large tied embedding would repeat its last token."""
    gemma, tied = model.config.model_type.startswith("gemma"), model.config.tie_word_embeddings
    for name, parameter in model.named_parameters():
        is_norm = parameter.ndim == 1 and name.endswith("weight")
        offset = 1.0 if is_norm and not gemma else 0.0
        small = tied and name.endswith(("embed_tokens.weight", "wte.weight"))
        scale = 0.3 if parameter.ndim == 1 else 0.03 if small else 0.13
        parameter.copy_(offset + scale * torch.randn_like(parameter))


def to_v4(config):
    """config.json as transformers 4 wrote it."""
    config = dict(config)
    config["torch_dtype"] = config.pop("dtype", "float32")
    config["transformers_version"] = "4.46.0"
    parameters = config.pop("rope_parameters", None)
    if not parameters:
        return config
    family, types = config["model_type"], []
    if FULL in parameters:
        types = config.pop("layer_types")
        pattern = types.index(FULL) + 1
        if types != [FULL if (b + 1) % pattern == 0 else SLIDING for b in range(len(types))]:
            return None
        config["sliding_window_pattern"] = pattern
        config["rope_local_base_freq"] = parameters[SLIDING]["rope_theta"]
        parameters = parameters[FULL]
    elif family == "gemma2":
        config.pop("layer_types")
    elif family in ("qwen2", "qwen3"):
        config.pop("layer_types")
    parameters = dict(parameters)
    theta, partial = parameters.pop("rope_theta"), parameters.pop("partial_rotary_factor", None)
    if family == "gpt_neox":
        config["rotary_emb_base"], config["rotary_pct"] = theta, 1.0 if partial is None else partial
    else:
        config["rope_theta"] = theta
        if partial is not None:
            config["partial_rotary_factor"] = partial
    if family == "phi3":
        parameters.pop("original_max_position_embeddings", None)
    kind = parameters.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {
        ("rope_type" if kind in ("llama3", "yarn") or FULL in types else "type"): kind, **parameters}
    return config


def save_folders(model, folder):
    """Returns whether the older configuration can say the same."""
    hf, v4 = f"{folder}/hf", f"{folder}/v4"
    small = "60KB" if os.path.basename(folder) == "llama3" else "1GB"
    model.save_pretrained(hf, max_shard_size=small)
    with open(f"{hf}/config.json", encoding="utf-8") as file:
        config = to_v4(json.load(file))
    if config is None:
        return False
    shutil.copytree(hf, v4)
    with open(f"{v4}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    return True


def load(folder, dtype, eager):
    more = {"attn_implementation": "eager"} if eager else {}
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **more).eval()


@torch.no_grad()
def write(root, name, number):
    make, with_gguf = MODELS[name]
    torch.manual_seed(100 + number)
    config = make()
    folder = f"{root}/{name}"
    os.makedirs(folder)
    eager = config.model_type == "gemma2"
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager" if eager else None)
    model = model.float().eval()
    randomise(model)
    has_v4 = save_folders(model, folder)
    if with_gguf:
        write_gguf(model, f"{folder}/model.gguf")
    prompts = [torch.randint(0, config.vocab_size, (length,)).tolist() for length in LENGTHS]
    hooks = model.azimuth_hooks = Hooks(model)
    out, norms = {}, []
    for index, ids in enumerate(prompts):
        sites, logits = forward(model, hooks, ids)
        out[f"tokens/{index}"] = numpy.array(ids, dtype=numpy.int64)
        out[f"logits/{index}"] = logits.numpy()
        norms.append(sites["resid"].norm(dim=-1))
        for site, values in sites.items():
            out[f"{site}/{index}"] = values.numpy()
    if has_v4:
        older = load(f"{folder}/v4", torch.float32, eager)
        older.azimuth_hooks = Hooks(older)
        _, logits = forward(older, older.azimuth_hooks, prompts[-1])
        assert numpy.array_equal(logits.numpy(), out[f"logits/{len(prompts) - 1}"]), f"{name}: v4 differs"
    directions = torch.nn.functional.normalize(torch.randn(3, out["resid/0"].shape[-1]), dim=-1)
    out["directions"] = directions.numpy()
    blocks = len(hooks.parts.blocks)
    arms = arms_of(blocks, torch.cat(norms, 1).median(1).values.tolist(), hooks.parts.parallel)
    hooks.edits = edits_by_site(arms, directions)
    for index, ids in enumerate(prompts):
        out[f"continuation/{index}"], out[f"margin/{index}"] = greedy(model, hooks, ids, len(arms))
    low = load(f"{folder}/hf", torch.bfloat16, eager)
    low.azimuth_hooks = Hooks(low)
    for index, ids in enumerate(prompts):
        sites, _ = forward(low, low.azimuth_hooks, ids)
        out[f"bf16/resid/{index}"] = sites["resid"].numpy()
    save_file({key: numpy.ascontiguousarray(value) for key, value in out.items()}, f"{folder}/reference.safetensors")
    return dict(name=name, family=config.model_type, gguf=with_gguf, v4=has_v4, arms=arms,
                parallel=hooks.parts.parallel)


# GGUF by hand: names and metadata as llama.cpp's converter writes them.

GGUF_FAMILY = {"gpt_neox": "gptneox", "gemma3_text": "gemma3", "mistral": "llama"}
GGUF_BLOCK = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "self_attn.qkv_proj": "attn_qkv", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.gate_up_proj": "ffn_up",
    "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down", "attention.query_key_value": "attn_qkv",
    "attention.dense": "attn_output", "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
}
GGUF_POST_NORMS = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
                   "post_feedforward_layernorm": "post_ffw_norm"}
GGUF_TOP = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "wte": "token_embd",
            "wpe": "position_embd", "ln_f": "output_norm", "embed_in": "token_embd", "embed_out": "output",
            "final_layer_norm": "output_norm"}


def gguf_name(name, post_norms):
    stem, kind = name.rsplit(".", 1)
    for prefix in ("model.", "transformer.", "gpt_neox."):
        stem = stem.removeprefix(prefix)
    for prefix in ("layers.", "h."):
        if stem.startswith(prefix):
            block, rest = stem[len(prefix):].split(".", 1)
            table = {**GGUF_BLOCK, **GGUF_POST_NORMS} if post_norms else GGUF_BLOCK
            return f"blk.{block}.{table[rest]}.{kind}"
    return f"{GGUF_TOP[stem]}.{kind}"


def interleaved(values, heads):
    """Rows of q and k in the order that llama.cpp rotates them."""
    return values.reshape(heads, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def gguf_tensors(model):
    config, parts = model.config, Parts(model)
    family = config.model_type
    heads = config.num_attention_heads
    tied = config.tie_word_embeddings
    for name, parameter in model.state_dict().items():
        if name in ("lm_head.weight", "embed_out.weight") and tied or name.endswith("embed_scale"):
            continue
        values = parameter.numpy()
        stored = gguf_name(name, parts.post_norms)
        if family in ("llama", "mistral") and (".attn_q." in stored or ".attn_k." in stored):
            values = interleaved(values, heads if ".attn_q." in stored else config.num_key_value_heads)
        if family.startswith("gemma") and "norm" in stored:
            values = values + 1
        if family == "gpt2" and ".c_" in name and values.ndim == 2:
            values = values.T
        if family == "gpt_neox" and ".attn_qkv." in stored:
            values = values.reshape(heads, 3, -1, *values.shape[1:]).swapaxes(0, 1).reshape(values.shape)
        yield stored, numpy.ascontiguousarray(values.astype(numpy.float32))


def write_gguf(model, path):
    config = model.config
    family = GGUF_FAMILY.get(config.model_type, config.model_type)
    writer = gguf.GGUFWriter(path, family)
    key = lambda name: f"{family}.{name}"
    size = lambda name, value: writer.add_uint32(key(name), int(value))
    real = lambda name, value: writer.add_float32(key(name), float(value))
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    size("context_length", config.max_position_embeddings)
    size("embedding_length", config.hidden_size)
    size("block_count", config.num_hidden_layers)
    inner = getattr(config, "n_inner" if family == "gpt2" else "intermediate_size")
    size("feed_forward_length", inner or 4 * config.hidden_size)
    size("attention.head_count", heads)
    if family in ("gpt2", "gptneox"):
        real("attention.layer_norm_epsilon", getattr(config, "layer_norm_eps", None) or config.layer_norm_epsilon)
    else:
        size("attention.head_count_kv", config.num_key_value_heads)
        real("attention.layer_norm_rms_epsilon", config.rms_norm_eps)
        size("attention.key_length", width)
        size("attention.value_length", width)
    if family == "gptneox":
        writer.add_bool(key("use_parallel_residual"), config.use_parallel_residual)
    window = getattr(config, "sliding_window", None)
    if family in ("gemma2", "gemma3", "phi3") or window and config.model_type == "mistral":
        size("attention.sliding_window", window or 0)
    if family == "gemma3":
        size("attention.sliding_window_pattern", config.layer_types.index(FULL) + 1)
    if family == "gemma2":
        real("attn_logit_softcapping", config.attn_logit_softcapping)
        real("final_logit_softcapping", config.final_logit_softcapping)
    parameters = getattr(config, "rope_parameters", None)
    if parameters:
        write_rope(writer, key, config, parameters.get(FULL, parameters), width)
    for name, values in gguf_tensors(model):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_rope(writer, key, config, parameters, width):
    rotary = int(width * parameters.get("partial_rotary_factor", 1.0))
    writer.add_uint32(key("rope.dimension_count"), rotary)
    writer.add_float32(key("rope.freq_base"), parameters["rope_theta"])
    kind = parameters["rope_type"]
    if kind == "linear":
        writer.add_string(key("rope.scaling.type"), "linear")
        writer.add_float32(key("rope.scaling.factor"), parameters["factor"])
    elif kind == "yarn":
        writer.add_string(key("rope.scaling.type"), "yarn")
        writer.add_float32(key("rope.scaling.factor"), parameters["factor"])
        writer.add_uint32(key("rope.scaling.original_context_length"), parameters["original_max_position_embeddings"])
        for name, own in (("yarn_attn_factor", "attention_factor"), ("yarn_beta_fast", "beta_fast"),
                          ("yarn_beta_slow", "beta_slow")):  # as llama.cpp's converter does
            if parameters.get(own) is not None:
                writer.add_float32(key("rope.scaling." + name), parameters[own])
    elif kind == "llama3":
        plain = 1.0 / parameters["rope_theta"] ** (torch.arange(0, rotary, 2).float() / rotary)
        scaled, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
        writer.add_tensor("rope_freqs.weight", (plain / scaled).numpy())
    elif kind == "longrope":
        original = parameters["original_max_position_embeddings"]
        scale = config.max_position_embeddings / original
        writer.add_uint32(key("rope.scaling.original_context_length"), original)
        writer.add_float32(key("rope.scaling.attn_factor"), float(numpy.sqrt(1 + numpy.log(scale) / numpy.log(original))))
        for name in ("long", "short"):
            writer.add_tensor(f"rope_factors_{name}.weight",
                              numpy.array(parameters[f"{name}_factor"], dtype=numpy.float32))


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    root, names = sys.argv[1], sys.argv[2:] or list(MODELS)
    os.makedirs(root, exist_ok=True)
    rows = [write(root, name, list(MODELS).index(name)) for name in names]
    with open(f"{root}/models.json", "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
