"""Collects the problems of all files, each with its place and the line it is in."""

from __future__ import annotations

from engine.rulebook.nodes import Node, Source
from events.errors import Problem

# A line longer than this is shown around the fault only.
_EXCERPT = 100
_INDENT = " " * 6


class Problems:
    """Every problem found so far, each place and message once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int, str], Problem] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def sorted(self) -> list[Problem]:
        """All of them by file, line and column."""
        return [self._found[key] for key in sorted(self._found)]

    def add(self, node: Node, message: str) -> None:
        """A problem with a node; a list or mapping is marked at its first sign."""
        self.add_at(node.source, node.start, node.end, message)

    def add_at(self, source: Source, start: int, end: int, message: str) -> None:
        """A problem with source.text[start:end]."""
        line, column = source.place(start)
        excerpt, width = _excerpt(source, line, column, end - start)
        self.put(Problem(source.name, line, column, message, excerpt, width))

    def put(self, problem: Problem) -> None:
        """A problem that is already made."""
        self._found.setdefault((problem.file, problem.line, problem.column, problem.message), problem)


def _excerpt(source: Source, line: int, column: int, width: int) -> tuple[str, int]:
    """The line with a row of carets below it, and how many there are; nothing for a source without text."""
    text = source.line(line).replace("\t", " ")
    if not text.strip():
        return "", 1
    width = max(1, min(width, len(text) - column + 1, _EXCERPT))
    first = len(text) - len(text.lstrip())
    if first > column - 1:
        first = 0
    if column - 1 + width - first > _EXCERPT:
        first = max(first, column - 1 - _EXCERPT // 2)
    shown = "".join(character if character.isprintable() else "?" for character in text[first : first + _EXCERPT])
    carets = " " * (column - 1 - first) + "^" * min(width, max(1, len(shown) - (column - 1 - first)))
    return f"{shown.rstrip()}\n{_INDENT}{carets}", width
