"""Windows and other summaries as generated code keeps them: flat lists in order of occurred_at.

A window list is `[o, x, o, x, ...]` (or `[o, o, ...]` for counts) with a head: entries before it have left. Leaving
moves the head; the list is cut when half of it is dead, so that a window of a million events costs no more to move
than one of ten. Every function keeps the order (occurred_at, offset, place).
"""

from __future__ import annotations

from bisect import bisect_right
from math import ldexp
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


Sums = dict[Any, tuple[float, float, int]]
"""Value -> (sum of contributions, sum of their sizes, exponent): both sums are in units of 2^exponent."""


LARGEST_WEIGHT = 1e300
"""A weight beyond it counts as this much, so that sums stay within a double."""


def double(numerator: int, denominator: int) -> float:
    """The nearest double of a fraction, not larger in size than LARGEST_WEIGHT."""
    try:
        return max(-LARGEST_WEIGHT, min(numerator / denominator, LARGEST_WEIGHT))
    except OverflowError:
        return LARGEST_WEIGHT if numerator > 0 else -LARGEST_WEIGHT


def decay(o: int, half_life: int) -> tuple[float, int]:
    """The weight of an instant as (factor, exponent): 2^(o / half_life) = factor * 2^exponent, 1 <= factor < 2."""
    steps, rest = divmod(o, half_life)
    return 2.0 ** (rest / half_life), steps


def add_weight(sums: Sums, x: Any, weight: float, exponent: int) -> None:
    """Add a contribution of `weight * 2^exponent`; one of 0 is none."""
    if weight == 0.0:
        return
    known = sums.get(x)
    if known is None:
        sums[x] = (weight, abs(weight), exponent)
        return
    total, size, unit = known
    if unit < exponent:
        scale = ldexp(1.0, unit - exponent)
        total, size, unit = total * scale, size * scale, exponent
    elif unit > exponent:
        weight = ldexp(weight, exponent - unit)
    sums[x] = (total + weight, size + abs(weight), unit)


def top_of(sums: Sums) -> Any:
    """The value with the largest sum; within one part in 10^9 the smallest wins; None if no sum competes."""
    competing = [(x, total, unit) for x, (total, size, unit) in sums.items() if total > TIE * size]
    if not competing:
        return None
    unit = max([each[2] for each in competing])
    scaled = [(x, total if own == unit else ldexp(total, own - unit)) for x, total, own in competing]
    least = max([total for _, total in scaled]) * (1.0 - TIE)
    return min([x for x, total in scaled if total >= least])


def top_after(sums: Sums, top: Any, before: tuple[float, float, int] | None, touched: list[Any]) -> Any:
    """`top_of` after contributions of at least 0 to the values `touched`, without looking at all values if it can.

    `before` was the top's entry. What was not touched is within a tie of it at most: a touched value clearly above it
    is the new top, and one clearly below changes nothing.
    """
    if before is None or not touched:
        return top_of(sums)
    entries = {x: sums[x] for x in (top, *touched) if x in sums}
    unit = max([entry[2] for entry in entries.values()])
    scaled = {x: ldexp(total, own - unit) for x, (total, size, own) in entries.items() if total > TIE * size}
    old = ldexp(before[0], before[2] - unit)
    best = max(scaled.values(), default=0.0)
    if best > old * (1.0 + 3 * TIE):
        least = best * (1.0 - TIE)
        return min([x for x, total in scaled.items() if total >= least])
    if top not in touched and all(total < old * (1.0 - 3 * TIE) for x, total in scaled.items() if x != top):
        return top
    return top_of(sums)


def insert_weighted(window: list[tuple[int, int, Any, float]], entry: tuple[int, int, Any, float]) -> None:
    """Add (o, order, value, weight) to a window kept in order of (o, order)."""
    place = len(window)
    while place and window[place - 1][:2] > entry[:2]:
        place -= 1
    window.insert(place, entry)


def top_of_window(window: list[tuple[int, int, Any, float]], half_life: int | None) -> Any:
    """The top value of a window, summed afresh in order so that the path to it does not matter."""
    sums: Sums = {}
    for o, _order, x, weight in window:
        factor, exponent = (1.0, 0) if half_life is None else decay(o, half_life)
        add_weight(sums, x, weight * factor, exponent)
    return top_of(sums)
