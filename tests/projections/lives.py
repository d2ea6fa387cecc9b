"""One customer under a compiled world, moved through time as a shard moves them: events in order, and before each
everything that is due."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from events.codec import encode_record
from events.envelope import Event
from projections.compiler import compile_world
from projections.expressions.runtime import NEVER
from projections.expressions.tree import Kind
from projections.program import Program

DAY = 86_400_000
HOUR = 3_600_000
MILLION = 1_000_000
START = 1_700_000_000_000

Moved = tuple[int, str, Any, Any]
"""(instant, segment or dimension, from, to)."""


@cache
def rulebook(text: str) -> Rulebook:
    """The checked rulebook of a text."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(text, encoding="utf-8")
        return load_folder(folder)


@cache
def program(text: str, *, plain: bool = False) -> Program:
    """The Program of a rulebook's text."""
    return compile_world(rulebook(text).world, plain=plain)


def at(text: str) -> int:
    """The instant written in ISO 8601 with an offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


class Life:
    """A state and what has happened to it: `moved` are the transitions, `now` the journey time."""

    def __init__(self, compiled: Program | str, *, offsets: Callable[[], int] | None = None) -> None:
        self.program = program(compiled) if isinstance(compiled, str) else compiled
        self.state = self.program.new_state()
        self.now = 0
        self.moved: list[Moved] = []
        self.evidence: list[dict[str, list[Any]]] = []
        self._offset = -1
        self._offsets = offsets or self._next_offset

    def _next_offset(self) -> int:
        self._offset += 1
        return self._offset

    # ------------------------------------------------------------ what happens
    def event(self, type_name: str, when: int, *, late_by: int = 0, **data: Any) -> Life:
        """An event that is appended at `when` and occurred `late_by` ms before."""
        event = Event(id="e", type=type_name, customer_id="ann", occurred_at_ms=when - late_by, data=data)
        return self.fold(event, when)

    def fold(self, envelope: Event, when: int) -> Life:
        """An event that is appended at `when`."""
        self.until(when)
        event = self.program.decode_event(encode_record(envelope, when))
        offset, type_name = self._offsets(), envelope.type
        candidates: list[int] = []
        first = self.state.known_since__at is None
        bound, before = self.program.handlers[type(event)](self.state, event, self.now, offset, candidates)
        settle = self.program.settle_first if first else self.program.settle
        changes, bound = settle(self.state, self.now, candidates, bound)
        self._note(changes, type_name, before)
        self.state.queued = min(self.state.queued, bound)
        return self

    def order(self, when: int, total: float | int = 1, *, late_by: int = 0, **data: Any) -> Life:
        """An order_completed."""
        return self.event("order_completed", when, late_by=late_by, order_id="o", total=total, **data)

    def until(self, when: int) -> Life:
        """Time passes; everything due at or before `when` happens."""
        while self.state.queued <= when:
            self.now, self.state.queued = max(self.now, self.state.queued), NEVER
            candidates: list[int] = []
            before = self.program.due(self.state, self.now, candidates)
            changes, _ = self.program.settle(self.state, self.now, candidates, NEVER)
            self._note(changes, None, before)
            self.state.queued = self.program.bound(self.state, self.now)
            assert self.state.queued > self.now
        self.now = max(self.now, when)
        return self

    def _note(self, changes: Sequence[tuple[int, Any, Any]] | None, type_name: str | None, before: Any) -> None:
        for number, was, now in changes or ():
            self.moved.append((self.now, self.program.names[number], was, now))
            after = self.program.snapshot(number)(self.state)
            self.evidence.append(self.program.evidence(number, type_name, before, after))

    # ------------------------------------------------------------ what is so now
    def seen_at(self, when: int) -> Sequence[tuple[int, Any, Any]]:
        """What evaluating every membership at an instant, in a copy of the state, would change."""
        copy = deepcopy(self.state)
        everything = list(range(len(self.program.names)))
        self.program.due(copy, when, [])
        changes, _ = self.program.settle(copy, when, everything, NEVER)
        return changes or ()

    def trait(self, name: str) -> Any:
        """A trait's exact value now: fractions, sorted lists of sets."""
        if self.state.exit_at <= self.now:
            self.program.expire(self.state, self.now, [])
        definition = self.program.world.traits.get(name)
        value = self.program.trait_value[name](self.state, self.now)
        return exact(value, definition.value if definition else Kind.TIME, definition.element if definition else None)

    def traits(self) -> dict[str, Any]:
        """Every trait's exact value."""
        return {name: self.trait(name) for name in self.program.trait_value}

    def inside(self, segment: str) -> bool:
        """Whether the customer is in a segment."""
        return self.program.member(self.state, segment)

    def moves(self, name: str) -> list[tuple[int, Any]]:
        """(instant, to) of one segment's or dimension's transitions."""
        return [(when, now) for when, each, _, now in self.moved if each == name]


def exact(value: Any, kind: Kind, element: Kind | None = None) -> Any:
    """A number as a Fraction, lists of them too."""
    if value is None or kind not in (Kind.NUMBER, Kind.SET, Kind.LIST):
        return value
    if kind is Kind.NUMBER:
        return Fraction(*value) if isinstance(value, tuple) else Fraction(value, MILLION)
    return [exact(each, element or Kind.TEXT) for each in value]


def segments(**conditions: str) -> str:
    """The lines of segments with these conditions."""
    return "segments:\n" + "".join(f"  {name}: {{when: {quoted(text)}}}\n" for name, text in conditions.items())


def quoted(text: str) -> str:
    """An expression as a YAML text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def world(traits: Mapping[str, str], **conditions: str) -> str:
    """A rulebook of traits, each in YAML, and segments with these conditions."""
    lines = "".join(f"  {name}: {definition}\n" for name, definition in traits.items())
    return "events:\n  thing_measured: {amount: number, label: text, ok: flag, seen_at: time, day: date}\n" + (
        f"traits:\n{lines}" + (segments(**conditions) if conditions else "")
    )
