"""The known word a misspelt one most likely stands for."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word with the fewest edits from `word`, or None where none is close.

    Close is one edit for up to four letters, two up to seven, three beyond; a swap of neighbours is one edit. Of
    several as close, the first by code points.
    """
    if not word or len(word) > _LONGEST:
        return None
    allowed = 1 if len(word) <= 4 else 2 if len(word) <= 7 else 3
    best: tuple[int, str] | None = None
    for candidate in known:
        if abs(len(candidate) - len(word)) > allowed:
            continue
        edits = distance(word.lower(), candidate.lower())
        if edits <= allowed and edits < len(candidate) and (best is None or (edits, candidate) < best):
            best = (edits, candidate)
    return best[1] if best else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'orders'?`, or nothing where no known word is close."""
    guess = nearest(word, known)
    return f"; did you mean '{guess}'?" if guess is not None else ""


def distance(left: str, right: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours from left to right (optimal string alignment)."""
    before: list[int] = []
    above = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            edits = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                edits = min(edits, before[j - 2] + 1)
            row.append(edits)
        before, above = above, row
    return above[-1]
