"""What generated code calls: exact rounding, piecewise choices and crossings of moving numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import Any

from msgspec import UNSET

from events.numbers import MICRO, quantise
from events.zones import instant

NEVER = 1 << 62
"""Later than every instant: no crossing, no timer."""


def round_half_away(numerator: int, denominator: int, places: int) -> tuple[int, int]:
    """`numerator / denominator` rounded half away from zero to `places` decimals, as a pair; denominator > 0."""
    scale = 10**places
    size = abs(numerator) * scale * 2 + denominator
    whole = size // (2 * denominator)
    return (whole if numerator >= 0 else -whole), scale


def larger(left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    """The larger of two fractions, the first where equal."""
    return left if left[0] * right[1] >= right[0] * left[1] else right


def smaller(left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    """The smaller of two fractions, the first where equal."""
    return left if left[0] * right[1] <= right[0] * left[1] else right


def crossing(slope: tuple[int, int], constant: tuple[int, int], t_ms: int) -> int:
    """The first whole ms after `t_ms` at which a comparison of `slope * t + constant` with 0 may change.

    Both are fractions with positive denominators. Where the line meets 0 between two instants the truth changes at the
    later one; where it does so on an instant r, it may change at r (`>=`) and at r + 1 (`>`).
    """
    numerator = -constant[0] * slope[1]
    denominator = constant[1] * slope[0]
    if denominator == 0:
        return NEVER
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    floor, rest = divmod(numerator, denominator)
    if rest == 0 and floor > t_ms:
        return floor
    return floor + 1 if floor + 1 > t_ms else NEVER


def after(instant_ms: int, t_ms: int) -> int:
    """`crossing` of a line that meets 0 on the whole ms `instant_ms`."""
    if instant_ms > t_ms:
        return instant_ms
    return instant_ms + 1 if instant_ms + 1 > t_ms else NEVER


def midnight(day: int, zone: str) -> int:
    """The local 00:00 of a calendar day, in ms."""
    return instant(day, 0, zone)


def field_of(event: Any, path: Sequence[str]) -> Any:
    """The field of a typed event at `path`, or None where it has none; a list on the way gives the list of its items'
    values."""
    value = None if event is None else event.data
    for place, name in enumerate(path):
        if value is None:
            return None
        if isinstance(value, list):
            return [v for v in (field_of_item(item, path[place:]) for item in value) if v is not None]
        value = getattr(value, name, None)
    return None if value is UNSET else value


def field_of_item(item: Any, path: Sequence[str]) -> Any:
    """The field of a list's item at `path`, or None."""
    for name in path:
        if item is None:
            return None
        item = getattr(item, name, None)
    return item


def micro_key(fraction: tuple[int, int]) -> int | None:
    """A fraction as whole millionths, None if it is none: what sets of numbers are keyed by."""
    whole, rest = divmod(fraction[0] * MICRO, fraction[1])
    return whole if rest == 0 else None


def numbers(values: Iterable[Any]) -> list[int]:
    """Fields' numbers in millionths."""
    return [quantise(value) for value in values]


def lowest(fraction: tuple[int, int]) -> tuple[int, int]:
    """The fraction in lowest terms; denominator > 0."""
    common = gcd(*fraction)
    return fraction[0] // common, fraction[1] // common
