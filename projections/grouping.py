"""Sorts segments that all test one text for equality (a city, a plan) into groups, by the value they look for.

Of the groups only one can be affected by what a customer does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from projections.definitions import Bands, DimensionDef, SegmentDef
from projections.expressions.moving import as_since
from projections.expressions.tree import And, Compare, Const, Kind, Node, Ref, at_least
from projections.sources import source_name

SELECTOR_LEAST = 2
"""Segments that must test a source for equality before it sorts entities into groups."""


def choose_selector(
    entities: Sequence[SegmentDef | DimensionDef], sources: Collection[str]
) -> tuple[str | None, list[str | None]]:
    """The text source that most segments test for equality, and each entity's value of it (None: in no group)."""
    tests = [dict(_equalities(definition, sources)) for definition in entities]
    counts = Counter(name for found in tests for name in found)
    name, count = max(counts.items(), key=lambda pair: (pair[1], pair[0]), default=(None, 0))
    selector = name if count >= SELECTOR_LEAST else None
    return selector, [found.get(selector or "") for found in tests]


def _equalities(definition: SegmentDef | DimensionDef, sources: Collection[str]) -> Iterator[tuple[str, str]]:
    """(text source, value) of each equality without which nobody enters a segment."""
    if not isinstance(definition, SegmentDef):
        return
    for part in _joined(definition.when):
        if isinstance(part, Compare) and part.op == "==" and isinstance(part.right, Const):
            name = source_name(part.left) if isinstance(part.left, Ref) else None
            if name in sources and part.left.kind is Kind.TEXT and isinstance(part.right.value, str):
                yield str(name), part.right.value


def is_age(definition: SegmentDef | DimensionDef, selector: str | None, group: str | None) -> bool:
    """Whether nothing but the age of one instant decides, for a customer of the entity's group."""
    if isinstance(definition, DimensionDef):
        form = definition.form
        return isinstance(form, Bands) and as_since(at_least(form.number, form.at[0])) is not None
    rest = [part for part in _joined(definition.when) if group is None or not _selects(part, selector, group)]
    alone = rest[0] if len(rest) == 1 and definition.leaves_when is None else None
    return isinstance(alone, Compare) and as_since(alone) is not None


def _selects(part: Node, selector: str | None, group: str) -> bool:
    """Whether it is the equality that puts an entity in its group."""
    return (
        isinstance(part, Compare)
        and isinstance(part.left, Ref)
        and isinstance(part.right, Const)
        and part.op == "=="
        and (source_name(part.left), part.right.value) == (selector, group)
    )


def _joined(condition: Node) -> Sequence[Node]:
    return condition.operands if isinstance(condition, And) else (condition,)
