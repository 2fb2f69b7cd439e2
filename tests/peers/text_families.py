#!/usr/bin/env python3
"""Tokenizers of every family as Hugging Face folders, and what tokenizers and transformers make of texts and chats.

    text_families.py FOLDER     writes FOLDER/<family>/, FOLDER/<vocabulary>.gguf and FOLDER/answers.json; run by
                                tests/core/engine/text

The vocabularies are small and trained here (on Python's own documentation and the texts of make_token_fixtures.py); normaliser,
pre-tokenizer, post-processor, decoder and added tokens are those that each family publishes. transformers is asked through
PreTrainedTokenizerFast, which takes tokenizer.json as it is: in transformers 5 classes such as LlamaTokenizer build a pipeline
of their own in its place. Chat templates are those of chat_templates/. The .gguf files hold a vocabulary only, as
llama.cpp's converter writes it, for llama.cpp to answer.
"""

import argparse
import ast
import base64
import collections
import datetime
import difflib
import email
import fractions
import json
import logging
import optparse
import os
import random
import sys
import textwrap

import gguf
import make_token_fixtures as fixtures
import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.utils import chat_template_utils

HERE = os.path.dirname(os.path.abspath(__file__))

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")

PARTS = [
    " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b", "\u200d", "\ufe0f", "\u0301", "a", "the", " The",
    "ing", "'s", "'LL", "don't", "x1", "2024", "3.14", " 7", "aaaa", "----", "        ", "word", "Word", "WORD", "camelCase",
    "snake_case", "http://", "é", "e\u0301", "ß", "İ", "ж", "Ж", "λ", "ا", "ש", "क", "क्ष", "ไทย", "字", "漢字", "か", "カ", "한", "ㅋ",
    "😀", "👍🏽", "👩‍💻", "🇩🇪", "½", "²", "Ⅷ", "١", "𝔘", "𠮷", ".", ",", "...", "!", "?!", "(", ")", "[", "{", "\"", "'", "`", "$",
    "%", "+", "=", "==", "->", "_", "__", "/", "//", "\\", "#", "##", "*", "**", "-", "--", "<", ">", "<b>", "</b>", "<|im_end|>",
    "<end_of_turn>", "<bos>", "<s>", "</s>", "<unk>", "<|eot_id|>", "<|begin_of_text|>", "<|endoftext|>", "<|end|>", "<|user|>",
    "[INST]", "<think>", "<0x41>", "▁", "\x00", "\x01", "\x1b", "\x7f", "\u0085"]


def corpus():
    texts = fixtures.hard_texts()
    texts += ["<|im_end|>" * 3, " <|end|>  <|end|>\n", "<|im_start|> \n x", "\n\n\n\n", "<s>hello", " <s> hello", "hello </s>x",
              "<image_soft_token", "[INST] hi [/INST]", "<|reserved_special_token_3|>", "\ufb01 \u212b \u1e9b\u0323 \uac00"]
    random.seed(2026)
    for _ in range(250):
        texts.append("".join(random.choice(PARTS) * (random.randint(1, 40) if random.random() < 0.08 else 1)
                             for _ in range(random.randint(1, 30))))
    return texts


def training_texts():
    modules = (argparse, ast, base64, collections, datetime, difflib, email, fractions, json, logging, optparse, os, random, textwrap)
    texts = [textwrap.dedent(m.__doc__ or "") for m in modules]
    for module in modules:
        texts += [getattr(module, name).__doc__ or "" for name in dir(module)]
    # llama.cpp reads a piece up to NUL only, which published vocabularies have as a byte alone.
    return [t for t in texts if isinstance(t, str)] + [t for t in fixtures.TEXTS if len(t) < 200 and "\0" not in t] * 3


def bpe_parts(model):
    state = json.loads(model.__getstate__())
    return state["vocab"], [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in state["merges"]]


def trained_bytes(pre_tokenizer, normalizer, size=1500):
    """Vocabulary and merges of a byte-level BPE."""
    trainer_side = Tokenizer(models.BPE())
    trainer_side.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        trainer_side.normalizer = normalizer
    trainer_side.train_from_iterator(training_texts(), trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return bpe_parts(trainer_side.model)


def byte_level(pre_tokenizer, normalizer=None, post_processor=None, ignore_merges=False, added=(), first=()):
    """first: special tokens with the lowest ids (GPT-NeoX); added: those behind the pieces."""
    vocab, merges = trained_bytes(pre_tokenizer, normalizer)
    shift = len(first)
    vocab = {token: index + shift for token, index in vocab.items()}
    for index, token in enumerate(first):
        vocab[token.content] = index
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    add(tokenizer, list(first) + list(added))
    if post_processor is not None:
        tokenizer.post_processor = post_processor(tokenizer)
    return tokenizer


def add(tokenizer, tokens):
    for token in tokens:
        if token.special:
            tokenizer.add_special_tokens([token])
        else:
            tokenizer.add_tokens([token])


def special(*texts, **options):
    return [AddedToken(t, special=True, normalized=False, **options) for t in texts]


def plain(*texts, normalized=False):
    return [AddedToken(t, special=False, normalized=normalized) for t in texts]


def bos_first(token):
    return lambda tokenizer: processors.TemplateProcessing(
        single=f"{token}:0 $A:0", pair=f"{token}:0 $A:0 {token}:1 $B:1", special_tokens=[(token, tokenizer.token_to_id(token))])


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False)])


def gpt2():
    return byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
                      post_processor=lambda _: processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=True),
                      added=[AddedToken("<|endoftext|>", special=True, normalized=True)])


def gpt_neox():
    first = special("<|endoftext|>", "<|padding|>")
    blanks = [AddedToken(" " * n, special=False, normalized=True) for n in range(24, 1, -1)]
    return byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True), normalizers.NFC(),
                      lambda _: processors.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
                      added=blanks, first=first)


def llama3():
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
             "<|python_tag|>"] + [f"<|reserved_special_token_{n}|>" for n in range(8)]
    return byte_level(split(LLAMA3), post_processor=lambda t: processors.Sequence(
        [processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=True), bos_first("<|begin_of_text|>")(t)]),
                      ignore_merges=True, added=special(*names))


def qwen():
    added = special("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|vision_pad|>")
    added += plain("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<think>", "</think>")
    return byte_level(split(QWEN2), normalizers.NFC(),
                      lambda _: processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False), added=added)


def smollm():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)])
    return byte_level(pre, first=special("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>"))


def olmo2():
    return byte_level(split(CL100K), added=special("<|endoftext|>", "<|pad|>") + plain("|||IP_ADDRESS|||", "<|user|>"))


def phi4():
    added = [AddedToken(t, special=True, normalized=False, lstrip=True, rstrip=True)
             for t in ("<|dummy_0|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_sep|>")]
    return byte_level(split(CL100K), added=added)


def tekken():
    return byte_level(split(TEKKEN), post_processor=bos_first("<s>"), ignore_merges=True,
                      first=special("<unk>", "<s>", "</s>", "[INST]", "[/INST]"))


def pieces(specials, prefix, normalizer, pre_tokenizer, decoder, added=(), bos="<s>", runs=0, unknown="<unk>"):
    """A SentencePiece BPE as its converters write it: specials, 256 bytes, pieces; byte fallback."""
    trainer_side = Tokenizer(models.BPE())
    trainer_side.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always" if prefix else "never")
    trainer_side.train_from_iterator(training_texts(), trainers.BpeTrainer(vocab_size=1400, show_progress=False, limit_alphabet=300))
    learned, merges = bpe_parts(trainer_side.model)
    vocab = {text: index for index, text in enumerate([t.content for t in specials] + [f"<0x{b:02X}>" for b in range(256)])}
    if runs:  # Gemma and Llama have pieces for runs of blanks, which no training on words finds
        for length in range(2, runs):
            half = (length + 1) // 2
            merges.append(("▁" * half, "▁" * (length - half)))
            learned.setdefault("▁" * length, 0)
    for text in sorted(learned, key=lambda t: (learned[t] == 0, learned[t], len(t))):
        if text not in vocab:
            vocab[text] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token=unknown, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    add(tokenizer, list(specials) + list(added))
    tokenizer.post_processor = bos_first(bos)(tokenizer)
    return tokenizer


def llama_like(added=()):
    return pieces(special("<unk>", "<s>", "</s>"), True,
                  normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
                  decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
                  added, runs=17)


def llama2():
    return llama_like()


def mistral():
    """Version 3 with control tokens; its pre-tokenizer is Metaspace in place of the normaliser."""
    tokenizer = pieces(special("<unk>", "<s>", "</s>", "[INST]", "[/INST]"), True, normalizers.Sequence([]),
                       pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False),
                       decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                          decoders.Strip(" ", 1, 0)]), runs=17)
    tokenizer.normalizer = None
    return tokenizer


def phi3():
    return llama_like([AddedToken(t, special=True, normalized=False, rstrip=True)
                       for t in ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")])


def gemma():
    specials = special("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    specials += plain("<2mass>", "[@BOS@]", "<unused0>") + special("<start_of_turn>", "<end_of_turn>")
    specials += plain(*("\n" * n for n in range(2, 12)), "▁▁", "▁▁▁▁", "<table>", "<b>", "</b>")
    tokenizer = pieces(specials, False, normalizers.Replace(" ", "▁"),
                       pre_tokenizers.Split(" ", behavior="merged_with_previous", invert=False),
                       decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]), bos="<bos>", runs=17)
    add(tokenizer, special("<image_soft_token>"))  # Gemma 3's text models have no row for it
    return tokenizer


# tokenizer, tokenizer_config.json, other files, rows less than ids (Gemma), templates to try on it
FAMILIES = {
    "gpt2": (gpt2, {"tokenizer_class": "GPT2Tokenizer"}, {"generation_config.json": {"eos_token_id": 0}}, 0, []),
    "gpt_neox": (gpt_neox, {"tokenizer_class": "GPTNeoXTokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
                            "unk_token": "<|endoftext|>", "add_prefix_space": False}, {}, 0, []),
    "llama3": (llama3, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>",
                        "eos_token": "<|eot_id|>", "add_bos_token": True},
               {"generation_config.json": {"eos_token_id": ["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"]}}, 0,
               ["llama3", "llama31", "llama32", "macros"]),
    "qwen": (qwen, {"tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
                    "unk_token": None, "add_bos_token": False}, {}, 0, ["qwen2", "qwen25", "qwen3"]),
    "smollm": (smollm, {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>",
                        "pad_token": "<|im_end|>", "unk_token": "<|endoftext|>"}, {}, 0, ["smollm2"]),
    "olmo2": (olmo2, {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
                      "pad_token": "<|pad|>", "unk_token": "<|endoftext|>"}, {}, 0, ["olmo2"]),
    "phi4": (phi4, {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|im_end|>",
                    "pad_token": "<|dummy_0|>"}, {}, 0, ["phi4"]),
    "tekken": (tekken, {"tokenizer_class": "PreTrainedTokenizerFast"},
               {"special_tokens_map.json": {"bos_token": {"content": "<s>", "lstrip": False, "normalized": False, "rstrip": False,
                                                          "single_word": False},
                                            "eos_token": "</s>", "unk_token": "<unk>"}}, 0, ["mistral"]),
    "llama2": (llama2, {"tokenizer_class": "LlamaTokenizer", "bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": False,
                                                                           "normalized": False, "rstrip": False,
                                                                           "single_word": False},
                        "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False, "legacy": False},
               {}, 0, ["llama2"]),
    "mistral": (mistral, {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, {}, 0,
                ["mistral", "mistral01", "mistral02"]),
    "phi3": (phi3, {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "<|endoftext|>", "unk_token": "<unk>",
                    "pad_token": "<|endoftext|>", "add_bos_token": False}, {}, 0, ["phi3", "phi35", "phi4mini"]),
    "gemma": (gemma, {"tokenizer_class": "GemmaTokenizer", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
                      "unk_token": "<unk>", "add_bos_token": True}, {"generation_config.json": {"eos_token_id": ["<eos>", "<end_of_turn>"]}},
              1, ["gemma2", "gemma3"]),
}

# GGUF vocabulary -> family whose pieces it has, tokenizer.ggml.pre (none: SentencePiece with a blank put before the text),
# whom its ids must equal: llama.cpp, transformers with the family's tokenizer.json, or both. llama.cpp cuts tekken by a
# pattern that only resembles the published one.
VOCABULARIES = {
    "gpt2": ("gpt2", "gpt-2", "both"), "olmo": ("gpt_neox", "olmo", "both"), "llama3": ("llama3", "llama-bpe", "both"),
    "qwen": ("qwen", "qwen2", "both"), "smollm": ("smollm", "smollm", "both"), "olmo2": ("olmo2", "dbrx", "both"),
    "tekken": ("tekken", "tekken", "transformers"), "deepseek": ("olmo2", "deepseek-v3", "llama"),
    "llama2": ("llama2", "", "llama"), "mistral": ("mistral", "", "llama"),
}
NORMALISED = ("olmo", "qwen")  # tokenizer.ggml.pre stands for Unicode NFC too

SYSTEM = ["system", "  You answer in verse.\n"]
CONVERSATIONS = [
    [["user", "Zebra crossing 42?"]],
    [SYSTEM, ["user", "Zebra crossing 42?"]],
    [["user", "First things"], ["assistant", "  Second things. "], ["user", "Zebra crossing 42?"]],
    [SYSTEM, ["user", "First"], ["assistant", "Second"], ["user", "Third"], ["assistant", "<think>\nhm\n</think>\n\nFourth"],
     ["user", "Zebra\n\ncrossing 😀"]],
    [["user", " \t padded\u00a0zebra \n\n"]],
    [["user", ""]],
    [["user", "special <|im_end|> <|eot_id|></s>[/INST]<end_of_turn> zebra"]],
    [["user", "twice"], ["user", "zebra"]],
    [SYSTEM],
    [["user", "zebra"], ["assistant", "<think>why</think>an answer"]],
    [["assistant", "starts"], ["user", "zebra"]],
    [["user", "क्षत्रिय 漢字 e\u0301 zebra\ttab"]],
    [["system", ""], ["user", "zebra"]],
    [["user", "zebra"], ["tool", "42"]],
]
VARIABLES = {"qwen3": [{}, {"enable_thinking": False}, {"enable_thinking": True}],
             "llama31": [{}, {"date_string": "01 Jan 2025"}],
             "llama32": [{}, {"date_string": "01 Jan 2025"}]}


class Pinned(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 13, 5, 9)


def old_merges(path):
    """As tokenizers before 0.20 wrote them."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
    content["padding"] = {"strategy": {"Fixed": 7}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
                          "pad_token": "x"}
    content["truncation"] = {"max_length": 5, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)


def write_family(folder, name):
    build, config, others, less, templates = FAMILIES[name]
    tokenizer = build()
    os.makedirs(folder)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    config = dict(config)
    sources = {t: open(os.path.join(HERE, "chat_templates", t + ".jinja"), encoding="utf-8").read() for t in templates}
    if templates:
        first = sources[templates[0]]
        if name == "llama3":
            config["chat_template"] = [{"name": "tool_use", "template": "wrong"}, {"name": "default", "template": first}]
        elif name == "gemma":
            config["chat_template"] = "wrong: the file beside it wins"
            with open(os.path.join(folder, "chat_template.jinja"), "w", encoding="utf-8") as file:
                file.write(first)
        elif name == "phi4":
            others = dict(others) | {"chat_template.json": {"chat_template": first}}
        else:
            config["chat_template"] = first
    for file_name, content in others.items():
        if "eos_token_id" in content and isinstance(content["eos_token_id"], list):
            content = {"eos_token_id": [tokenizer.token_to_id(t) for t in content["eos_token_id"]]}
        with open(os.path.join(folder, file_name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": name}, file)
    if name == "smollm":
        old_merges(os.path.join(folder, "tokenizer.json"))
    return tokenizer, tokenizer.get_vocab_size(with_added_tokens=True) - less, sources


def write_vocabulary(path, tokenizer, pre):
    """Names and types as llama.cpp's converter writes them. A piece's score falls with its id."""
    state = json.loads(tokenizer.to_str())
    count = tokenizer.get_vocab_size(with_added_tokens=True)
    tokens = [tokenizer.id_to_token(index) for index in range(count)]
    special = {token["id"]: token["special"] for token in state["added_tokens"]}
    types = [gguf.TokenType.NORMAL] * count
    for index, text in enumerate(tokens):
        if index in special:
            types[index] = gguf.TokenType.CONTROL if special[index] else gguf.TokenType.USER_DEFINED
        if not pre and text == "<unk>":
            types[index] = gguf.TokenType.UNKNOWN
        if not pre and len(text) == 6 and text.startswith("<0x"):
            types[index] = gguf.TokenType.BYTE
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_tokenizer_model("gpt2" if pre else "llama")
    writer.add_tokenizer_pre(pre or "default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if pre:
        writer.add_token_merges([" ".join(pair) for pair in state["model"]["merges"]])
    else:
        writer.add_token_scores([0.0 if kind != gguf.TokenType.NORMAL else -float(index) for index, kind in enumerate(types)])
        writer.add_add_space_prefix(True)
        writer.add_unk_token_id(tokens.index("<unk>"))
    bos = next((text for text in ("<s>", "<|begin_of_text|>") if text in tokens), None)
    if bos:
        writer.add_bos_token_id(tokens.index(bos))
    writer.add_add_bos_token(bos is not None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def in_bytes(text, spans):
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode()))
    return [[at[begin], at[end]] for begin, end in spans]


def chat_answer(tokenizer, template, conversation, variables):
    messages = [{"role": role, "content": content} for role, content in conversation]
    try:
        text = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True, **variables)
    except Exception as error:
        return {"error": str(error), "kind": type(error).__name__}
    ids = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=True, add_generation_prompt=True,
                                        return_dict=False, **variables)
    answer = {"text": text, "ids": list(ids)}
    last = max((i for i, (role, _) in enumerate(conversation) if role == "user"), default=-1)
    content = conversation[last][1] if last >= 0 else ""
    whole = content in text
    content = content if whole else content.strip()
    end = text.find(content) + len(content)
    # A template that trims a part only leaves it open where the content ends.
    if content and text.count(content) == 1 and (whole or not text[end].isspace()):
        spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        answer["after"] = [i for i, (begin, _) in enumerate(spans) if begin >= end]
    return answer


def family_answers(folder, name, texts):
    raw, rows, sources = write_family(folder, name)
    for vocabulary, (family, pre, _) in VOCABULARIES.items():
        if family == name:
            write_vocabulary(f"{folder}/../{vocabulary}.gguf", raw, pre)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    cases = []
    for text in texts:
        try:
            bare = backend.encode(text, add_special_tokens=False)
            whole = backend.encode(text, add_special_tokens=True)
        except Exception as error:
            sys.exit(f"{name}: {text!r}: {error}")
        case = {"ids": bare.ids, "whole": whole.ids, "decoded": backend.decode(bare.ids, skip_special_tokens=False),
                "skipped": backend.decode(whole.ids, skip_special_tokens=True)}
        if len(text) < 400:
            case["spans"] = in_bytes(text, bare.offsets)
        cases.append(case)
    own_class = transformers.AutoTokenizer.from_pretrained(folder)  # knows the defaults of the class
    ids = {key: getattr(own_class, key + "_token_id") for key in ("bos", "eos", "unk", "pad")}
    chats = []
    for template, source in sources.items():
        for variables in VARIABLES.get(template, [{}]):
            for conversation in CONVERSATIONS:
                chats.append({"template": template, "messages": conversation, "variables": variables} |
                             chat_answer(tokenizer, source, conversation, variables))
    first = next(iter(sources.values()), None)
    return {"rows": rows, "special": ids, "cases": cases, "chats": chats, "templates": sources, "default_template": first,
            "beyond": raw.id_to_token(rows) if rows < raw.get_vocab_size(with_added_tokens=True) else None}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    chat_template_utils.datetime = Pinned
    transformers.utils.logging.set_verbosity_error()
    texts = corpus()
    answers = {"peers": [f"tokenizers {tokenizers.__version__}", f"transformers {transformers.__version__}"], "texts": texts,
               "date": "2024-07-26T13:05:09", "normalised": NORMALISED,
               "vocabularies": {name: {"family": row[0], "peer": row[2]} for name, row in VOCABULARIES.items()},
               "families": {name: family_answers(os.path.join(sys.argv[1], name), name, texts) for name in FAMILIES}}
    with open(os.path.join(sys.argv[1], "answers.json"), "w", encoding="utf-8") as file:
        json.dump(answers, file)


if __name__ == "__main__":
    main()
