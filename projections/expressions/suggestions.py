"""Suggests spellings until that has cost enough."""

from __future__ import annotations

from collections.abc import Collection

from events.nearest import did_you_mean

# One candidate takes 10 to 20 us: a second or two for all suggestions of one rulebook, however broken it is.
MAX_CANDIDATES = 100_000


class Suggestions:
    """`did_you_mean` for one rulebook; silent once it has looked at MAX_CANDIDATES names."""

    def __init__(self) -> None:
        self._left = MAX_CANDIDATES

    def __call__(self, word: str, known: Collection[str]) -> str:
        """`; did you mean 'orders'?`, or nothing."""
        self._left -= len(known)
        return did_you_mean(word, known) if self._left >= 0 else ""
