"""Which segments and dimensions are made of which others, and of which sources through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from projections.definitions import DimensionDef, SegmentDef, WorldDef, conditions_of
from projections.expressions.tree import Ref, Root
from projections.sources import sources_of


def parents_of(definition: SegmentDef | DimensionDef, number_of: Mapping[str, int]) -> set[int]:
    """The entities whose value an entity reads itself."""
    return {
        number_of[part.path[0]]
        for condition in conditions_of(definition)
        for part in condition.walk()
        if isinstance(part, Ref) and part.root in (Root.SEGMENT, Root.DIMENSION)
    }


def ranks(parents: Sequence[set[int]]) -> list[int]:
    """The place of each entity in an order that has each after those it reads."""
    rank: dict[int, int] = {}

    def visit(number: int) -> None:
        if number in rank:
            return
        for parent in sorted(parents[number]):
            visit(parent)
        rank[number] = len(rank)

    for number in range(len(parents)):
        visit(number)
    return [rank[number] for number in range(len(parents))]


def sources_read(
    entities: Sequence[SegmentDef | DimensionDef], parents: Sequence[set[int]], world: WorldDef
) -> list[tuple[str, ...]]:
    """The names of the sources that each entity is made of, through the entities it reads too."""

    def read(number: int, seen: set[int]) -> set[str]:
        if number in seen:
            return set()
        seen.add(number)
        found = {name for condition in conditions_of(entities[number]) for name in sources_of(condition, world)}
        for parent in parents[number]:
            found |= read(parent, seen)
        return found

    return [tuple(sorted(read(number, set()))) for number in range(len(entities))]
