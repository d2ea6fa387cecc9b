"""Broken rulebooks: each is refused or sound, in bounded time, and nothing is dropped in silence."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from engine.rulebook.rulebook import Rulebook, unpack
from events.errors import RulebookInvalid
from tests.engine.rulebook.folders import load, problems
from tests.engine.rulebook.mutations import malformed

COUNT = 300
MOST_SECONDS = 20.0


def load_within_bounds(folder: Path, files: dict[str, str | bytes]) -> Rulebook | RulebookInvalid:
    """What the files make; every problem has a place in one of them."""
    started = time.perf_counter()
    try:
        return load(folder, files)
    except RulebookInvalid as invalid:
        assert invalid.problems
        for problem in invalid.problems:
            assert problem.message
            assert problem.file.startswith(str(folder))
            assert problem.line >= 1
            assert problem.column >= 1
        return invalid
    finally:
        assert time.perf_counter() - started < MOST_SECONDS


def names(rulebook: Rulebook) -> dict[str, set[str]]:
    """What was read, by section."""
    world, rules = rulebook.world, rulebook.rules
    return {
        "traits": set(world.traits),
        "segments": set(world.segments),
        "dimensions": set(world.dimensions),
        "triggers": set(rules.triggers),
    }


@pytest.mark.parametrize("start", range(0, COUNT, 50))
def test_malformed_rulebooks(tmp_path: Path, start: int) -> None:
    refused = 0
    for seed in range(start, start + 50):
        files = malformed(seed)
        found = load_within_bounds(tmp_path / str(seed), files)
        if isinstance(found, RulebookInvalid):
            refused += 1
            continue
        assert unpack(found.packed()) == found, seed
        written = YAML(typ="safe", pure=True).load(files["shop.yaml"]) or {}
        assert names(found) == {section: set(written.get(section) or {}) for section in names(found)}, seed
    assert refused > 25


def alias_bomb(levels: int) -> str:
    lines = [f"a0: &a0 [{', '.join(['x'] * 9)}]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines)


def segments(needs: Callable[[int], str]) -> str:
    return "segments: {" + ", ".join(f"s{i}: {{when: {needs(i)}}}" for i in range(5_000)) + "}"


DEEP = "a rulebook nests at most 32 deep"
ATTACKS = {
    "aliases": (alias_bomb(30), "aliases expand to more than 10,000 nodes; write some of it out"),
    "lists": ("[" * 900_000, DEEP),
    "mappings": ("{a: " * 200_000, DEEP),
    "block lists": ("- " * 400_000, DEEP),
    "indents": ("".join(f"{' ' * depth}-\n" for depth in range(1_300)), DEEP),
    "documents": ("---\n" * 250_000, "a file is one document; found a second '---'"),
    "tags": ("!a " * 300_000, "found the tag '!a'; a rulebook has no tags"),
    "a long word": ("x" * 900_000, "a rulebook file needs names with values; found 'xxx"),
    "a long expression": (
        f"segments: {{a: {{when: '{'(' * 900_000}'}}}}",
        "at most 2,000 characters; this one has 900,000",
    ),
    "a long chain": (segments(lambda i: f"s{i + 1}"), "no trait, segment or dimension is called 's5000'"),
    "a long circle": (segments(lambda i: f"s{(i + 1) % 5_000}"), "'s0' is defined by itself"),
    "many halves": (segments(lambda i: f"'x' in s{i}"), "more problems may show once this is mended"),
    "many misspellings": (segments(lambda i: f"segment_{i}x or s{i}x"), "is called 's4999x'"),
    "many circles": (segments(lambda i: f"s{i ^ 1}"), "'s0' is defined by itself: 's0' -> 's1' -> 's0'"),
}


@pytest.mark.parametrize(("text", "message"), ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_refused_in_bounded_time(tmp_path: Path, text: str, message: str) -> None:
    started = time.perf_counter()
    assert message in problems(tmp_path, {"a.yaml": text})
    assert time.perf_counter() - started < MOST_SECONDS
