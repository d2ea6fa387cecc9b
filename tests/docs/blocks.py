"""The fenced blocks of a Markdown page.

A block's first line is three backticks, a language and what the docs tests are to do with it:

    ```yaml rulebook        a complete rulebook; what follows is added to it
    ```yaml                 a piece of the rulebook so far; both together are checked
    ```yaml wrong           a piece that `check` must refuse; left out again
    ```text check           what `check` says of the wrong piece before it
    ```text templates/...   a file beside the rulebook's pieces
    ```console              commands, each on a line that begins with `$ `
    ```console kafka        the same, for which there must be a broker
    ```csv orders.csv       a file that a test reads; so is ```yaml columns.yaml
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(?P<language>\w+)(?: (?P<rest>[^\n`]*))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is that of its first line of text."""

    page: Path
    line: int
    language: str
    rest: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    content = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(content):
        line = content.count("\n", 0, found.start()) + 2
        yield Block(page, line, found["language"], (found["rest"] or "").strip(), found["text"])


def commands(page: Path, rest: str = "") -> list[str]:
    """Every command of the page's console blocks of a kind, in order."""
    consoles = (block for block in blocks(page) if block.language == "console" and block.rest == rest)
    lines = (line for block in consoles for line in block.text.splitlines())
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
