#!/usr/bin/env python3
"""Small well-formed inputs for the fuzz targets: seeds.py FOLDER writes FOLDER/<target>/*."""

import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def gguf_text(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf(entries, tensors, version=3, alignment=32):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries))
    for key, kind, raw in entries:
        out += gguf_text(key) + struct.pack("<I", kind) + raw
    offset, bodies = 0, b""
    for name, shape, kind, body in tensors:
        out += gguf_text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape)
        out += struct.pack("<IQ", kind, offset)
        padded = body + b"\0" * (-len(body) % alignment)
        bodies, offset = bodies + padded, offset + len(padded)
    return out + b"\0" * (-len(out) % alignment) + bodies


def array(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def gguf_seeds():
    entries = [("general.architecture", 8, gguf_text("llama")), ("llama.block_count", 4, struct.pack("<I", 2)),
               ("a.f32", 6, struct.pack("<f", 0.5)), ("a.bool", 7, b"\1"), ("a.u8", 0, b"\7"), ("a.i16", 3, b"\xff\xff"),
               ("a.u64", 10, struct.pack("<Q", 2**63)), ("a.f64", 12, struct.pack("<d", 1.5)),
               ("tokens", 9, array(8, [gguf_text(t) for t in ("<s>", "a", "é")])),
               ("scores", 9, array(6, [struct.pack("<f", s) for s in (0, -1, -2)])),
               ("types", 9, array(5, [struct.pack("<i", t) for t in (3, 1, 1)])), ("flags", 9, array(7, [b"\0", b"\1"]))]
    f32 = struct.pack("<8f", *range(8))
    yield "full", gguf(entries, [("a", [4, 2], 0, f32), ("b", [32], 8, b"\0\x3c" + bytes(range(32))), ("c", [4], 1, bytes(8))])
    yield "bare", gguf([], [])
    yield "old", gguf(entries[:2], [("a", [8], 0, f32)], version=2)
    yield "aligned", gguf([("general.alignment", 4, struct.pack("<I", 64))], [("a", [8], 0, f32), ("b", [1], 0, bytes(4))], alignment=64)
    yield "unknown", gguf([], [("a", [256], 16, bytes(66))])


def safetensors_seeds():
    def file(header, body):
        raw = json.dumps(header, separators=(",", ":")).encode()
        raw += b" " * (-len(raw) % 8)
        return struct.pack("<Q", len(raw)) + raw + body
    sizes = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "I8": 1, "U16": 2}
    for name, size in sizes.items():
        yield name, file({"t": {"dtype": name, "shape": [2, 3], "data_offsets": [0, 6 * size]}}, bytes(range(6 * size)))
    yield "two", file({"__metadata__": {"format": "pt"}, "b": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
                       "a": {"dtype": "F32", "shape": [0, 4], "data_offsets": [4, 4]}}, b"\0\0\x80\x3f")
    yield "empty", file({}, b"")


def json_seeds():
    with open(os.path.join(ROOT, "data", "demo", "small.json"), encoding="utf-8") as study:
        yield "study", study.read().encode()
    yield "rendering", b'{"system":"s","variables":{"enable_thinking":false,"n":1.5},"assistant_prefix":"","bos":"doubled","plain":false}'
    yield "numbers", b'[0,-0,1,-1,1.5,1e300,1e-7,123456789012345,9007199254740991,0.1,1E+2,true,false,null]'
    yield "texts", '{"":"","a\\u00e9\\ud83d\\ude00":"\\n\\t\\"\\\\/","\U0001f600":["x",{"y":[[]]}]}'.encode()


TOKENIZER = {"version": "1.0", "truncation": None, "padding": None,
             "added_tokens": [{"id": 0, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": True, "normalized": False,
                               "special": True}],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
             "pre_tokenizer": None,
             "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                                        {"Sequence": {"id": "A", "type_id": 0}}],
                                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                                "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
             "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                                                          {"type": "ByteFallback"}, {"type": "Fuse"},
                                                          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
             "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                       "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                       "vocab": {"<s>": 0, "<unk>": 1, "<0x0A>": 2, "▁": 3, "a": 4, "b": 5, "ab": 6, "▁a": 7},
                       "merges": [["a", "b"], ["▁", "a"]]}}


def tokenizer_seeds():
    text = "\n----\nab a\n<s> é b"
    yield "spm", (json.dumps(TOKENIZER, ensure_ascii=False) + text).encode()
    bytes_kind = dict(TOKENIZER, normalizer={"type": "NFC"}, decoder={"type": "ByteLevel"}, post_processor=None,
                      pre_tokenizer={"type": "Sequence", "pretokenizers": [
                          {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}|\\s+(?!\\S)|\\p{L}+"}, "behavior": "Isolated", "invert": False},
                          {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]})
    yield "bytes", (json.dumps(bytes_kind, ensure_ascii=False) + text).encode()
    unigram = dict(TOKENIZER, model={"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.5], ["▁", -2.0]],
                                     "byte_fallback": False}, added_tokens=[], post_processor=None)
    yield "unigram", (json.dumps(unigram, ensure_ascii=False) + text).encode()
    for pre in ("gpt-2", "llama-bpe", "qwen2", "smollm", "tekken", "deepseek-v3", "falcon"):
        yield "gpt2-" + pre, (f"gpt2 {pre}\n<|s|>\na\nb\nĠ\nab\nĠab\n--\na b\nĠ ab" + text).encode()
    yield "llama", ("llama\n<unk>\n<s>\n<0x0A>\n<0xC3>\n▁\na\nb\nab\n▁a\n--\n0\n0\n0\n0\n-1\n-2\n-3\n-4\n-5" + text).encode()


def template_seeds():
    folder = os.path.join(ROOT, "tests", "peers", "chat_templates")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as source:
            yield name, (source.read() + "\n----\n Hello <|start|> é ").encode()
    for at, source in enumerate(["{{ messages | tojson(indent=2) }}", "{{ messages[0].content.split()[-1] | upper | trim }}",
                                 "{% macro m(a, b=1) %}{{ a ~ b }}{% endmacro %}{{ m(number) }}{% generation %}x{% endgeneration %}",
                                 "{{ strftime_now('%d %b %Y') }}{{ 'x'.zfill(5) }}{{ 'a,b'.rsplit(',') }}{{ [1, 2.5, none] }}",
                                 "{% for a in range(3) %}{% if loop.first %}{% continue %}{% endif %}{{ loop.index0 }}{% endfor %}"]):
        yield f"own-{at}", (source + "\n----\nx").encode()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for target, seeds in (("gguf_fuzz", gguf_seeds), ("safetensors_fuzz", safetensors_seeds), ("json_fuzz", json_seeds),
                          ("tokenizer_fuzz", tokenizer_seeds), ("template_fuzz", template_seeds)):
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        for name, content in seeds():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


if __name__ == "__main__":
    main()
