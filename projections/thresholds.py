"""Which entities a change can affect: one index for each source, made of the comparisons in all conditions.

An entity is a segment or a dimension, known by its number. A number (or the age of a time) that goes from a to b can
only affect the entities that compare it with a cut between the two: bisection finds them. An equality is found by
its value. What cannot be indexed is asked whenever its source changes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, inf
from typing import Any

from projections.expressions.runtime import NEVER

NextChange = Callable[[Any, int], int]
WALK = 8
"""Entities asked before an early answer is taken."""


def integer_cuts(op: str, cut: Fraction) -> tuple[int, ...]:
    """The integers at which `x op cut` changes for an integer x."""
    low, high = ceil(cut), floor(cut) + 1
    if op in (">=", "<"):
        return (low,)
    if op in (">", "<="):
        return (high,)
    return (low, high) if low != high else (low,)


@dataclass(slots=True)
class Thresholds:
    """Cuts of one number, sorted: crossing from a to b affects ids[start[i]:start[j]]."""

    cuts: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=lambda: [0])
    ids: list[int] = field(default_factory=list)
    at: dict[int, tuple[int, ...]] = field(default_factory=dict)  # cut -> entities
    groups: list[tuple[int, ...]] = field(default_factory=list)  # the same by the cut's place
    rising: tuple[list[float], list[int]] = field(default_factory=lambda: ([], []))
    falling: tuple[list[float], list[int]] = field(default_factory=lambda: ([], []))
    on_null: tuple[int, ...] = ()
    first: int = NEVER  # the smallest cut
    sure: list[bool] = field(default_factory=list)  # by the cut's place: whether an entity surely changes there

    def between(self, a: int, b: int) -> list[int]:
        """Entities with a cut between two values."""
        i, j = bisect_right(self.cuts, a), bisect_right(self.cuts, b)
        return self.ids[self.start[i] : self.start[j]] if i < j else self.ids[self.start[j] : self.start[i]]

    def appearing(self, value: int) -> list[int]:
        """Entities that a change from null to `value`, or back, can affect: those with a comparison true at it."""
        found = list(self.on_null)
        cuts, ids = self.rising
        found += ids[: bisect_right(cuts, value)]
        cuts, ids = self.falling
        found += ids[bisect_right(cuts, value) :]
        return found


@dataclass(slots=True)
class Entry:
    """What conditions ask of one source, while it is being collected."""

    comparisons: list[tuple[int, str, Fraction]] = field(default_factory=list)
    equal: dict[Any, set[int]] = field(default_factory=lambda: defaultdict(set))
    any_change: set[int] = field(default_factory=set)
    nullness: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.comparisons or self.equal or self.any_change or self.nullness)

    def thresholds(self, scale: Fraction, certain: Set[int] = frozenset()) -> Thresholds:
        """The index, of comparisons with cuts in units of which `scale` make one; `certain` are entities that change
        at each cut of theirs."""
        by_cut: dict[int, set[int]] = defaultdict(set)
        rising: list[tuple[float, int]] = []
        falling: list[tuple[float, int]] = []
        for entity, op, cut in self.comparisons:
            cuts = integer_cuts(op, cut * scale)
            for each in cuts:
                by_cut[each].add(entity)
            if op in (">=", ">", "=="):
                rising.append((cuts[0], entity))
            elif op in ("<", "<="):
                falling.append((cuts[-1], entity))
            else:
                rising.append((-inf, entity))
        made = Thresholds(cuts=sorted(by_cut), on_null=tuple(sorted(self.nullness)), first=min(by_cut, default=NEVER))
        for each in made.cuts:
            made.at[each] = tuple(sorted(by_cut[each]))
            made.ids += made.at[each]
            made.groups.append(made.at[each])
            made.sure.append(not certain.isdisjoint(made.at[each]))
            made.start.append(len(made.ids))
        for kept, pairs in ((made.rising, rising), (made.falling, falling)):
            for place, entity in sorted(set(pairs)):
                kept[0].append(place)
                kept[1].append(entity)
        return made

    def equals(self) -> dict[Any, tuple[int, ...]]:
        """Value -> entities that compare with it."""
        return {value: tuple(sorted(ids)) for value, ids in self.equal.items()}


@dataclass(slots=True)
class SourceIndex:
    """What the entities of one group ask of one source."""

    any_change: tuple[int, ...]
    numbers: Thresholds
    equal: dict[Any, tuple[int, ...]]
    exact: bool  # whether every exit from the source's window may matter

    def changed(self, before: Any, after: Any) -> list[int]:
        """Entities that a change of the value can affect."""
        found = list(self.any_change)
        if self.numbers.cuts or self.numbers.on_null:
            found += affected(self.numbers, before, after)
        if self.equal:
            found += (*self.equal.get(before, ()), *self.equal.get(after, ()))
        return found

    def toggled(self, elements: list[Any]) -> list[int]:
        """Entities that elements coming to or leaving a set can affect."""
        found = list(self.any_change)
        for element in elements:
            found += self.equal.get(element, ())
        return found


@dataclass(slots=True)
class Group:
    """The indexes of the entities that look for one value of the selector: by number of source and of feature, None
    where they ask nothing of it."""

    entities: tuple[int, ...]
    lasting: tuple[int, ...]  # those that a customer may stay in after the selector's value has changed
    sources: list[SourceIndex | None]
    ages: list[Thresholds | None]
    features: list[Thresholds | None]
    moving: tuple[int, ...]  # those whose crossings no index of ages finds


def affected(index: Thresholds, before: int | None, after: int | None) -> Sequence[int]:
    """Entities that a number's change from `before` to `after` can affect."""
    if before is None:
        return index.appearing(after) if after is not None else ()
    return index.appearing(before) if after is None else index.between(before, after)


def affected_age(index: Thresholds, before: int | None, after: int | None, t: int) -> Sequence[int]:
    """Entities that a change of an instant can affect by its age at t."""
    return affected(index, None if before is None else t - before, None if after is None else t - after)


def strays(state: Any, left: Group | None, entered: Group | None) -> list[int]:
    """Entities that the customer is in though they look for another value of the selector; they are asked at every
    step until the customer leaves them."""
    suspects = (*state.strays, *(left.lasting if left is not None else ()))
    here = entered.lasting if entered is not None else ()
    mem = state.mem
    return [i for i in suspects if mem and mem[i >> 3] & 1 << (i & 7) and i not in here]


def next_cut(index: Thresholds, next_change: list[NextChange | None], state: Any, since: int, t: int) -> int:
    """The first instant after t at which an age crosses a cut that can matter to this customer; early at worst.

    A cut matters if some entity there surely changes, or may since its still parts hold; after WALK entities that do
    not, the next cut is taken as it is.
    """
    cuts, sure = index.cuts, index.sure
    place, end = bisect_right(cuts, t - since), len(cuts)
    best, asked = NEVER, 0
    while place < end:
        instant = since + cuts[place]
        if best <= instant:
            return best
        if sure[place] or asked >= WALK:
            return instant
        for entity in index.groups[place]:
            change = next_change[entity]
            when = instant if change is None else change(state, t)
            if when < best:  # noqa: PLR1730  # the hot path: min() is a call
                best = when
        asked += len(index.groups[place])
        place += 1
    return best
