"""The index finds what an event or an instant can change: with it and without it everything comes out the same, and
nothing ever changes but at events and at due instants."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from engine.hashes import decisions_hash, state_hash
from engine.outputs import kept
from events import envelope
from projections.compiler import compile_world
from projections.program import Program
from tests.evaluator.generate import generate
from tests.evaluator.model import Event, Outcome
from tests.evaluator.schema import fields_of
from tests.memory_facts import MemoryFacts
from tests.projections.lives import DAY, HOUR, START, Life, program
from tests.simulation.agreement.engine_side import BATCH, check, compiler, fill, outcome_of, run_shard

CHUNK = 10
FAR = 40 * DAY


def run(seed: int, *, plain: bool) -> tuple[Outcome, str, str]:
    """The outcome of a generated history, with the hashes of states and decisions."""
    facts = MemoryFacts()
    fill(generate(seed), [facts])
    shard = run_shard(facts, BATCH, compiler(plain=plain), None)
    assert shard.world is not None
    return (
        outcome_of([shard]),
        f"{state_hash(shard.world):064x}",
        f"{decisions_hash(kept(facts.decisions.read())):064x}",
    )


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 60, CHUNK))
def test_transitions_decisions_and_states_are_those_of_the_plain_program(first: int) -> None:
    for seed in range(1000 + first, 1000 + first + CHUNK):
        assert run(seed, plain=False) == run(seed, plain=True), seed


def test_a_few_histories_go_as_by_the_plain_program() -> None:
    for seed in range(990, 994):
        assert run(seed, plain=False) == run(seed, plain=True), seed


# ---------------------------------------------------------------- instants nobody asked for
@cache
def generated(seed: int) -> Program:
    world = check(generate(seed).rulebooks[0]).world
    return compile_world(world)


def quiet_between(life: Life, until: int, random: Random, asked: int) -> None:
    """Let time pass until an instant; ask at some before whether anything has changed unannounced."""
    while True:
        end = min(life.state.queued, until)
        if end > life.now:
            instants = [random.randint(life.now, end - 1) for _ in range(asked)] + [end - 1]
            for instant in sorted(instants):
                assert not life.seen_at(instant), (instant, life.now, end)
        life.until(end)
        if end == until:
            return


def lived_through(seed: int, asked: int) -> int:
    """Live through the histories of a case's customers; gives how many transitions there were."""
    case, random = generate(seed), Random(seed)
    compiled = generated(seed)
    lives: dict[str, Life] = {}
    for record in case.records:
        if not isinstance(record, Event) or record.broken or not fields_of(case.rulebooks[0], record.type):
            continue
        life = lives.setdefault(record.customer, Life(compiled))
        if life.now:
            quiet_between(life, record.appended_at_ms, random, asked)
        event = envelope.Event(
            id=record.id,
            type=record.type,
            customer_id=record.customer,
            occurred_at_ms=record.occurred_at_ms,
            data=dict(record.data),
        )
        life.fold(event, record.appended_at_ms)
    for life in lives.values():
        quiet_between(life, life.now + FAR, random, asked)
    return sum(len(life.moved) for life in lives.values())


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2000, 2060, CHUNK))
def test_memberships_asked_at_one_more_instant_are_the_same(first: int) -> None:
    moved = [lived_through(seed, 5) for seed in range(first, first + CHUNK)]
    assert sum(moved) > 100


def test_asking_at_instants_nobody_asked_for_changes_nothing() -> None:
    assert sum(lived_through(seed, 3) for seed in range(1990, 1994)) > 50


LEAVING = """
traits:
  orders_3d: {count: order_completed, within: 3d}
  spend_2d: {sum: order_completed.total, within: 2d}
  last_order_at: {last_at: order_completed}
  lowest: {min: order_completed.total, within: 36h}
segments:
  eager: {when: orders_3d >= 3, leaves_when: orders_3d < 2}
  sleeping: {when: days_since(last_order_at) > 2, leaves_when: hours_since(last_order_at) < 5}
  both: {when: eager or sleeping, leaves_when: "spend_2d == 0 and days_since(last_order_at) >= 4"}
  low: {when: lowest < 2, leaves_when: lowest > 3}
dimensions:
  pace: [{asleep: sleeping}, {fast: "eager and days_since(last_order_at) < 0.5"}, {slow: else}]
"""


@pytest.mark.parametrize("seed", range(20))
def test_conditions_that_keep_members_are_no_function_of_when_they_are_asked(seed: int) -> None:
    random = Random(seed)
    life, plain, now = Life(program(LEAVING)), Life(program(LEAVING, plain=True)), START
    for _ in range(25):
        now += random.choice([0, 1, HOUR, 5 * HOUR, DAY // 2, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY])
        late, total = random.choice([0, 0, HOUR, DAY, 3 * DAY]), random.randint(-1, 5)
        if life.now:
            quiet_between(life, now, random, 4)
        for each in (life, plain):
            each.order(now, total, late_by=late)
    quiet_between(life, now + 9 * DAY, random, 10)
    plain.until(now + 9 * DAY)
    assert life.moved == plain.moved
    assert len(life.moved) > 10
