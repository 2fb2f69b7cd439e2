#!/usr/bin/env python3
"""Writes python_text.json: what Python's str says about every code point, as ranges, and about some texts.

make_unicode_fixture.py FILE

Ranges are [first, last] pairs. Only the code points that this Python's Unicode has assigned ("assigned") are
compared: the C++ side may know a newer Unicode.
"""
import json
import random
import sys
import unicodedata

SURROGATES = range(0xD800, 0xE000)
EVERY = [c for c in range(0x110000) if c not in SURROGATES]


def ranges(codes):
    out = []
    for code in codes:
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def where(condition):
    return ranges(c for c in EVERY if condition(chr(c)))


def lower_changes():
    """[first, last, shift] for runs that move by one distance, [code, [codes]] for the others."""
    shifts, others = [], []
    for code in EVERY:
        low = chr(code).lower()
        if low == chr(code):
            continue
        if len(low) != 1:
            others.append([code, [ord(c) for c in low]])
        elif shifts and shifts[-1][1] == code - 1 and shifts[-1][2] == ord(low) - code:
            shifts[-1][1] = code
        else:
            shifts.append([code, code, ord(low) - code])
    return shifts, others


def texts(count):
    random_ = random.Random(11)
    alphabet = ("aB\u03a3\u03a3'.\u0301\u00ad \t\n\x1c\x1f\x85\xa0\u200b\u2003\u3000\u180e"
                "\u0130I\u01c5\u02b0\u4f60\U0001f600\U00010400\u00df9\u00bd")
    return ["".join(random_.choice(alphabet) for _ in range(random_.randrange(24))) for _ in range(count)]


def broken(count):
    """Bytes that are not UTF-8, with Python's decoding by replacement characters."""
    random_ = random.Random(12)
    pieces = [
        b"a", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\x80", b"\xbf\xbf", b"\xc0\xaf",
        b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5", b"\xff\xfe",
        b"\xe2\x82", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xc3", b"\xe2\x28\xa1",
    ]
    out = []
    for piece in pieces:
        out.append(piece)
    for _ in range(count):
        out.append(b"".join(random_.choice(pieces) for _ in range(random_.randrange(1, 6))))
    return [[piece.hex(), piece.decode("utf-8", "replace")] for piece in out]


def main(path):
    shifts, others = lower_changes()
    fixture = {
        "unicode": unicodedata.unidata_version,
        "assigned": where(lambda c: unicodedata.category(c) != "Cn"),
        "isspace": where(str.isspace),
        "isalnum": where(str.isalnum),
        "lower_shifts": shifts,
        "lower_others": others,
        # A capital sigma is final after a cased character and not before one; case-ignorable ones
        # do not count.
        "sigma_final_after": where(lambda c: (c + "\u03a3").lower().endswith("\u03c2")),
        "sigma_final_after_a": where(lambda c: ("a" + c + "\u03a3").lower().endswith("\u03c2")),
        "sigma_final_before": where(lambda c: ("a\u03a3" + c).lower()[1] == "\u03c2"),
        "sigma_final_before_a": where(lambda c: ("a\u03a3" + c + "a").lower()[1] == "\u03c2"),
        "texts": [{"text": t, "strip": t.strip(), "split": t.split(), "lower": t.lower()}
                  for t in texts(400)],
        "broken": broken(200),
    }
    with open(path, "w", encoding="ascii") as out:
        out.write("{\n")
        out.write(",\n".join(json.dumps(key) + ": " + json.dumps(value, separators=(",", ":"))
                             for key, value in fixture.items()))
        out.write("\n}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
