"""Seeded damage to files, as it happens to them: cut off, overwritten, edited by hand."""

import re

import numpy as np

TOKENS = (
    *("1e300", "nan", "inf", "-1", "1e400", "null", '""', "[]", "{}", "true", "9" * 30, "9" * 5000),
    *("0", "0.5", '"\\ud800"', "clean", "\x00", "é", "1_0", "'", "[[[[", "\u2028"),
)
TOKEN = re.compile(rb"-?\d+(\.\d+)?(e[+-]?\d+)?|[A-Za-z_/@]+")


def mutated(content: bytes, seed: int) -> bytes:
    """Damage the content of a file in one of nine ways, or in two."""
    rng = np.random.default_rng(seed)
    for _ in range(1 + int(rng.random() < 0.2)):
        content = WAYS[rng.integers(len(WAYS))](content, rng)
    return content


def place(content, rng):
    return int(rng.integers(len(content) + 1))


def span(content, rng):
    start = place(content, rng)
    return start, min(len(content), start + 1 + int(rng.integers(20)))


def cut(content, rng):
    return content[: place(content, rng)]


def flip(content, rng):
    if not content:
        return content
    at = int(rng.integers(len(content)))
    return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]


def remove(content, rng):
    start, end = span(content, rng)
    return content[:start] + content[end:]


def repeat(content, rng):
    start, end = span(content, rng)
    return content[:end] + content[start:]


def insert(content, rng):
    at = place(content, rng)
    return content[:at] + rng.bytes(1 + int(rng.integers(8))) + content[at:]


def replace(content, rng):
    found = list(TOKEN.finditer(content))
    if not found:
        return content
    token = found[int(rng.integers(len(found)))]
    new = TOKENS[int(rng.integers(len(TOKENS)))].encode()
    return content[: token.start()] + new + content[token.end() :]


def shuffle(content, rng):
    lines = content.split(b"\n")
    first, second = rng.integers(len(lines), size=2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def drop(content, rng):
    lines = content.split(b"\n")
    del lines[int(rng.integers(len(lines)))]
    return b"\n".join(lines)


def letter(content, rng):
    """Change one letter of a word, as a finger does."""
    found = [m for m in TOKEN.finditer(content) if m[0].isalpha()]
    if not found:
        return content
    token = found[int(rng.integers(len(found)))]
    at = token.start() + int(rng.integers(len(token[0])))
    return content[:at] + bytes([97 + int(rng.integers(26))]) + content[at + 1 :]


WAYS = (cut, flip, remove, repeat, insert, replace, replace, shuffle, drop, letter)
