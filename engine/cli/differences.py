"""What differs between a world that was folded again and the live one, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.replay.folding import Difference, Folded


def difference_rows(partitions: Sequence[Folded]) -> list[dict[str, Any]]:
    """The first differences as JSON."""
    return [
        {
            "partition": each.partition,
            "customer": each.customer or None,
            "field": each.field,
            "live": printable(each.live),
            "folded": printable(each.folded),
        }
        for each in first_differences(partitions)
    ]


def difference_lines(partitions: Sequence[Folded]) -> Iterable[str]:
    """The first differences in words."""
    yield f"{sum(folded.different for folded in partitions):,} differences from the live world; the first:"
    for each in first_differences(partitions):
        who = each.customer or f"partition {each.partition}"
        yield f"  {who}: {each.field}: live {each.live!r:.100}, folded {each.folded!r:.100}"


def incomparable_lines(partitions: Sequence[Folded]) -> Iterable[str]:
    """Why there was nothing to compare with, where there was not."""
    places: dict[str, list[str]] = {}
    for folded in partitions:
        if folded.incomparable and folded.meta is not None:
            places.setdefault(folded.incomparable, []).append(str(folded.partition))
    for why, found in places.items():
        where = "" if len(found) == len(partitions) else f" in partition {', '.join(found)}"
        yield f"nothing to compare with{where}: {why}"


def first_differences(partitions: Sequence[Folded], most: int = 20) -> list[Difference]:
    """The first differences over all partitions."""
    return [each for folded in partitions for each in folded.differences][:most]


def printable(value: Any) -> Any:
    """A value that JSON holds."""
    return value if value is None or isinstance(value, str | bool | int | list) else str(value)
