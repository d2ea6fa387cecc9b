"""Trait kinds that keep values: set, recent and top, with and without a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from events.numbers import MICRO
from projections.definitions import TraitDef
from projections.expressions.runtime import NEVER
from projections.expressions.tree import Kind
from projections.expressions.values import Num, Val
from projections.traits.kinds import PYTHON_TYPES, Slot, TraitCode
from projections.traits.windowed import Windowed

SET_LIMIT = 1_000


class ValueSet(TraitCode):
    """Distinct values, each with its latest (occurred_at, order)."""

    def __init__(self, definition: TraitDef) -> None:
        super().__init__(definition)
        assert definition.element is not None
        self.element = PYTHON_TYPES[definition.element]
        self.limit = definition.limit or SET_LIMIT

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("v", dict[self.element, tuple[int, int]], dict)]  # type: ignore[name-defined]  # built at run time

    @property
    def changes(self) -> str:
        return f"ch_{self.name}"

    def update(self) -> list[str]:
        return [f"add_value({self.at('v')}, x, (o, k), {self.limit}, {self.changes})"]

    def read(self) -> Val:
        return Val(self.at("v"))

    def shower(self) -> Callable[[Any], Any]:
        return lambda raw: None if raw is None else sorted(raw)


class WindowedSet(ValueSet):
    """Distinct values whose latest occurrence is in the window."""

    @property
    def within(self) -> int:
        """The window's length in ms."""
        assert self.definition.within_ms is not None
        return self.definition.within_ms

    @property
    def slots(self) -> list[Slot]:
        return [*super().slots, self.slot("exit", int, NEVER)]

    def update(self) -> list[str]:
        return [
            f"if o > t - {self.within}:",
            *(f"    {line}" for line in super().update()),
            f"    if o + {self.within} < {self.at('exit')}: {self.at('exit')} = o + {self.within}",
            f"    if o + {self.within} < s.exit_at: s.exit_at = o + {self.within}",
        ]

    def expire(self) -> list[str]:
        found = f"expire_values({self.at('v')}, t - {self.within}, {self.changes})"
        return [
            f"if {self.at('exit')} <= t: {self.at('exit')} = min({found} + {self.within}, {NEVER})",
            f"if {self.at('exit')} < e: e = {self.at('exit')}",
        ]

    def next_exit(self, cuts: str | None) -> str:
        """Source of the next instant at which a value may leave."""
        return self.at("exit")


class Recent(TraitCode):
    """The last N values, newest last."""

    def __init__(self, definition: TraitDef) -> None:
        super().__init__(definition)
        assert definition.element is not None
        assert definition.limit is not None
        self.element = PYTHON_TYPES[definition.element]

    @property
    def slots(self) -> list[Slot]:
        return [
            self.slot("v", list[self.element], list),  # type: ignore[name-defined]  # built at run time
            self.slot("at", list[int], list),
            self.slot("order", list[int], list),
        ]

    def update(self) -> list[str]:
        lists = ", ".join(self.at(suffix) for suffix in ("at", "order", "v"))
        return [f"add_recent({lists}, (o, k, x), {self.definition.limit})"]

    def read(self) -> Val:
        return Val(self.at("v"))

    @property
    def raw(self) -> str:
        return f"{self.at('v')}[:]"


class Top(TraitCode):
    """The value with the largest decayed sum of weights."""

    def __init__(self, definition: TraitDef) -> None:
        super().__init__(definition)
        self.element = PYTHON_TYPES[definition.value]

    @property
    def slots(self) -> list[Slot]:
        sums = dict[self.element, tuple[float, float, int]]  # type: ignore[name-defined]  # built at run time
        return [self.slot("top", self.element | None), self.slot("sums", sums, dict)]

    def prepare(self) -> list[str]:
        half_life = self.definition.half_life_ms
        lines = [f"touched_{self.name} = []; before_{self.name} = {self.at('sums')}.get({self.at('top')})"]
        if half_life is not None:
            lines.append(f"factor_{self.name}, exponent_{self.name} = decay(o, {half_life})")
        return lines

    def update(self) -> list[str]:
        decayed = self.definition.half_life_ms is not None
        weight = f"weight * factor_{self.name}, exponent_{self.name}" if decayed else "weight, 0"
        return [
            f"add_weight({self.at('sums')}, x, {weight}); touched_{self.name}.append(x)",
            f"if weight < 0.0: before_{self.name} = None",
        ]

    def finish(self) -> list[str]:
        n, top = self.name, self.at("top")
        return [f"if touched_{n}: {top} = top_after({self.at('sums')}, {top}, before_{n}, touched_{n})"]

    def read(self) -> Num | Val:
        guard = f"{self.at('top')} is not None"
        if self.definition.value is Kind.NUMBER:
            return Num(self.at("top"), MICRO, guard=guard)
        return Val(self.at("top"), guard)


class WindowedTop(Windowed):
    """The top value of what is in the window, summed afresh when it changes."""

    def __init__(self, definition: TraitDef) -> None:
        super().__init__(definition)
        self.element = PYTHON_TYPES[definition.value]

    @property
    def slots(self) -> list[Slot]:
        entries = list[tuple[int, int, self.element, float]]  # type: ignore[name-defined]  # built at run time
        return [self.slot("top", self.element | None), self.slot("w", entries, list)]

    def update(self) -> list[str]:
        return self.guarded(f"insert_weighted({self.at('w')}, (o, k, x, weight))")

    def finish(self) -> list[str]:
        return [f"{self.at('top')} = top_of_window({self.at('w')}, {self.definition.half_life_ms})"]

    def expire(self) -> list[str]:
        return [
            f"w = {self.at('w')}; n = 0",
            f"while n < len(w) and w[n][0] <= t - {self.within}: n += 1",
            f"if n: del w[:n]; {self.finish()[0]}",
            f"if w and w[0][0] + {self.within} < e: e = w[0][0] + {self.within}",
        ]

    def read(self) -> Num | Val:
        return Top.read(self)  # type: ignore[arg-type]  # the same two slots

    def next_exit(self, cuts: str | None) -> str:
        return f"({self.at('w')}[0][0] + {self.within} if {self.at('w')} else {NEVER})"
