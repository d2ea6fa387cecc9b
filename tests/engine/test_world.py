"""A world counts, keeps and orders what its records do."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest

from engine.adapters.memory import MemoryDerived
from engine.compiled import Compiled, compile_rulebook
from engine.hashes import state_hash
from engine.meta import Meta, read_meta
from engine.ports import Log
from engine.reading import Reader
from engine.steps import StepRecord, encode_steps, read_steps
from engine.world import Past, World
from events.errors import DerivedDamaged
from projections.expressions.runtime import NEVER
from tests.simulation.journey import (
    Journey,
    checked,
    consented,
    happened,
    ms,
    order_completed,
    rules,
    time_passes,
)
from triggers.decisions import START

SHOP = """
traits:
  orders: {count: order_completed}
  spend_2d: {sum: order_completed.total, within: 2d}
  last_order_at: {last_at: order_completed}
segments:
  buyer: {when: orders > 0}
  lapsing: {when: days_since(last_order_at) > 5}
  alive: {when: not lapsing}
  big: {when: spend_2d > 25}
dimensions:
  value: {bands: spend_2d, at: [5, 25], names: [low, medium, high]}
"""


def steps(journey: Journey) -> list[StepRecord]:
    return [step for _, packed in journey.world.store.transitions() for step in read_steps(packed)]


def told(journey: Journey) -> list[tuple[str, str, list[tuple[str, Any, Any]]]]:
    """(customer, cause, changes by name) of each step."""
    names = journey.world.program.names
    return [
        (step.customer, step.cause, [(names[number], was, now) for number, was, now, *_ in step.changes])
        for step in steps(journey)
    ]


def many_orders(journey: Journey) -> None:
    """Sixty orders of eleven customers in two weeks."""
    journey.given(rules(SHOP))
    for number in range(60):
        customer, day = f"c{number * 7 % 11}", 2 + number // 4
        journey.given(order_completed(customer, at=f"2026-01-{day:02}T{number % 4 + 10}:00+00:00", total=number % 9))


def another_world(journey: Journey, *, cache: int) -> World:
    """A new world over the journey's log, in a store of its own."""
    compiled = compile_rulebook(checked(SHOP))
    meta = Meta(rulebook="", layout=compiled.fingerprint, activation_offset=0)
    return World(compiled, MemoryDerived(), journey.facts.log, meta, cache=cache)


def test_it_counts_every_record_by_what_became_of_it(journey: Journey) -> None:
    order = order_completed("ann", at="2026-01-02T10:00+00:00", id="o1")
    broken = happened("order_completed", "ann", at="2026-01-02T11:00+00:00", order_id="x", total="much")
    unknown = happened("parcel_lost", "zoe", at="2026-01-02T12:00+00:00")
    journey.given(rules(SHOP), order, order, broken, unknown, time_passes(until="2026-01-03T00:00+00:00"))
    meta = journey.world.meta
    assert (meta.events, meta.duplicates, meta.dead_letters, meta.unknown, meta.customers) == (4, 1, 1, 1, 1)
    assert (meta.applied, meta.journey_ms) == (5, ms("2026-01-03T00:00+00:00"))
    assert meta.transitions == sum(len(step.changes) for step in steps(journey)) == 3


def test_a_first_step_comes_from_outside_and_changes_stand_in_order_of_name(journey: Journey) -> None:
    journey.given(rules(SHOP), order_completed("ann", at="2026-01-02T10:00+00:00", id="o1", total=30))
    journey.given(time_passes(until="2026-01-20T00:00+00:00"))
    due, lapsed = ms("2026-01-04T10:00+00:00"), ms("2026-01-07T10:00+00:00") + 1
    assert told(journey) == [
        (
            "ann",
            "event:o1",
            [("alive", False, True), ("big", False, True), ("buyer", False, True), ("value", None, "high")],
        ),
        ("ann", f"due:{due}", [("big", True, False), ("value", "high", "low")]),
        ("ann", f"due:{lapsed}", [("alive", True, False), ("lapsing", False, True)]),
    ]
    assert [step.at_ms for step in steps(journey)][1:] == [due, lapsed]


def test_what_is_due_comes_before_the_record_in_order_of_instant_then_of_customer(journey: Journey) -> None:
    journey.given(rules(SHOP))
    arrived = "2026-01-02T10:05+00:00"
    for customer, minute in (("c", 2), ("a", 3), ("b", 2), ("d", 1)):
        journey.given(order_completed(customer, at=f"2026-01-02T10:0{minute}+00:00", arrived=arrived, total=0))
    journey.given(order_completed("b", at="2026-01-15T00:00+00:00", id="again"))
    last = [(customer, cause) for customer, cause, _ in told(journey)][4:]
    instants = [ms(f"2026-01-07T10:0{minute}+00:00") + 1 for minute in (1, 2, 2, 3)]
    assert last == [*zip("dbca", (f"due:{each}" for each in instants), strict=True), ("b", "event:again")]


def test_a_tick_moves_the_clock_and_nothing_else(journey: Journey) -> None:
    journey.given(rules(SHOP), order_completed("ann", at="2026-01-02T10:00+00:00", total=0))
    before, moved = journey.world.program.codec.encode(journey.world.state("ann")), len(steps(journey))
    journey.given(time_passes(until="2026-01-03T10:00+00:00"))
    assert journey.world.program.codec.encode(journey.world.state("ann")) == before
    assert len(steps(journey)) == moved
    assert journey.world.meta.events == 1


def test_all_states_come_in_order_of_id_as_of_now(journey: Journey) -> None:
    names = ["b", "\U0001f600", "a", "\uffff", "aa", "\u0101"]
    journey.given(rules(SHOP), *(consented(name) for name in names[:3]))
    for name in names[1:]:  # some stored, some changed since
        for record in order_completed(name, at="2026-01-02T10:00+00:00"):
            journey.when([record])
    assert [customer for customer, _ in journey.world.all_states()] == sorted(names)
    orders = journey.world.program.trait_value["orders"]
    assert [orders(state, 0) for _, state in journey.world.all_states()] == [
        (1, 1),
        (1, 1),
        (0, 1),
        (1, 1),
        (1, 1),
        (1, 1),
    ]


@pytest.mark.parametrize("cache", [0, 1, 4, 1_000])
@pytest.mark.parametrize("every", [1, 7, 1_000])
def test_a_small_cache_makes_no_difference(journey: Journey, cache: int, every: int) -> None:
    many_orders(journey)
    world = another_world(journey, cache=cache)
    log, compiled, meta = world.log, world.compiled, world.meta
    reader = Reader(compiled, 0)
    for first in range(0, log.end(), every):
        batch = reader.read(log.read(first, every), first, through_activations=True)
        world.advance(batch, Past(START, {}), None)
        world.flush()
        assert len(world.hot) <= max(cache // 2, 0) or len(world.hot) + len(world.cold) < cache or every > 1
        queued = {(state.queued, customer) for customer, state in world.all_states() if state.queued < NEVER}
        assert set(world.store.timers(-NEVER, NEVER)) == queued
    assert state_hash(world) == state_hash(journey.world)
    assert meta.transitions == journey.world.meta.transitions


@pytest.mark.parametrize(("cache", "timer"), [(1, "2026-01-08T10:00+00:00"), (1_000, "2026-01-07T10:00:00.001+00:00")])
def test_who_leaves_memory_is_not_read_again_before_anything_is_due(journey: Journey, cache: int, timer: str) -> None:
    """The order of the 6th has the customer lapse on the 11th instead of the 7th: that timer is moved to when the order
    leaves the two days' sum, unless the customer stays in memory."""
    orders = [order_completed("ann", at=f"2026-01-0{day}T10:00+00:00", total=day) for day in (2, 6)]
    journey.given(rules(SHOP), *orders, time_passes(until="2026-01-07T12:00+00:00"))
    world = another_world(journey, cache=cache)
    log, compiled = world.log, world.compiled
    reader, end = Reader(compiled, 0), log.end()
    world.advance(reader.read(log.read(0, end - 1), 0, through_activations=True), Past(START, {}), None)
    world.flush()
    assert list(world.store.timers(-NEVER, NEVER)) == [(ms(timer), "ann")]
    world.hot.clear()
    world.cold.clear()
    world.advance(reader.read(log.read(end - 1, 1), end - 1, through_activations=True), Past(START, {}), None)
    assert len(world.hot) == (cache > 1)
    assert state_hash(world) == state_hash(journey.world)


def test_more_are_due_at_once_than_fit_into_memory(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.world.AHEAD", 3)
    journey.given(rules(SHOP))
    for number in range(60):  # each lapses, in two steps of its own, in the midst of the last record
        journey.given(order_completed(f"c{number}", at=f"2026-01-02T10:{number:02}+00:00", total=number))
    journey.given(order_completed("c7", at="2026-01-30T10:00+00:00"))
    world = another_world(journey, cache=8)
    log, compiled = world.log, world.compiled
    values = log.read(0, log.end())
    world.advance(Reader(compiled, 0).read(values[:-1], 0, through_activations=True), Past(START, {}), None)
    world.flush()
    world.advance(Reader(compiled, 0).read(values[-1:], log.end() - 1, through_activations=True), Past(START, {}), None)
    assert len(world.hot) <= 8 and len(world.packed) > 40 and world.full()
    encode = world.program.codec.encode
    ours, theirs = ({c: encode(state) for c, state in each.all_states()} for each in (world, journey.world))
    assert ours == theirs
    world.flush()
    assert state_hash(world) == state_hash(journey.world)
    queued = {(state.queued, customer) for customer, state in world.all_states() if state.queued < NEVER}
    assert set(world.store.timers(-NEVER, NEVER)) == queued


@pytest.mark.parametrize("cache", [1, 6, 1_000])
@pytest.mark.parametrize("states", [1, 3, 100])
def test_a_flush_bit_by_bit_writes_what_was_there_when_it_began(journey: Journey, cache: int, states: int) -> None:
    """At every instant the store is that of a world which was flushed at once where the last written flush began."""
    many_orders(journey)
    world = another_world(journey, cache=cache)
    log, compiled, meta = world.log, world.compiled, world.meta
    world.states_at_once = states
    reader, expected, written = Reader(compiled, 0), [stored(World(compiled, MemoryDerived(), log, copy(meta)))], 0
    for offset in range(log.end()):
        batch = reader.read(log.read(offset, 1), offset, through_activations=True)
        world.advance(batch, Past(START, {}), None)
        expected.append(stored(folded(compiled, log, offset)))
        before = world.store.meta()
        world.begin_flush()
        world.flush_some(1)
        written += world.store.meta() != before
        read = read_meta(world.store)
        assert stored(world) == expected[0 if read is None else read.applied + 1]
        for customer in list(world.cold):
            del world.cold[customer]  # none of them is needed but what the store has
    assert 10 < written <= log.end()
    assert (written < log.end()) == (states == 1 and cache > 1)  # one that holds nothing writes all at once
    assert state_hash(world) == state_hash(journey.world)
    world.flush()
    assert stored(world) == expected[-1]


def folded(compiled: Compiled, log: Log, upto: int) -> World:
    """A world flushed once, at an offset."""
    meta = Meta(rulebook="", layout=compiled.fingerprint, activation_offset=0)
    world = World(compiled, MemoryDerived(), log, meta)
    batch = Reader(compiled, 0).read(log.read(0, upto + 1), 0, through_activations=True)
    world.advance(batch, Past(START, {}), None)
    world.flush()
    return world


def stored(world: World) -> tuple[object, ...]:
    """What a world's store holds of states, timers, transitions."""
    store = world.store
    steps = [step for _, value in store.transitions() for step in read_steps(value)]
    return [(name, data) for name, data in store.customers()], list(store.timers(-NEVER, NEVER)), steps


def test_a_state_written_otherwise_is_refused(journey: Journey) -> None:
    journey.given(rules(SHOP), consented("ann"))
    compiled = compile_rulebook(checked(SHOP.replace("{count: order_completed}", "{mean_gap_days: order_completed}")))
    with pytest.raises(DerivedDamaged, match="strand rebuild"):
        World(compiled, journey.world.store, journey.facts.log, journey.world.meta)


@pytest.mark.parametrize("big", [1, 1 << 80])
def test_steps_keep_numbers_of_any_size(big: int) -> None:
    record = StepRecord(3, 5, "ann", "event:e", "order_completed", (big, None, "x"), [(0, False, True, -big)])
    [found] = read_steps(encode_steps([record]))
    assert (found.before, found.changes) == ((big, None, "x"), [(0, False, True, -big)])


def test_steps_that_cannot_be_read_advise_a_rebuild() -> None:
    with pytest.raises(DerivedDamaged, match="strand rebuild"):
        read_steps(b"\x91\x00")
