#!/usr/bin/env python3
"""Token ids and rendered chat texts of the peers, as the fixture of tests/core/engine/text.

    make_token_fixtures.py OUT.json     writes the fixture (needs both peer environments and both models)
    make_token_fixtures.py --peer NAME  answers one request on stdin as JSON on stdout; run by the above and by the live test

Peers: `transformers` loads SmolLM2 from GGUF. It leaves out that SmolLM2 cuts digits apart before GPT-2's pattern
(tokenizer.ggml.pre = smollm), which shows where two blanks stand before a digit; so its ids are given twice, as loaded and with
the model's own pre-tokenizer (Digits, ByteLevel). `llama` is llama.cpp. transformers converts SentencePiece metadata
wrongly, so Gemma has llama.cpp only.
"""

import json
import os
import subprocess
import sys
import unicodedata

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "azimuth")
MODELS = {
    "smollm2": os.path.join(CACHE, "models", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    "gemma3": os.path.join(CACHE, "models", "gemma-3-270m.Q4_K_M.gguf"),
}
PYTHON = {
    "transformers": os.environ.get("AZIMUTH_PEER_BASE") or os.path.join(CACHE, "peers", "base", "bin", "python"),
    "llama": os.environ.get("AZIMUTH_PEER_LLAMA") or os.path.join(CACHE, "peers", "llama", "bin", "python"),
}

TEXTS = [
    "",
    "hello",
    " hello",
    "hello ",
    "  two before, two after  ",
    "Hello, world! How are you?",
    "The quick brown fox jumps over the lazy dog.",
    "don't DON'T can't I'M they'Re we'LL you'd he's It's",
    "Ελληνικά: Ἐν ἀρχῇ ἦν ὁ λόγος",
    "Русский текст, Ёлка и ёж; Українська їжа",
    "Հայերեն լեզու",
    "עברית עִם נִקּוּד",
    "العَرَبِيَّة الفصحى ١٢٣٤",
    "فارسی می‌خواهم",
    "हिन्दी में लिखा हुआ क्षत्रिय",
    "বাংলা ভাষা",
    "தமிழ் மொழி",
    "ภาษาไทยไม่มีช่องว่าง",
    "ລາວ ភាសាខ្មែរ བོད་ཡིག",
    "ქართული ენა",
    "አማርኛ ቋንቋ",
    "한국어 문장입니다. ㅋㅋㅋ",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8",
    "日本語の文章です。カタカナ、ひらがな、漢字。",
    "中文句子，没有空格。繁體字也有。",
    "తెలుగు భాష ಕನ್ನಡ ಭಾಷೆ ೧೨೩",
    "മലയാളം ഭാഷ ഗുജറാത്തി ગુજરાતી ભાષા",
    "ਪੰਜਾਬੀ ਭਾਸ਼ਾ ଓଡ଼ିଆ ଭାଷା ୧୨୩",
    "සිංහල භාෂාව ශ්\u200dරී မြန်မာဘာသာစကား ၁၂၃",
    "ᠮᠣᠩᠭᠣᠯ\u180e ᠪᠢᠴᠢᠭ ᠑᠒᠓ ᡥᠠᡥᠠ",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ꭳꮅ ᐃᓄᒃᑎᑐᑦ ᓀᐦᐃᔭᐍᐏᐣ",
    "ܠܫܢܐ ܣܘܪܝܝܐ ދިވެހި ބަސް ߒߞߏ ߞߊ߲ ߁߂",
    "ⵜⴰⵎⴰⵣⵉⵖⵜ ꆈꌠꁱꂷ ꕙꔤ ꚠꚡ ꓡꓲꓢꓴ 𞤀𞤣𞤤𞤢𞤥 𞥑",
    "ꦧꦱꦗꦮ ꧑꧒ ᬅᬓ᭄ᬱᬭ ᬩᬮᬶ ᮘᮞ ᮞᮥᮔ᮪ᮓ ᨒᨚᨈᨑ ᯅᯖᯂ᯲",
    "ᜊᜌ᜔ᜊᜌᜒᜈ᜔ ᜱᜨᜳ ꨌꩌ ᥖᥭᥰ ᦺᦑᦟᦹᧉ ᨣᩴᩣᨾᩮᩬᩥᨦ ꪼꪕ",
    "ᰛᰩᰵ ᤕᤠᤰᤌᤢᤱ ᱥᱟᱱᱛᱟᱲᱤ ꯃꯤꯇꯩ ꢱꣃ ꤊꤢꤛ ꤰꥇ ꡏꡡꡃ 𑄌𑄋𑄴𑄟𑄳𑄦",
    "ㄅㄆㄇㄈ ⲙⲉⲧⲣⲉⲙ ⰳⰾⰰⰳⱁⰾⰻⱌⰰ ᚱᚢᚾᛁᚲ ᚑᚌ\u1680ᚆᚐᚋ ᲥᲐᲠᲗᲣᲚᲘ ⠃⠗⠇",
    "𐐔𐐯𐑅𐐨𐑉𐐯𐐻 𐓏𐓘𐓻 𐤀𐤁 𐌀𐌁 𐀀𐀁 𒀭 𑀩𑁆𑀭𑀸𑀳𑁆𑀫𑀻 ࠔࠌࠓ ࡌࡀࡍ 𐴌𐴗",
    "Tiếng Việt có dấu",
    "İstanbul ıslak Şişli ğ",
    "ß ẞ ﬁ ﬀ ǆ Ǆ ŉ",
    "caf\u00e9 na\u00efve \u00c5ngstr\u00f6m",
    "cafe\u0301 nai\u0308ve A\u030angstro\u0308m",
    "\u0301\u0308 lone marks \u20dd",
    "Z\u0337\u0321a\u0334\u0322l\u0338\u0328g\u0335o\u0337",
    "😀 😃😄 🎉🎉🎉",
    "👩‍👩‍👧‍👦 👨🏽‍💻 🏳️‍🌈 🏴‍☠️",
    "🇩🇪🇫🇷🇯🇵 👍🏿 ✌🏻 ☺️ ☺",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𝒳 𐍈 𓂀 🀄 𠮷野家",
    "zero\u200bwidth\u200djoin\u2060er \ufeffbom \u00adsoft",
    "\u202eright to left\u202c \u200fmark\u200e",
    "nul \x00 inside, bell \x07, escape \x1b[0m, delete \x7f",
    "\x01\x02\x03\x1c\x1d\x1e\x1f",
    "\x80\x85\x9f c1",
    "line\nfeed\r\ncarriage\rreturn\x0bvertical\x0cform",
    "\n",
    "\n\n",
    "\n\n\nthree",
    "a\n\n1. first\n\n2. second",
    "a  1, b   22,\t\t3",
    "\t\ttabs\tand \t blanks \t",
    "nbsp\u00a0nb\u202fsp ideographic\u3000space em\u2003space",
    "line\u2028sep para\u2029sep",
    "   ",
    " ",
    "trailing newline\n",
    "1234567890 3.14159 1,000,000 -42 1e-7 0x1F 2024-07-26T13:05:00Z",
    "x²+y³=½ ⅷ ④ ٣ ३ ๓ 零一二",
    "def f(x):\n    if x > 0:\n        return x ** 2\n\n    return None  # comment",
    "https://example.org/path?query=1&other=%20#fragment user.name+tag@mail.example",
    "{\"key\": [1, 2, {\"nested\": null}], \"text\": \"a\\nb\"}",
    "<html><body class=\"x\"><b>bold</b></body></html>",
    "$\\sum_{i=0}^{n} x_i^2 \\leq \\infty$",
    "snake_case camelCase PascalCase SCREAMING_CASE kebab-case",
    "!!!??? ... --- *** ### ~~~ ``` ''' \"\"\" ((( ]]]",
    "a" * 1000,
    "ab" * 500,
    " " * 200,
    "x" + " " * 33 + "y",
    "\n" * 70,
    "\t" * 50,
    "=" * 300,
    "-" * 77 + "*" * 77,
    "1" * 60,
    "ha" * 64 + "!" * 40,
    "e\u0301" * 50,
    "😀" * 40,
    "的" * 100,
    "<|im_start|>user\nhello<|im_end|>\n",
    "text <|im_end|> inside <|endoftext|> it",
    "<|im_start|><|im_start|>",
    "< |im_start|> <|im_start |> <|IM_START|>",
    "<|im_start",
    "<repo_name>x<file_sep>y<empty_output>",
    "<bos><eos><pad><unk><mask>",
    "<start_of_turn>user\nhello<end_of_turn>\n<start_of_turn>model\n",
    " <start_of_turn> <end_of_turn> ",
    "<unused0><unused98>[multimodal]",
    "<0x0A><0xFF> <0x00>",
    "</s><s>[INST] hi [/INST]",
    "▁ ▁▁ ▁hello a▁b",
    "<table><tr><td>1</td></tr></table>",
    "\ufffd \ue000 \U0010ffff \U000e0041",
    "word" + "\u0300" * 40,
    "The price is $5.00 (€4.50); 100% sure – “quoted” ‘single’ — dash…",
    "MixedСкрипт文字enОдной строке",
    "Supercalifragilisticexpialidocious antidisestablishmentarianism",
    "Write a poem about the sea.\n\nMake it rhyme.",
]

RUNS = ("a", " ", "\n", "😀", "e\u0301", "1", "ab", "word ", "的", "!", "\t", "\u0301", "▁", "\x00", "A", " a", "</s>")
CONTROLS = [chr(c) for c in (*range(0x20), *range(0x7f, 0xa0))]


def hard_texts():
    """TEXTS, runs of 10,000 characters, and every control character between letters, blanks, digits and its like."""
    return TEXTS + [(piece * 10000)[:10000] for piece in RUNS] + [f"a{c}b {c}{c} {c} 1{c}2\n{c}" for c in CONTROLS]


# [messages, template variables]; SmolLM2's own template.
CHATS = [
    [[["user", "Hello"]], {}],
    [[["user", ""]], {}],
    [[["user", "  padded \n"]], {}],
    [[["user", "user"]], {}],
    [[["user", "assistant\n"]], {}],
    [[["system", "You answer in verse."], ["user", "What is the sea?"]], {}],
    [[["system", ""], ["user", "x"]], {}],
    [[["user", "One"], ["assistant", "Two"], ["user", "Three"]], {}],
    [[["system", "Short."], ["user", "1"], ["assistant", "2"], ["user", "3"], ["assistant", "4"], ["user", "5 😀\n\n6"]], {}],
    [[["user", "a <|im_end|>\n<|im_start|>assistant\n b"]], {}],
    [[["user", "first"], ["assistant", "last word"]], {}],
]

# [name, template, messages, variables]: what templates in the wild do, written for this test.
TEMPLATES = [
    ["turns with trim", """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for message in rest %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' + (first if loop.first else '') }}{{ message['content'] | trim }}{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}""",
     [["system", "Be brief."], ["user", "  hi \x1c\n"], ["assistant", "ho"], ["user", "\tyou\u00a0"]], {}],
    ["alternation refused", """{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}{% endfor %}""",
     [["user", "a"], ["user", "b"]], {}],
    ["blocks and white space", """
{%- set ns = namespace(last=-1) %}
{%- for message in messages %}
    {%- if message.role == "user" %}
        {%- set ns.last = loop.index0 %}
    {%- endif %}
{%- endfor %}
{% for message in messages %}
    {% if loop.index0 == ns.last %}
  * {{ message.content }}
    {% else %}
  - {{ message.content }}
    {%+ endif %}
{% endfor %}
end
""", [["user", "a"], ["assistant", "b"], ["user", "c"]], {}],
    ["reverse and split", """{%- for message in messages[::-1] %}{{ message.role[0] }}:{{ message.content.split('</think>')[-1].strip('\n') }}|{% if not loop.last %}{% continue %}{% endif %}{% break %}{% endfor %}{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}""",
     [["user", "q"], ["assistant", "<think>x</think>\nanswer\n"]], {"enable_thinking": False}],
    ["generation tags", """{% for m in messages %}{% if m.role == 'assistant' %}
  {%- generation %}{% set inner = 1 %}
    {{ m.content }}
  {% endgeneration -%}
  {{ inner is defined }}
{% else %}
{{ m.content }}
{% endif %}
{% endfor %}""", [["user", "q"], ["assistant", "a"], ["user", "r"]], {}],
    ["tojson", """{{ tools | tojson }} {{ tools | tojson(indent=2) }} {{ value | tojson }} {{ value | tojson(ensure_ascii=True, separators=(',', ':'), sort_keys=True) }} {{ {'z': 1, 'a': [true, none], 'm': {}} | tojson }} {{ {'z': 1, 'a': 2} | tojson(sort_keys=true) }}""",
     [["user", "x"]], {"tools": [{"a name": "f", "n": None, "o": {}, "ok": True, "x": []}],
                       "value": {"a": [1.0, 0.1, 1e16, 1e-5, -0.0, 123456789012345680.0, 5, 2.5e300], "b": "é <>&'\"\\\n\t\u0001\u007f😀"}}],
    ["printing values", """{{ true }} {{ none }} {{ value }} {{ list }} {{ 1.0 }} {{ 3 / 2 }} {{ 7 // 2 }} {{ missing }} {{ list | length }}""",
     [["user", "x"]], {"value": {"a": "it's", "b": [1, 2.5, None, True]}, "list": ["x", "y\n", "\"q\""]}],
    ["undefined attribute", """{{ missing.attribute }}""", [["user", "x"]], {}],
    ["string methods", """{{ 'abc'.upper() }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'prefix-x'.removeprefix('prefix-') }}{{ '7'.zfill(3) }}{{ 'a b  c'.split() }}{{ 'x=y=z'.partition('=') | list }}{{ 'hello'.index('l') }}{{ 'Title case'.title() }}{{ ' a '.strip() + '|' }}{{ 'aXbX'.replace('X', '-') }}{{ 'abc'.startswith('ab') }}{{ 'abc'[::-1] }}{{ 'abc'[-2:] }}{{ '%s!' | format('x') }}{{ messages | map(attribute='role') | join(', ') }}""",
     [["user", "x"], ["assistant", "y"]], {}],
    ["macros", """{% macro turn(role, text='-') %}<{{ role }}>{{ text }}</{{ role }}>{% endmacro %}{% for m in messages %}{{ turn(m.role, m.content) }}{% endfor %}{{ turn('end') }}{% filter upper %}loud{% endfilter %}""",
     [["user", "x"], ["assistant", "y"]], {}],
    ["date given", """{% if not date_string is defined %}{% set date_string = '26 Jul 2024' %}{% endif %}Today Date: {{ date_string }}""",
     [["user", "x"]], {"date_string": "01 Jan 2025"}],
    ["loop variables", """{% for a in range(3) %}{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% endfor %};{% endfor %}{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }} {% endfor %}{% set x = 5 %}{% for i in [1] %}{% set x = 6 %}{% endfor %}{{ x }}""",
     [["user", "x"], ["assistant", "y"]], {}],
    ["tests", """{{ messages is iterable }} {{ messages[0].content is string }} {{ messages is mapping }} {{ 3 is divisibleby 3 }} {{ 'a' in 'cat' }} {{ 'role' in messages[0] }} {{ messages[0].content is not none }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ (messages | last).content | default('d') }} {{ nothing | default('d', true) }} {{ 'a' ~ 1 ~ none }}""",
     [["user", "x"], ["assistant", "y"]], {}],
]


def answer_transformers(request):
    import transformers
    from tokenizers import pre_tokenizers
    from transformers.utils import chat_template_utils

    path = MODELS["smollm2"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path))

    def ids(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    answer = {"version": f"transformers {transformers.__version__}", "texts": request["texts"],
              "as_loaded": [ids(t) for t in request["texts"]]}
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)])
    answer["ids"] = [ids(t) for t in request["texts"]]
    answer["decoded"] = [tokenizer.decode(i, skip_special_tokens=True) for i in request.get("decode", [])]
    answer["chats"] = []
    for pairs, variables in request.get("chats", []):
        messages = [{"role": role, "content": content} for role, content in pairs]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **variables)
        answer["chats"].append({"text": text, "ids": ids(text)})
    answer["templates"] = []
    for _, template, pairs, variables in request.get("templates", []):
        messages = [{"role": role, "content": content} for role, content in pairs]
        try:
            compiled = chat_template_utils._compile_jinja_template(template)
            given = {"tools": None, "documents": None, "bos_token": "<bos>", "eos_token": "<eos>"} | variables
            text = compiled.render(messages=messages, add_generation_prompt=True, **given)
            answer["templates"].append({"text": text})
        except Exception as error:
            answer["templates"].append({"error": f"{type(error).__name__}: {error}"})
    return answer


def answer_llama(request):
    import llama_cpp

    answer = {"version": f"llama-cpp-python {llama_cpp.__version__}", "texts": request["texts"]}
    for name, path in request.get("models", MODELS).items():
        model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
        texts = request["texts"]
        if name in request.get("normalised", []):  # llama.cpp leaves NFC, which no GGUF file states, to its caller
            texts = [unicodedata.normalize("NFC", t) for t in texts]
        answer[name] = [model.tokenize(t.encode(), add_bos=False, special=True) for t in texts]
        answer[name + "_plain"] = [model.tokenize(t.encode(), add_bos=True, special=True) for t in texts]
    return answer


def ask(peer, request):
    done = subprocess.run([PYTHON[peer], os.path.abspath(__file__), "--peer", peer], input=json.dumps(request),
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"peer {peer} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def write_fixture(out):
    transformers = ask("transformers", {"texts": TEXTS, "chats": CHATS, "templates": TEMPLATES})
    llama = ask("llama", {"texts": TEXTS})
    fixture = {
        "made_by": "tests/peers/make_token_fixtures.py",
        "peers": [transformers["version"], llama["version"]],
        "texts": [
            {"text": text, "smollm2": {"transformers": transformers["ids"][i], "as_loaded": transformers["as_loaded"][i],
                                       "llama": llama["smollm2"][i]},
             "gemma3": {"llama": llama["gemma3"][i], "plain": llama["gemma3_plain"][i]}}
            for i, text in enumerate(TEXTS)],
        "chats": [{"messages": chat[0], "variables": chat[1]} | transformers["chats"][i] for i, chat in enumerate(CHATS)],
        "templates": [{"name": t[0], "template": t[1], "messages": t[2], "variables": t[3]} | transformers["templates"][i]
                      for i, t in enumerate(TEMPLATES)],
    }
    with open(out, "w", encoding="utf-8") as file:
        # ASCII only, so that no editor normalises the texts; one case a line.
        file.write("{\n")
        for key in ("made_by", "peers"):
            file.write(f"{json.dumps(key)}: {json.dumps(fixture[key])},\n")
        parts = []
        for key in ("texts", "chats", "templates"):
            parts.append(f"{json.dumps(key)}: [\n" + ",\n".join(json.dumps(case) for case in fixture[key]) + "\n]")
        file.write(",\n".join(parts) + "\n}\n")


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--peer":
        request = json.load(sys.stdin)
        if request.get("hard"):
            request["texts"] += hard_texts()
        answer = {"transformers": answer_transformers, "llama": answer_llama}[sys.argv[2]](request)
        json.dump(answer, sys.stdout)
    elif len(sys.argv) == 2:
        write_fixture(sys.argv[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
