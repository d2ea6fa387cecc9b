"""Windows and other summaries as generated code keeps them: flat lists in order of occurred_at.

A window list is `[o, x, o, x, ...]` (or `[o, o, ...]` for counts) with a head: entries before it have left. Leaving
moves the head; the list is cut when half of it is dead, so that a window of a million events costs no more to move
than one of ten. Every function keeps the order (occurred_at, offset, place).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from projections.expressions.runtime import NEVER

TIE = 1e-9
"""Sums within one part in 10^9 are equal (the language's definition of `top`)."""


def insert_instant(window: list[int], o: int) -> None:
    """Add an instant to a window of instants, after those equal to it."""
    if not window or o >= window[-1]:
        window.append(o)
    else:
        window.insert(bisect_right(window, o), o)


def insert_pair(window: list[int], head: int, o: int, x: int) -> None:
    """Add (o, x) to a window of pairs, after those of the same instant."""
    place = _place(window, head, o)
    window[place:place] = (o, x)


def _place(window: list[int], head: int, o: int) -> int:
    """Where a pair of instant `o` belongs: after all pairs with an instant <= o."""
    low, high = head // 2, len(window) // 2
    if high == low or window[-2] <= o:
        return len(window)
    while low < high:
        middle = (low + high) // 2
        if window[2 * middle] <= o:
            low = middle + 1
        else:
            high = middle
    return 2 * low


def insert_extreme(window: list[int], head: int, o: int, x: int) -> None:
    """Add (o, x) to a window that keeps only pairs no later pair surpasses; x is negated for a minimum.

    Values fall strictly from head to end, so the head is the maximum and each pair takes over when those before it
    have left.
    """
    place = _place(window, head, o)
    if place < len(window) and window[place + 1] >= x:
        return
    start = place
    while start > head and window[start - 1] <= x:
        start -= 2
    window[start:place] = (o, x)


def cut(window: list[Any], head: int) -> int:
    """Drop dead entries once they are the larger half; returns the new head."""
    if head * 2 > len(window):
        del window[:head]
        return 0
    return head


def add_value(
    latest: dict[Any, tuple[int, int]], x: Any, when: tuple[int, int], limit: int, changed: list[Any]
) -> None:
    """Note an occurrence of `x` at (occurred_at, order); over `limit` values the one longest unseen goes.

    `changed` gets each value that came or went.
    """
    known = latest.get(x)
    if known is not None:
        if when > known:
            latest[x] = when
        return
    latest[x] = when
    changed.append(x)
    if len(latest) > limit:
        oldest = min(latest, key=latest.__getitem__)
        del latest[oldest]
        changed.append(oldest)


def expire_values(latest: dict[Any, tuple[int, int]], until: int, changed: list[Any]) -> int:
    """Drop values last seen at or before `until`; returns the instant of the oldest left, NEVER for none."""
    gone = [x for x, when in latest.items() if when[0] <= until]
    for x in gone:
        del latest[x]
    changed += gone
    return min((when[0] for when in latest.values()), default=NEVER)


def add_recent(at: list[int], order: list[int], values: list[Any], entry: tuple[int, int, Any], limit: int) -> None:
    """Add (occurred_at, order, value) to the newest `limit` values, kept oldest first."""
    o, k, x = entry
    place = len(at)
    while place and (at[place - 1], order[place - 1]) > (o, k):
        place -= 1
    at.insert(place, o)
    order.insert(place, k)
    values.insert(place, x)
    if len(at) > limit:
        del at[0], order[0], values[0]


def add_weight(sums: dict[Any, tuple[float, float]], x: Any, weight: float) -> None:
    """Add a contribution; each value keeps its sum and the sum of absolute contributions."""
    known = sums.get(x)
    sums[x] = (weight, abs(weight)) if known is None else (known[0] + weight, known[1] + abs(weight))


def top_of(sums: dict[Any, tuple[float, float]]) -> Any:
    """The value with the largest sum; within one part in 10^9 the smallest wins; None if no sum competes."""
    best = 0.0
    for total, size in sums.values():
        if total > best and total > TIE * size:
            best = total
    if best <= 0.0:
        return None
    least = best * (1.0 - TIE)
    return min(x for x, (total, size) in sums.items() if total >= least and total > TIE * size)


DECAY_STEPS = 512
"""Half-lives after which sums are scaled down, by an exact power of two, to stay within a double."""


def decayed(sums: dict[Any, tuple[float, float]], reference: int, o: int, half_life: int) -> tuple[float, int]:
    """(2^((o - reference) / half_life), reference), after moving the reference nearer where that would overflow."""
    steps = (o - reference) // half_life
    if steps > DECAY_STEPS:
        factor = 2.0 ** -min(steps, 2000)
        for x, (total, size) in sums.items():
            sums[x] = (total * factor, size * factor)
        reference += steps * half_life
    exponent = (o - reference) / half_life
    return (2.0**exponent if exponent > -1000 else 0.0), reference


def insert_weighted(window: list[tuple[int, int, Any, float]], entry: tuple[int, int, Any, float]) -> None:
    """Add (o, order, value, weight) to a window kept in order of (o, order)."""
    place = len(window)
    while place and window[place - 1][:2] > entry[:2]:
        place -= 1
    window.insert(place, entry)


def top_of_window(window: list[tuple[int, int, Any, float]], half_life: int | None) -> Any:
    """The top value of a window, summed afresh in order so that the path to it does not matter."""
    sums: dict[Any, tuple[float, float]] = {}
    newest = window[-1][0] if window else 0
    for o, _order, x, weight in window:
        add_weight(sums, x, weight if half_life is None else weight * 2.0 ** max((o - newest) / half_life, -1000.0))
    return top_of(sums)
