"""A partition's timers: one for each customer, never later than what is due next.

An entry may be early: it fires, finds nothing and is queued again. So an event that moves the next due instant later
writes nothing. The store holds all entries, a heap those of the near future; what was added since the last flush
is kept beside them.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import islice

from engine.ports import DerivedStore
from projections.expressions.runtime import NEVER

NEAR = 50_000
"""Entries taken from the store at once."""

Timer = tuple[int, str]


class Timers:
    """Timers of one generation. `put` and `gone` are what the next flush writes."""

    def __init__(self, store: DerivedStore, *, near: int = NEAR) -> None:
        self.store, self.near = store, near
        self.heap: list[Timer] = []
        self.horizon = -NEVER
        self.put: dict[Timer, None] = {}
        self.gone: list[Timer] = []

    def reach(self, t_ms: int) -> None:
        """Have every timer due at or before t in the heap."""
        while t_ms >= self.horizon:
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
            near += [timer for timer in self.put if start <= timer[0] < self.horizon]
            self.heap += near
        heapify(self.heap)

    def add(self, due_ms: int, customer: str) -> None:
        """Queue a customer; an entry of theirs that is later becomes stale."""
        timer = (due_ms, customer)
        self.put[timer] = None
        if due_ms < self.horizon:
            heappush(self.heap, timer)

    def due_by(self, t_ms: int) -> set[str]:
        """The customers with an entry due at or before t, left in the heap: a walk down its branches as far as t."""
        if t_ms >= self.horizon:
            self.reach(t_ms)
        heap = self.heap
        size = len(heap)
        found: set[str] = set()
        places = [0]
        for place in places:
            if place < size and heap[place][0] <= t_ms:
                found.add(heap[place][1])
                places += (2 * place + 1, 2 * place + 2)
        return found

    def pop(self) -> Timer:
        """Take the earliest entry out."""
        timer = heappop(self.heap)
        self.put.pop(timer, None)
        self.gone.append(timer)
        return timer

    def flushed(self) -> tuple[list[Timer], list[Timer]]:
        """(entries to put, entries to delete first) since the last flush."""
        put, gone = list(self.put), self.gone
        self.put, self.gone = {}, []
        return put, gone
