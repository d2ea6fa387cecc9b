"""Timers come in order, each once a flush knows of it, however few of them are kept in memory."""

from __future__ import annotations

from random import Random

import pytest

from engine.adapters.memory import MemoryDerived
from engine.ports import Flush
from engine.timers import LOADS, NEAR, Timer, Timers
from events.durations import HOUR_MS
from projections.expressions.runtime import NEVER


def taken(timers: Timers, t: int) -> list[Timer]:
    """Every entry due at or before t."""
    timers.reach(t)
    found: list[Timer] = []
    while timers.heap and timers.heap[0][0] <= t:
        found.append(timers.pop())
    return found


class Waiting:
    """Customers and when each is due, as a world keeps them beside the timers and its store."""

    def __init__(self, near: int = NEAR) -> None:
        self.near = near
        self.store = MemoryDerived()
        self.timers = Timers(self.store, near=near)
        self.due: dict[str, int] = {}
        self.filed: dict[str, int] = {}

    def queue(self, due_ms: int, customer: str) -> None:
        self.due[customer] = due_ms
        self.timers.add(due_ms, customer)

    def postpone(self, later_ms: int, customer: str) -> None:
        if customer in self.due:
            before_ms, self.due[customer] = self.due[customer], self.due[customer] + later_ms
            self.timers.move(before_ms, before_ms + later_ms, customer)

    def flush(self) -> None:
        delete = [(due_ms, customer) for customer, due_ms in self.filed.items()]
        self.store.write(Flush(timers_put=self.sorted(), timers_delete=delete))
        self.timers.begin_flush()
        self.timers.flushed(())
        self.filed = dict(self.due)

    def restart(self) -> None:
        self.timers, self.due = Timers(self.store, near=self.near), dict(self.filed)

    def sorted(self, by: int = NEVER) -> list[Timer]:
        return sorted((due_ms, customer) for customer, due_ms in self.due.items() if due_ms <= by)

    def popped(self, t: int) -> list[Timer]:
        """Everything due at or before t, without what is stale."""
        self.timers.reach(t)
        found: list[Timer] = []
        while self.timers.heap and self.timers.heap[0][0] <= t:
            due_ms, customer = self.timers.pop()
            if self.due.get(customer) == due_ms:
                del self.due[customer]
                found.append((due_ms, customer))
        return found


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("near", [1, 2, 5, NEAR])
def test_they_are_those_of_a_sorted_list(seed: int, near: int) -> None:
    random, waiting, now = Random(seed), Waiting(near), 0
    for _ in range(150):
        act = random.random()
        if act < 0.6:
            later = random.choice([0, 1, 1, 2, 3, 9, 40, 400, HOUR_MS, 30 * HOUR_MS])
            waiting.queue(now + later, random.choice("abcdefgh"))
        elif act < 0.7:
            waiting.postpone(random.choice([1, 5, 60, HOUR_MS, 50 * HOUR_MS]), random.choice("abcdefgh"))
        elif act < 0.88:
            now += random.choice([0, 1, 2, 10, 60, HOUR_MS])
            due = waiting.sorted(by=now)
            assert waiting.timers.earliest() <= min((due_ms for due_ms, _ in waiting.sorted()), default=NEVER)
            assert waiting.timers.due_by(now) >= {customer for _, customer in due}
            assert waiting.popped(now) == due
        else:
            waiting.flush()
            assert list(waiting.store.timers(-NEVER, NEVER)) == waiting.sorted()
            if random.random() < 0.5:
                waiting.restart()
    due = waiting.sorted()
    assert waiting.popped(NEVER - 1) == due


def test_a_timer_that_is_moved_is_taken_once_and_the_old_one_is_stale() -> None:
    waiting = Waiting()
    waiting.queue(9, "ann")
    waiting.flush()
    waiting.queue(5, "ann")
    assert waiting.popped(5) == [(5, "ann")]
    assert waiting.popped(9) == []


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("later_ms", [2, 50 * HOUR_MS])
def test_who_is_moved_to_later_is_not_looked_at_before(stored: bool, later_ms: int) -> None:
    """Not even in memory: to see that its entry is stale the customer's state would have to be read."""
    waiting = Waiting()
    waiting.queue(5, "ann")
    waiting.queue(6, "bob")
    if stored:
        waiting.flush()
    waiting.postpone(later_ms, "ann")
    assert waiting.timers.due_by(6) == {"bob"}
    assert waiting.timers.earliest() == 6
    assert waiting.popped(6) == [(6, "bob")]
    waiting.flush()
    assert waiting.timers.earliest() == 5 + later_ms
    assert waiting.timers.due_by(5 + later_ms) == {"ann"}
    assert waiting.popped(5 + later_ms) == [(5 + later_ms, "ann")]
    assert waiting.timers.moved == set()


def test_who_is_moved_back_is_due_again() -> None:
    waiting = Waiting()
    waiting.queue(5, "ann")
    waiting.postpone(4, "ann")
    waiting.queue(5, "ann")
    assert waiting.timers.due_by(5) == {"ann"}
    assert waiting.popped(9) == [(5, "ann")]


@pytest.mark.parametrize("many", [3, 4, 5, 9])
def test_more_on_one_ms_than_are_kept_in_memory(many: int) -> None:
    store = MemoryDerived()
    everyone = [(7, f"c{number:02}") for number in range(many)]
    store.write(Flush(timers_put=[*everyone, (8, "late"), (6, "early")]))
    timers = Timers(store, near=3)
    assert taken(timers, 6) == [(6, "early")]
    assert taken(timers, 7) == everyone
    assert taken(timers, 8) == [(8, "late")]


def test_what_is_added_at_the_horizon_is_not_lost() -> None:
    """A ms that may be cut is left out of memory as a whole, and what is added to it too."""
    store = MemoryDerived()
    store.write(Flush(timers_put=[(1, "a"), (2, "b"), (2, "c"), (3, "d")]))
    timers = Timers(store, near=2)
    assert taken(timers, 1) == [(1, "a")]
    timers.add(2, "aa")
    timers.add(3, "e")
    assert taken(timers, 2) == [(2, "aa"), (2, "b"), (2, "c")]
    assert taken(timers, 3) == [(3, "d"), (3, "e")]


def test_what_waits_in_memory_stays_small_however_often_customers_are_moved() -> None:
    """Each is due in an hour by one thing and next year by another, day after day."""
    waiting, next_year = Waiting(near=5), 365 * 24 * HOUR_MS
    for day in range(1, 40):
        now = day * 24 * HOUR_MS
        for due_ms, customer in waiting.popped(now):
            assert due_ms == now - 23 * HOUR_MS
            waiting.queue(next_year, customer)
        for number in range(10):
            waiting.queue(now + HOUR_MS, f"c{number}")
        waiting.flush()
        assert sum(map(len, waiting.timers.by_hour.values())) <= LOADS * 5
    assert waiting.timers.earliest() == 39 * 24 * HOUR_MS + HOUR_MS


def test_who_is_due_is_found_without_a_look_at_all_who_wait() -> None:
    timers = Timers(MemoryDerived())
    for number in range(1_000):
        timers.add(number, f"c{number}")
    assert timers.due_by(-1) == set()
    assert timers.due_by(2) == {"c0", "c1", "c2"}
    assert len(timers.due_by(999)) == 1_000


def test_the_earliest_is_known_before_anything_is_due_and_stays_in_order() -> None:
    store = MemoryDerived()
    store.write(Flush(timers_put=[(30 * HOUR_MS + 5, "a"), (30 * HOUR_MS + 3, "b"), (99 * HOUR_MS, "c")]))
    timers = Timers(store)
    assert timers.earliest() == 30 * HOUR_MS + 3
    timers.add(30 * HOUR_MS + 1, "d")
    timers.add(2 * HOUR_MS, "e")
    assert timers.earliest() == 2 * HOUR_MS
    assert [customer for _, customer in taken(timers, 31 * HOUR_MS)] == ["e", "d", "b", "a"]
    assert timers.earliest() == 99 * HOUR_MS
    assert [*taken(timers, 99 * HOUR_MS), timers.earliest()] == [(99 * HOUR_MS, "c"), NEVER]


def test_customers_of_one_ms_come_by_id() -> None:
    timers = Timers(MemoryDerived())
    for customer in ("b", "\U0001f600", "a", "\uffff", "aa"):
        timers.add(4, customer)
    assert [customer for _, customer in taken(timers, 4)] == ["a", "aa", "b", "\uffff", "\U0001f600"]
