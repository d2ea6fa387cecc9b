"""How each trait kind reads and writes its slots of the state, as generated source.

In an update `s` is the state, `o` the event's occurred_at (not later than t), `k` its order (offset and place), `t` the
journey time and `x` the value: millionths for numbers, never null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from events.durations import DAY_MS
from events.numbers import MICRO, shown
from projections.definitions import JOINT, TraitDef, TraitKind
from projections.expressions.tree import Kind
from projections.expressions.values import Num, Val, pair

PYTHON_TYPES: dict[Kind, Any] = {Kind.NUMBER: int, Kind.TEXT: str, Kind.FLAG: bool, Kind.TIME: int, Kind.DATE: int}


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of the state: its type and its value before any event."""

    name: str
    type: Any
    default: Any = None


def slot_name(source: str) -> str:
    """The name of a trait or of a profile field (`sent.email`, `profile.city`) within an identifier."""
    return source.replace(".", JOINT)


def as_it_is(raw: Any) -> Any:
    """Shows a snapshot that people can read."""
    return raw


class TraitCode:
    """One trait kind's source. Subclasses say which slots it has and how they change."""

    def __init__(self, definition: TraitDef) -> None:
        self.definition = definition
        self.name = slot_name(definition.name)

    def at(self, suffix: str) -> str:
        """The source of one of its slots."""
        return f"s.{self.name}__{suffix}"

    def slot(self, suffix: str, kind: Any, default: Any = None) -> Slot:
        """One of its slots."""
        return Slot(f"{self.name}__{suffix}", kind, default)

    @property
    def slots(self) -> list[Slot]:
        """What it keeps in the state."""
        raise NotImplementedError

    def prepare(self) -> list[str]:
        """Statements before the values of an event."""
        return []

    def update(self) -> list[str]:
        """Statements that fold one value `x` (or one event)."""
        raise NotImplementedError

    def finish(self) -> list[str]:
        """Statements after all values of the event."""
        return []

    def expire(self) -> list[str]:
        """Statements that drop what has left its window by t, noting the next exit in `e`."""
        return []

    def read(self) -> Num | Val:
        """How the value reads."""
        raise NotImplementedError

    @property
    def changes(self) -> str | None:
        """The local list that gets the elements that came or went, for sets."""
        return None

    @property
    def raw(self) -> str:
        """Source of a snapshot for evidence."""
        value = self.read()
        if isinstance(value, Num):
            code = value.numerator if value.denominator is None else pair(value)
            plain = value.guard is None or value.guard == f"{code} is not None"
            return code if plain else f"({code} if {value.guard} else None)"
        return value.code

    def shower(self) -> Callable[[Any], Any]:
        """The function that shows a snapshot as people read it."""
        value = self.read()
        if not isinstance(value, Num):
            return as_it_is
        if value.denominator is not None:
            return lambda raw: None if raw is None else shown(*raw)
        scale = value.scale
        return lambda raw: None if raw is None else shown(raw, scale)


class Count(TraitCode):
    """Number of events."""

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("n", int, 0)]

    def update(self) -> list[str]:
        return [f"{self.at('n')} += 1"]

    def read(self) -> Num:
        return Num(self.at("n"), nonnegative=True)


class Sum(TraitCode):
    """Sum of the values."""

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("sum", int, 0)]

    def update(self) -> list[str]:
        return [f"{self.at('sum')} += x"]

    def read(self) -> Num:
        return Num(self.at("sum"), MICRO)


class Mean(TraitCode):
    """Sum and number; the mean is their fraction."""

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("sum", int, 0), self.slot("n", int, 0)]

    def update(self) -> list[str]:
        return [f"{self.at('sum')} += x", f"{self.at('n')} += 1"]

    def read(self) -> Num:
        return Num(self.at("sum"), MICRO, self.at("n"), f"{self.at('n')} > 0")


class Extreme(TraitCode):
    """The smallest or largest value."""

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("v", int | None)]

    def update(self) -> list[str]:
        op = "<" if self.definition.kind is TraitKind.MIN else ">"
        return [f"if {self.at('v')} is None or x {op} {self.at('v')}: {self.at('v')} = x"]

    def read(self) -> Num:
        return Num(self.at("v"), MICRO, guard=f"{self.at('v')} is not None")


class Edge(TraitCode):
    """The value of the earliest or latest event."""

    @property
    def slots(self) -> list[Slot]:
        return [
            self.slot("v", PYTHON_TYPES[self.definition.value] | None),
            self.slot("at", int | None),
            self.slot("order", int, 0),
        ]

    def update(self) -> list[str]:
        op = "<" if self.definition.kind is TraitKind.FIRST else ">"
        at, order = self.at("at"), self.at("order")
        return [
            f"if {at} is None or o {op} {at} or (o == {at} and k {op} {order}):",
            f"    {self.at('v')} = x; {at} = o; {order} = k",
        ]

    def read(self) -> Num | Val:
        guard = f"{self.at('v')} is not None"
        return (
            Num(self.at("v"), MICRO, guard=guard) if self.definition.value is Kind.NUMBER else Val(self.at("v"), guard)
        )


class EdgeAt(TraitCode):
    """occurred_at of the earliest or latest event."""

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("at", int | None)]

    def update(self) -> list[str]:
        op = "<" if self.definition.kind is TraitKind.FIRST_AT else ">"
        return [f"if {self.at('at')} is None or o {op} {self.at('at')}: {self.at('at')} = o"]

    def read(self) -> Val:
        return Val(self.at("at"), f"{self.at('at')} is not None")


class MeanGap(TraitCode):
    """Mean number of days between events: (last - first) / (n - 1)."""

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("first", int | None), self.slot("last", int | None), self.slot("n", int, 0)]

    def update(self) -> list[str]:
        first, last = self.at("first"), self.at("last")
        return [
            f"{self.at('n')} += 1",
            f"if {first} is None or o < {first}: {first} = o",
            f"if {last} is None or o > {last}: {last} = o",
        ]

    def read(self) -> Num:
        span = f"({self.at('last')} - {self.at('first')})"
        return Num(span, DAY_MS, f"({self.at('n')} - 1)", f"{self.at('n')} > 1", nonnegative=True)
