"""Rulebooks broken by chance: each seed gives one, always the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tests.engine.rulebook.folders import SHOP, TEMPLATES

SIGNS = "{}[]()'\",:#&*!|>-?%@`\\\n\t \x00\x07\u2028\ufeff\u00e9"
WORDS = re.compile(r"[A-Za-z_0-9.]+")
FOREIGN = [
    "null", "~", "yes", "1e999", "-1", "0", "''", "[]", "{}", "&a", "*a", "<<", "!!int", "9" * 40, "x" * 3000, "else",
    "event.items.sku", "days_since(known_since)", "matches(favourite, '(((')", "true", "2026-02-30", "25:61", "1d1d",
    "order_completed", "orders", "lifecycle", "1 / 0", "not " * 60, "(" * 300, "[" * 50, "{a: " * 50,
]  # fmt: skip

Mutate = Callable[[Random, str], str]


def cut(rng: Random, text: str) -> str:
    start = rng.randrange(len(text))
    return text[:start] + text[start + rng.randint(1, rng.choice([1, 5, 200])) :]


def truncate(rng: Random, text: str) -> str:
    return text[: rng.randrange(len(text))]


def insert_sign(rng: Random, text: str) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice(SIGNS) * rng.choice([1, 1, 3]) + text[place:]


def replace_word(rng: Random, text: str) -> str:
    word = rng.choice(list(WORDS.finditer(text)))
    other = rng.choice(FOREIGN) if rng.random() < 0.6 else rng.choice(WORDS.findall(text))
    return text[: word.start()] + other + text[word.end() :]


def misspell(rng: Random, text: str) -> str:
    word = rng.choice(list(WORDS.finditer(text)))
    letters = list(word[0])
    letters[rng.randrange(len(letters))] = rng.choice("abcdefxyz_09")
    return text[: word.start()] + "".join(letters) + text[word.end() :]


def move_line(rng: Random, text: str) -> str:
    lines = text.split("\n")
    line = lines[rng.randrange(len(lines))]
    if rng.random() < 0.5:
        lines.remove(line)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(["", "  ", "    "]) + line)
    return "\n".join(lines)


def unquote(rng: Random, text: str) -> str:
    quotes = [index for index, character in enumerate(text) if character in "'\"{}[]"] or [0]
    place = rng.choice(quotes)
    return text[:place] + text[place + 1 :]


MUTATIONS: tuple[Mutate, ...] = (cut, truncate, insert_sign, replace_word, replace_word, misspell, move_line, unquote)


def mutated(rng: Random, text: str) -> str:
    """The text changed in one way; what has no word or quote to change gets one."""
    return rng.choice(MUTATIONS)(rng, text if WORDS.search(text) else text + "x")


def malformed(seed: int) -> dict[str, str | bytes]:
    """The files of one broken rulebook (a few turn out sound)."""
    rng = Random(seed)
    text = SHOP
    for _ in range(rng.choice([1, 1, 2, 5])):
        text = mutated(rng, text)
    files: dict[str, str | bytes] = {"shop.yaml": text, **TEMPLATES}
    if rng.random() < 0.1:
        data = bytearray(text.encode())
        for _ in range(rng.randint(1, 20)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        files["shop.yaml"] = bytes(data)
    if rng.random() < 0.1:
        name = rng.choice(sorted(TEMPLATES))
        files[name] = mutated(rng, TEMPLATES[name])
    return files
