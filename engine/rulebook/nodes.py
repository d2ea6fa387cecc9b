"""A rulebook file as nodes that know their place in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias


@dataclass(eq=False)
class Source:
    """The text of one file; `name` is how problems call it."""

    name: str
    text: str = field(default="", repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for index, character in enumerate(self.text):
            if character == "\n":
                starts.append(index + 1)
        return starts

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, counted from 1, of a place in the text."""
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    def line_bounds(self, line: int) -> tuple[int, int]:
        """Where a line, counted from 1, has its first and its last sign; the last line's for one past the end."""
        line = min(line, len(self._line_starts))
        start, text = self._line_starts[line - 1], self.line(line)
        return start + len(text) - len(text.lstrip()), start + len(text.rstrip())

    def line(self, line: int) -> str:
        """The text of a line, counted from 1, without its end."""
        start = self._line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A text as written in source.text[start:end]; `style` is its quote or block sign, empty for a plain one."""

    source: Source
    start: int
    end: int
    text: str
    style: str = ""

    @property
    def is_null(self) -> bool:
        """Whether it says that there is nothing."""
        return not self.style and self.text in ("", "~", "null")


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A list."""

    source: Source
    start: int
    end: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """Names and what they stand for, each name once."""

    source: Source
    start: int
    end: int
    entries: tuple[tuple[Scalar, Node], ...]
    flow: bool = False  # written as {...}

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.entries)


# The style of a scalar that stands in canonical form, where every one is in quotes.
CANONICAL = "canonical"

Node: TypeAlias = Scalar | Sequence | Mapping


def is_recorded(node: Node) -> bool:
    """Whether it is of a recorded rulebook: what an engine once took as sound must be read for ever."""
    return isinstance(node, Scalar) and node.style == CANONICAL


def describe(node: Node) -> str:
    """What was found, as a sentence says it."""
    if isinstance(node, Mapping):
        return "names with values"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if node.is_null else f"'{node.text:.60}'"
