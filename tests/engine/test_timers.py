"""Timers come in order, each once a flush knows of it, however few of them are kept in memory."""

from __future__ import annotations

from random import Random

import pytest

from engine.adapters.memory import MemoryDerived
from engine.ports import Flush
from engine.timers import NEAR, Timer, Timers
from projections.expressions.runtime import NEVER


def flush(timers: Timers, store: MemoryDerived) -> None:
    put, gone = timers.flushed()
    store.write(Flush(timers_put=put, timers_delete=gone))


def stored(store: MemoryDerived) -> list[Timer]:
    return list(store.timers(-NEVER, NEVER))


def popped(timers: Timers, t: int) -> list[Timer]:
    """Everything due at or before t, an entry that stands in the heap twice once."""
    timers.reach(t)
    found: list[Timer] = []
    while timers.heap and timers.heap[0][0] <= t:
        timer = timers.pop()
        if timer not in found[-1:]:
            found.append(timer)
    return found


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("near", [1, 2, 5, NEAR])
def test_they_are_those_of_a_sorted_list(seed: int, near: int) -> None:
    random, store = Random(seed), MemoryDerived()
    timers, waiting, now = Timers(store, near=near), set[Timer](), 0
    for _ in range(150):
        act = random.random()
        if act < 0.6:
            timer = (now + random.choice([0, 1, 1, 2, 3, 9, 40, 400]), random.choice("abcdefgh"))
            timers.add(*timer)
            waiting.add(timer)
        elif act < 0.85:
            now += random.choice([0, 1, 2, 10, 60])
            due = sorted(timer for timer in waiting if timer[0] <= now)
            assert timers.due_by(now) == {customer for _, customer in due}
            assert popped(timers, now) == due
            waiting.difference_update(due)
        else:
            flush(timers, store)
            assert set(stored(store)) == waiting
            if random.random() < 0.5:
                timers = Timers(store, near=near)
    assert popped(timers, NEVER - 1) == sorted(waiting)


def test_a_timer_that_is_queued_again_before_the_flush_stays() -> None:
    store = MemoryDerived()
    timers = Timers(store)
    timers.add(5, "ann")
    flush(timers, store)
    assert popped(timers, 5) == [(5, "ann")]
    timers.add(5, "ann")
    timers.add(9, "ann")
    flush(timers, store)
    assert stored(store) == [(5, "ann"), (9, "ann")]


def test_a_timer_that_is_taken_out_before_the_flush_is_never_written() -> None:
    store = MemoryDerived()
    timers = Timers(store)
    timers.reach(0)
    timers.add(3, "ann")
    assert popped(timers, 4) == [(3, "ann")]
    flush(timers, store)
    assert stored(store) == []


@pytest.mark.parametrize("many", [3, 4, 5, 9])
def test_more_on_one_ms_than_are_kept_in_memory(many: int) -> None:
    store = MemoryDerived()
    everyone = [(7, f"c{number:02}") for number in range(many)]
    store.write(Flush(timers_put=[*everyone, (8, "late"), (6, "early")]))
    timers = Timers(store, near=3)
    assert popped(timers, 6) == [(6, "early")]
    assert popped(timers, 7) == everyone
    assert popped(timers, 8) == [(8, "late")]


def test_what_is_added_at_the_horizon_is_not_lost() -> None:
    """A ms that may be cut is left out of memory as a whole, and what is added to it too."""
    store = MemoryDerived()
    store.write(Flush(timers_put=[(1, "a"), (2, "b"), (2, "c"), (3, "d")]))
    timers = Timers(store, near=2)
    assert popped(timers, 1) == [(1, "a")]
    timers.add(2, "aa")
    timers.add(3, "e")
    assert popped(timers, 2) == [(2, "aa"), (2, "b"), (2, "c")]
    assert popped(timers, 3) == [(3, "d"), (3, "e")]


def test_customers_of_one_ms_come_by_id() -> None:
    timers = Timers(MemoryDerived())
    for customer in ("b", "\U0001f600", "a", "\uffff", "aa"):
        timers.add(4, customer)
    assert [customer for _, customer in popped(timers, 4)] == ["a", "aa", "b", "\uffff", "\U0001f600"]
