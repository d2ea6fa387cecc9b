"""A partition's timers: one for each customer, never later than what is due next.

An entry may be early: it fires, finds nothing and is queued again. So an event that moves the next due instant later
writes nothing. The store holds one entry a customer as of the last flush; in memory are those of the near future, and
what was added since.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import islice

from engine.ports import DerivedStore
from events.durations import HOUR_MS
from projections.expressions.runtime import NEVER

NEAR = 50_000
"""Entries taken from the store at once."""

Timer = tuple[int, str]


class Timers:
    """Timers of one generation.

    In memory are those before `horizon`: a heap of what is due before `edge`, the rest by hour, so that the heap stays
    small whatever is waiting. An entry stays when its customer is queued anew: whoever takes it out sees that it is
    stale.
    """

    def __init__(self, store: DerivedStore, *, near: int = NEAR) -> None:
        self.store, self.near = store, near
        self.heap: list[Timer] = []
        self.edge = -NEVER
        self.by_hour: dict[int, list[Timer]] = {}
        self.hours: list[int] = []  # the keys of `by_hour`, a heap
        self.horizon = -NEVER
        self.beyond: list[Timer] = []  # what was added at or after the horizon since the last flush

    def reach(self, t_ms: int) -> None:
        """Have every timer due at or before t in the heap."""
        while t_ms >= self.horizon:
            self._load()
        hour = t_ms // HOUR_MS
        while self.hours and self.hours[0] <= hour:
            self.heap += self.by_hour.pop(heappop(self.hours))
        heapify(self.heap)
        self.edge = max(self.edge, min((hour + 1) * HOUR_MS, self.horizon))

    def _load(self) -> None:
        """Take more from the store."""
        start = self.horizon
        near = list(islice(self.store.timers(start, NEVER), self.near))
        self.horizon = near[-1][0] + 1 if len(near) == self.near else NEVER
        if near and near[-1][0] == start and self.horizon != NEVER:  # more than that on one ms
            near = list(self.store.timers(start, start + 1))
            self.horizon = start + 1
        elif self.horizon != NEVER:  # the last ms may be cut
            last = near[-1][0]
            near = [timer for timer in near if timer[0] < last]
            self.horizon = last
        beyond, self.beyond = self.beyond, []
        for timer in (*near, *beyond):
            self.add(*timer)

    def add(self, due_ms: int, customer: str) -> None:
        """Queue a customer."""
        timer = (due_ms, customer)
        if due_ms < self.edge:
            heappush(self.heap, timer)
        elif due_ms < self.horizon:
            hour = due_ms // HOUR_MS
            waiting = self.by_hour.get(hour)
            if waiting is None:
                self.by_hour[hour] = [timer]
                heappush(self.hours, hour)
            else:
                waiting.append(timer)
        else:
            self.beyond.append(timer)

    def due_by(self, t_ms: int) -> set[str]:
        """The customers with an entry due at or before t, left in the heap."""
        if t_ms >= self.edge:
            self.reach(t_ms)
        return {customer for due_ms, customer in self.heap if due_ms <= t_ms}

    def earliest(self) -> int:
        """When the first entry is due, in ms; NEVER if there is none."""
        while not (self.heap or self.hours) and self.horizon < NEVER:
            self._load()
        if self.heap:
            return self.heap[0][0]
        return min(self.by_hour[self.hours[0]])[0] if self.hours else NEVER

    def pop(self) -> Timer:
        """Take the earliest entry out of the heap."""
        return heappop(self.heap)

    def flushed(self) -> None:
        """The store holds everything now."""
        self.beyond = []
