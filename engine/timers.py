"""A partition's timers: one for each customer, never later than what is due next.

An entry may be early: it fires, finds nothing and is queued again. So an event that moves the next due instant later
writes nothing; only when a state leaves memory is its timer moved to what is due then, or the state would be read again
for nothing. The store holds one entry a customer as of the last flush; in memory are those of the near future,
and what was added since.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush, nsmallest
from itertools import islice

from engine.ports import DerivedStore
from events.durations import HOUR_MS
from projections.expressions.runtime import NEVER

NEAR = 50_000
"""Entries taken from the store at once."""

FIRST = 4_000
"""Entries taken at first, twice as many each time after: a shard that opens decides soon."""

LOADS = 4
"""How many times what was loaded may wait in memory: entries of busy customers grow stale there one after the other."""

Timer = tuple[int, str]


class Timers:
    """Timers of one generation.

    In memory are those before `horizon`: a heap of what is due before `edge`, the rest by hour, so that the heap stays
    small whatever is waiting. An entry stays when its customer is queued anew: whoever takes it out sees that it is
    stale.
    """

    def __init__(self, store: DerivedStore, *, near: int = NEAR) -> None:
        self.store, self.near = store, near
        self.next_load = min(near, FIRST)
        self.heap: list[Timer] = []
        self.edge = -NEVER
        self.by_hour: dict[int, list[Timer]] = {}
        self.hours: list[int] = []  # the keys of `by_hour`, a heap
        self.horizon = -NEVER
        self.most_waiting = 0
        self.beyond: list[Timer] = []  # what was added at or after the horizon since the last flush was begun
        self.begun: list[Timer] = []  # likewise before that, until the flush is written
        self.moved: set[Timer] = set()  # entries in memory whose customers are known to be queued anew
        self.gone: set[Timer] = set()  # likewise those of the store, until the flush is written

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
        start, most = self.horizon, self.next_load
        self.next_load = min(2 * most, self.near)
        near = list(islice(self.store.timers(start, NEVER), most))
        self.horizon = near[-1][0] + 1 if len(near) == most else NEVER
        if near and near[-1][0] == start and self.horizon != NEVER:  # more than that on one ms
            near = list(self.store.timers(start, start + 1))
            self.horizon = start + 1
        elif self.horizon != NEVER:  # the last ms may be cut
            last = near[-1][0]
            near = [timer for timer in near if timer[0] < last]
            self.horizon = last
        self.most_waiting = LOADS * max(self.near, len(near))
        beyond = [*near, *self.begun, *self.beyond]
        self.begun, self.beyond = [], []
        for timer in beyond:
            if timer not in self.gone:
                self.add(*timer)

    def move(self, due_ms: int, later_ms: int, customer: str) -> None:
        """Queue a customer later than the entry says that it has."""
        (self.moved if due_ms < self.horizon else self.gone).add((due_ms, customer))
        if later_ms < NEVER:
            self.add(later_ms, customer)

    def add(self, due_ms: int, customer: str) -> None:
        """Queue a customer."""
        timer = (due_ms, customer)
        self.moved.discard(timer)
        self.gone.discard(timer)
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
        """The customers with an entry due at or before t, left in the heap: a walk down its branches as far as t, since
        an hour may hold everyone."""
        if t_ms >= self.edge:
            self.reach(t_ms)
        heap, moved = self.heap, self.moved
        size = len(heap)
        found: set[str] = set()
        places = [0]
        for place in places:
            if place < size and heap[place][0] <= t_ms:
                if heap[place] not in moved:
                    found.add(heap[place][1])
                places += (2 * place + 1, 2 * place + 2)
        return found

    def first(self, count: int) -> set[str]:
        """The customers of the first entries of the heap."""
        return {timer[1] for timer in nsmallest(count, self.heap) if timer not in self.moved}

    def earliest(self) -> int:
        """When the first entry is due, in ms; NEVER if there is none."""
        while True:
            self.skip_moved()
            if self.heap:
                return self.heap[0][0]
            if not self.hours and self.horizon >= NEVER:
                return NEVER
            self.reach(self.hours[0] * HOUR_MS if self.hours else self.horizon)

    def skip_moved(self) -> None:
        """Drop the entries at the heap's head whose customers are queued anew."""
        heap, moved = self.heap, self.moved
        while heap and heap[0] in moved:
            moved.remove(heappop(heap))

    def pop(self) -> Timer:
        """Take the earliest entry out of the heap."""
        return heappop(self.heap)

    def begin_flush(self) -> None:
        """What was added so far is being written to the store."""
        self.begun, self.beyond = [*self.begun, *self.beyond], []

    def flushed(self, since: Iterable[Timer]) -> None:
        """The store holds it now, but not what was added `since`; what waits in memory is left to the store if that is
        much more than was loaded."""
        self.begun, self.gone = [], set()
        if sum(map(len, self.by_hour.values())) > self.most_waiting:
            self.by_hour, self.hours, self.horizon = {}, [], self.edge
            self.beyond = [timer for timer in since if timer[0] >= self.horizon]
            self.moved = {timer for timer in self.moved if timer[0] < self.horizon}
