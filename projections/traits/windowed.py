"""Trait kinds over a window: an event leaves at occurred_at + within exactly.

`expire` runs in a function of `s` and `t` where `e` becomes the earliest instant at which anything leaves.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf

from events.numbers import MICRO
from projections.definitions import TraitDef, TraitKind
from projections.expressions.runtime import NEVER
from projections.expressions.values import Num
from projections.traits.kinds import Slot, TraitCode


class Windowed(TraitCode):
    """A list of what is in the window, with a head (see `windows.py`)."""

    def __init__(self, definition: TraitDef) -> None:
        super().__init__(definition)
        assert definition.within_ms is not None
        self.within = definition.within_ms

    @property
    def slots(self) -> list[Slot]:
        return [self.slot("w", list[int], list), self.slot("head", int, 0)]

    def guarded(self, *statements: str) -> list[str]:
        """Statements for a value that is in the window at t."""
        note = f"if o + {self.within} < s.exit_at: s.exit_at = o + {self.within}"
        return [f"if o > t - {self.within}:", *(f"    {line}" for line in (*statements, note))]

    def leaving(self, width: int, *statements: str) -> list[str]:
        """Moves the head past what has left; `statements` see it as w[h]."""
        return [
            f"w = {self.at('w')}; h = {self.at('head')}; n = len(w)",
            f"while h < n and w[h] <= t - {self.within}:",
            *(f"    {line}" for line in statements),
            f"    h += {width}",
            f"if h < n and w[h] + {self.within} < e: e = w[h] + {self.within}",
            f"if h: {self.at('head')} = cut(w, h)",
        ]

    def next_exit(self, cuts: str | None) -> str:
        """Source of the next instant at which the value may matter: the first exit, or with the name of a sorted list
        of cuts the first that crosses one."""
        return f"(first_exit({self.at('w')}, {self.at('head')}) + {self.within})"


class WindowedCount(Windowed):
    """Number of events in the window."""

    def update(self) -> list[str]:
        return self.guarded(f"insert_instant({self.at('w')}, o)")

    def expire(self) -> list[str]:
        return self.leaving(1)

    def read(self) -> Num:
        return Num(f"(len({self.at('w')}) - {self.at('head')})", nonnegative=True)

    def next_exit(self, cuts: str | None) -> str:
        if cuts is None:
            return super().next_exit(cuts)
        return f"(count_exit({self.at('w')}, {self.at('head')}, {cuts}) + {self.within})"


class WindowedSum(Windowed):
    """Sum of the values in the window."""

    @property
    def slots(self) -> list[Slot]:
        return [*super().slots, self.slot("sum", int, 0)]

    def update(self) -> list[str]:
        return self.guarded(f"insert_pair({self.at('w')}, {self.at('head')}, o, x)", f"{self.at('sum')} += x")

    def expire(self) -> list[str]:
        return self.leaving(2, f"{self.at('sum')} -= w[h + 1]")

    def read(self) -> Num:
        return Num(self.at("sum"), MICRO)

    def next_exit(self, cuts: str | None) -> str:
        if cuts is None:
            return super().next_exit(cuts)
        return f"(sum_exit({self.at('w')}, {self.at('head')}, {self.at('sum')}, {cuts}) + {self.within})"


class WindowedMean(WindowedSum):
    """Mean of the values in the window."""

    def read(self) -> Num:
        live = f"((len({self.at('w')}) - {self.at('head')}) // 2)"
        return Num(self.at("sum"), MICRO, live, f"len({self.at('w')}) > {self.at('head')}")

    def next_exit(self, cuts: str | None) -> str:
        return Windowed.next_exit(self, None)


class WindowedExtreme(Windowed):
    """The smallest or largest value in the window; only pairs that may yet be the extreme are kept."""

    def update(self) -> list[str]:
        x = "-x" if self.definition.kind is TraitKind.MIN else "x"
        return self.guarded(f"insert_extreme({self.at('w')}, {self.at('head')}, o, {x})")

    def expire(self) -> list[str]:
        return self.leaving(2)

    def read(self) -> Num:
        sign = "-" if self.definition.kind is TraitKind.MIN else ""
        code = f"({sign}{self.at('w')}[{self.at('head')} + 1])"
        return Num(code, MICRO, guard=f"len({self.at('w')}) > {self.at('head')}")


def first_exit(window: list[int], head: int) -> int:
    """The instant of the first entry to leave, NEVER for none."""
    return window[head] if head < len(window) else NEVER


def count_exit(window: list[int], head: int, cuts: list[int]) -> int:
    """The instant of the entry whose leaving takes the count below the next cut, NEVER for none."""
    live = len(window) - head
    below = bisect_right(cuts, live) - 1
    if below < 0 or cuts[below] < 1:
        return NEVER
    return window[head + live - cuts[below]]


WALK = 16
"""Exits looked at before an early answer is taken."""


def sum_exit(window: list[int], head: int, total: int, cuts: list[int]) -> int:
    """The instant of the entry whose leaving takes the sum over a cut, early after WALK entries, NEVER for none."""
    end = len(window)
    if head >= end:
        return NEVER
    rank = bisect_right(cuts, total)
    low = cuts[rank - 1] if rank else -inf
    high = cuts[rank] if rank < len(cuts) else inf
    for place in range(head, min(head + 2 * WALK, end), 2):
        total -= window[place + 1]
        if not low <= total < high:
            return window[place]
    head += 2 * WALK
    return window[head] if head < end else NEVER
