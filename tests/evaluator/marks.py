"""What the cases have exercised, noted by the evaluator as it goes; coverage.py makes the table of it."""

from __future__ import annotations

from collections import Counter

SEEN: Counter[tuple[str, ...]] = Counter()


def mark(*cell: str) -> None:
    """Count one occasion of a cell of the coverage table."""
    SEEN[cell] += 1
