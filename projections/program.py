"""A compiled rulebook's derived world: everything a shard calls, bound and ready.

Entities (segments and dimensions) are known by number; `names[number]` is how the rulebook calls it. A state is a
generated struct; `None` for a customer nobody has seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from projections.definitions import WorldDef
from projections.state import StateCodec

Change = tuple[int, Any, Any]
"""(entity, from, to): False and True for segments, values for dimensions, None for no value before."""

EvidencePlan = tuple[str, int | None, tuple[Any, ...] | None, Callable[[Any], Any]]
"""(source, its place in `before`, of a set the elements looked for, how it is shown)."""


@dataclass(slots=True, kw_only=True)
class Program:
    """What a rulebook compiles to.

    `handlers[type(event)](state, event, t_ms, offset, candidates) -> (bound_ms, before)` folds one event;
    `due(state, t_ms, candidates) -> before` lets time pass; `settle(state, t_ms, candidates, bound_ms) ->
    (changes or None, bound_ms)` evaluates memberships; `settle_first` does so for a customer's first record;
    `bound(state, t_ms)` is the next instant at which time alone may change something, never too late.
    """

    world: WorldDef
    source: str
    codec: StateCodec
    new_state: Callable[[], Any]
    decode_event: Callable[[bytes], Any]
    event_types: Mapping[str, type[msgspec.Struct]]
    handlers: Mapping[type, Callable[..., tuple[int, tuple[Any, ...]]]]
    due: Callable[..., tuple[Any, ...]]
    expire: Callable[..., tuple[Any, ...]]
    bound: Callable[[Any, int], int]
    settle: Callable[..., tuple[list[Change] | None, int]]
    settle_first: Callable[..., tuple[list[Change] | None, int]]
    names: tuple[str, ...]
    segments: int  # entities below this number are segments
    number_of: Mapping[str, int]
    reads: tuple[tuple[str, ...], ...]
    tested: tuple[Mapping[str, tuple[Any, ...]], ...]
    raw: Mapping[str, Callable[[Any], Any]]  # source name -> snapshot
    show: Mapping[str, Callable[[Any], Any]]  # source name -> snapshot as people read it
    set_sources: frozenset[str]
    evidence_order: Mapping[str | None, tuple[str, ...]]  # event type (None: time) -> sources in `before`
    trait_value: Mapping[str, Callable[[Any, int], Any]]  # exact values, fractions as pairs
    conditions: Mapping[str, Callable[[Any, int, Any, Any], bool]]
    zone: str
    plain: bool
    snapshot_of: Callable[[int], Callable[[Any], tuple[Any, ...]]]  # compiles an entity's snapshot
    checks: Mapping[type, Callable[[Any], None]]  # event struct -> raises InputRefused for what its handler cannot read
    condition_reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snapshots: dict[int, Callable[[Any], tuple[Any, ...]]] = field(default_factory=dict)
    evidence_plans: dict[tuple[int, str | None], list[EvidencePlan]] = field(default_factory=dict)

    def member(self, state: Any, segment: str) -> bool:
        """Whether the customer is in the segment, as of the last step."""
        number = self.number_of[segment]
        return bool(state.mem[number >> 3] & 1 << (number & 7))

    def dimension(self, state: Any, name: str) -> str | None:
        """The customer's value in the dimension, as of the last step."""
        value: str | None = state.dims[self.number_of[name] - self.segments]
        return value

    def memberships(self, state: Any) -> list[str]:
        """The segments the customer is in, by name."""
        return [
            name
            for number, name in enumerate(self.names[: self.segments])
            if state.mem[number >> 3] & 1 << (number & 7)
        ]

    def micro_segment(self, state: Any) -> str:
        """The tuple of dimension values as text, `/` and `%` in a value escaped."""
        values = (str(value).replace("%", "%25").replace("/", "%2F") for value in state.dims)
        return "/".join(values)

    def trait_values(self, state: Any, t_ms: int) -> dict[str, Any]:
        """Every trait's exact value, fractions in lowest terms as pairs."""
        return {name: value(state, t_ms) for name, value in self.trait_value.items()}

    def zone_of(self, state: Any) -> str:
        """The customer's time zone, or the policy's."""
        zone: str = state.zone or self.zone
        return zone

    def snapshot(self, entity: int) -> Callable[[Any], tuple[Any, ...]]:
        """The function that takes snapshots of the sources an entity is made of; of a set, the elements its condition
        looks for. Compiled when it is first asked for."""
        found = self.snapshots.get(entity)
        if found is None:
            found = self.snapshots[entity] = self.snapshot_of(entity)
        return found

    def evidence(
        self, entity: int, event_type: str | None, before: tuple[Any, ...], after: tuple[Any, ...]
    ) -> dict[str, list[Any]]:
        """The traits that made a transition, each as [before, after]."""
        plan = self.evidence_plans.get((entity, event_type))
        if plan is None:
            plan = self.evidence_plans[entity, event_type] = self._evidence_plan(entity, event_type)
        found: dict[str, list[Any]] = {}
        for (name, place, looked_for, show), now in zip(plan, after, strict=True):
            then = before[place] if before and place is not None else None
            if looked_for is not None:
                odd = {x for x, times in Counter(then or ()).items() if times % 2}
                then = [x for x in looked_for if (x in now) != (x in odd)]
            elif not before or place is None:
                then = now
            found[name] = [show(then), show(now)]
        return found

    def _evidence_plan(self, entity: int, event_type: str | None) -> list[EvidencePlan]:
        order = self.evidence_order.get(event_type, ())
        return [
            (
                name,
                order.index(name) if name in order else None,
                self.tested[entity].get(name, ()) if name in self.set_sources else None,
                self.show[name],
            )
            for name in self.reads[entity]
        ]
