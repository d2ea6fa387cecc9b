"""A shard goes on where its facts say, whatever is left of its states."""

from __future__ import annotations

import pytest

from engine.adapters.memory import MemoryDerived, MemoryLog
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import compile_rulebook
from engine.hashes import decisions_hash, state_hash
from engine.meta import read_meta
from engine.outputs import decode_batch, kept
from engine.ports import Flush
from engine.rulebook.rulebook import unpack
from engine.shard import Shard
from events.errors import DerivedDamaged, FactsDamaged
from events.fold_version import FOLD_VERSION
from tests.simulation.journey import (
    Journey,
    Schedule,
    Send,
    append,
    consented,
    happened,
    order_completed,
    rules,
    time_passes,
)
from triggers.decisions import MARK, START

SHOP = """
traits:
  orders: {count: order_completed}
  spend_9d: {sum: order_completed.total, within: 9d}
segments:
  buyer: {when: orders > 0}
  big: {when: spend_9d > 25}
triggers:
  thanks: {on: {enters: buyer}, after: 3d, message: {template: note, channels: [email]}}
  club: {on: {enters: big}, message: {template: note, channels: [email]}}
"""
CHANGED = SHOP.replace("spend_9d > 25", "spend_9d > 15")


def story() -> Journey:
    """Five customers, two rulebooks, thirty orders."""
    journey = Journey()
    for record in (record for each in (rules(SHOP), *map(consented, "abcde")) for record in each):
        append(journey.facts.log, record)
    for day in range(2, 32):
        for record in order_completed("abcde"[day % 5], at=f"2026-01-{day:02}T10:00+00:00", total=day % 7):
            append(journey.facts.log, record)
        if day == 15:
            append(journey.facts.log, rules(CHANGED, at="2026-01-15T12:00+00:00")[0])
    append(journey.facts.log, time_passes(until="2026-03-01T00:00+00:00")[0])
    return journey


def opened(journey: Journey, *, fold_version: int = FOLD_VERSION) -> Shard:
    facts = journey.facts
    shard = Shard(facts.log, facts.decisions, journey.generations, unpack, compile_rulebook, fold_version=fold_version)
    shard.open()
    return shard


def run(shard: Shard, batch: int = 1_000) -> tuple[int, int]:
    """Process all there is; gives the hashes of states and decisions."""
    while shard.process(batch):
        pass
    shard.flush()
    assert shard.world is not None
    return state_hash(shard.world), decisions_hash(kept(shard.stream.read()))


@pytest.fixture(scope="module")
def undisturbed() -> tuple[int, int]:
    """What the story comes to."""
    return run(opened(story()))


# ---------------------------------------------------------------- processing
def test_before_any_rulebook_nothing_is_processed() -> None:
    journey = Journey()
    for record in consented("ann"):
        append(journey.facts.log, record)
    shard = opened(journey)
    assert (shard.process(), shard.world, shard.waiting(), shard.position) == (0, None, 2, START)
    shard.flush()
    assert shard.refold() is None
    assert journey.generations.current() is None


def test_a_batch_ends_before_an_activation() -> None:
    journey = story()
    shard = opened(journey)
    sizes = []
    while size := shard.process(20):
        sizes.append(size)
        assert shard.position == (journey.facts.log.end() - shard.waiting() - 1, MARK, "")
    # The first rulebook; ten records of profiles and consents, ten orders; four more up to the second; the rest.
    assert sizes == [1, 20, 4, 1, 17]
    assert shard.waiting() == 0


@pytest.mark.parametrize("batch", [1, 3, 1_000])
def test_batches_of_any_size_come_to_the_same(batch: int, undisturbed: tuple[int, int]) -> None:
    assert run(opened(story()), batch) == undisturbed


def test_every_batch_ends_with_its_mark() -> None:
    journey = story()
    run(opened(journey), 5)
    for batch in journey.facts.decisions.read():
        outputs = decode_batch(batch)
        assert outputs == sorted(outputs, key=lambda output: output.position)
    newest = journey.facts.decisions.last()
    assert newest is not None
    last = decode_batch(newest)[-1]
    assert (last.position, last.decisions) == ((journey.facts.log.end() - 1, MARK, ""), [])


# ---------------------------------------------------------------- opening
@pytest.mark.parametrize("flushed", [True, False])
@pytest.mark.parametrize("batches", range(1, 9))
def test_a_shard_that_is_opened_again_goes_on(batches: int, flushed: bool, undisturbed: tuple[int, int]) -> None:
    journey = story()
    shard = opened(journey)
    for _ in range(batches):
        shard.process(6)
    if flushed:
        shard.flush()
    assert run(opened(journey), 6) == undisturbed


def test_states_of_another_fold_version_are_folded_again(undisturbed: tuple[int, int]) -> None:
    journey = story()
    run(opened(journey, fold_version=FOLD_VERSION + 1))
    old = journey.generations.current()
    shard = opened(journey)
    assert journey.generations.current() is not old
    assert run(shard) == undisturbed


@pytest.mark.parametrize("meta", [None, b"\x00", b"\xff\xff"])
def test_states_that_do_not_say_whose_they_are_are_folded_again(
    meta: bytes | None, undisturbed: tuple[int, int]
) -> None:
    journey = story()
    run(opened(journey))
    store = MemoryDerived()
    store.write(Flush(meta=meta))
    assert read_meta(store) is None
    journey.generations.swap(store)
    assert run(opened(journey)) == undisturbed


def test_states_ahead_of_the_decisions_are_folded_again(undisturbed: tuple[int, int]) -> None:
    """As if the decisions of the last batches had never reached the disk."""
    journey = story()
    run(opened(journey), 5)
    batches = list(journey.facts.decisions.read())
    journey.facts = story().facts
    for batch in batches[:4]:
        journey.facts.decisions.append(batch)
    assert run(opened(journey)) == undisturbed


def test_a_rebuild_beside_the_live_world_touches_nothing(undisturbed: tuple[int, int]) -> None:
    journey = story()
    shard = opened(journey)
    run(shard)
    live, batches = journey.generations.current(), journey.facts.decisions.count()
    world = shard.refold()
    assert world is not None
    assert state_hash(world) == undisturbed[0]
    assert journey.generations.current() is live
    assert journey.facts.decisions.count() == batches


def test_all_derived_lost_nothing_is_decided_again(undisturbed: tuple[int, int]) -> None:
    journey = story()
    run(opened(journey))
    before = list(journey.facts.decisions.read())
    journey.generations = MemoryGenerations()
    assert run(opened(journey)) == undisturbed
    assert list(journey.facts.decisions.read()) == before


# ---------------------------------------------------------------- damage
def test_a_log_that_lost_decided_records_is_not_opened() -> None:
    journey = story()
    run(opened(journey))
    shorter = MemoryLog()
    shorter.append(journey.facts.log.read(0, journey.facts.log.end() - 1))
    journey.facts.log = shorter
    with pytest.raises(FactsDamaged, match="decisions reach offset 42, the log ends before 42") as raised:
        opened(journey)
    assert "Operator action: restore facts/ from a backup" in str(raised.value)


def test_a_record_that_cannot_be_read_names_its_place_and_is_not_skipped() -> None:
    journey = Journey().given(rules(SHOP), consented("ann"))
    journey.facts.log.append([b"\x93\x00"])
    for _ in range(2):
        with pytest.raises(FactsDamaged, match="partition 0, offset 3"):
            journey.shard.process()
    assert journey.shard.waiting() == 1


def test_a_state_that_cannot_be_read_advises_a_rebuild() -> None:
    journey = Journey().given(rules(SHOP), consented("ann"))
    store = journey.generations.current()
    assert store is not None
    for damaged in (b"\x93\x00", b"", b"\xc1\x07", b"\xff"):
        store.write(Flush(states={"ann": damaged}))
        shard = opened(journey)
        for record in order_completed("ann", at="2026-01-05T10:00+00:00"):
            append(journey.facts.log, record)
        with pytest.raises(DerivedDamaged, match="strand rebuild"):
            shard.process()


# ---------------------------------------------------------------- activations
def test_a_rulebook_with_the_same_world_keeps_the_generation(journey: Journey) -> None:
    journey.given(rules(SHOP), consented("ann"))
    before = journey.generations.current()
    renamed = SHOP.replace("thanks:", "welcome:")
    journey.given(rules(renamed, at="2026-01-02T00:00+00:00"))
    assert journey.generations.current() is before
    journey.given(rules(CHANGED, at="2026-01-03T00:00+00:00"))
    assert journey.generations.current() is not before


def test_what_was_due_by_an_activation_happens_under_the_old_rulebook(journey: Journey) -> None:
    journey.given(rules(SHOP), consented("ann"))
    journey.when(order_completed("ann", at="2026-01-05T10:00+00:00")).then(Schedule("thanks"))
    without = SHOP.replace("thanks:", "welcome:")
    journey.when(rules(without, at="2026-01-08T10:00+00:00"))
    journey.then(Send("thanks", at="2026-01-08T10:00+00:00"))


def test_ids_count_again_after_a_restart(journey: Journey) -> None:
    order = order_completed("ann", at="2026-01-05T10:00+00:00", id="o1")
    journey.given(rules(SHOP), consented("ann"), order)
    journey.shard = opened(journey)
    journey.given(happened("order_completed", "ann", at="2026-01-06T10:00+00:00", id="o1", order_id="x", total=9))
    assert journey.world.meta.duplicates == 1
    assert journey.trait("orders") == (1, 1)


def test_a_fold_up_to_a_record_that_the_log_has_lost_ends(undisturbed: tuple[int, int]) -> None:
    journey = story()
    assert run(opened(journey)) == undisturbed
    end = journey.facts.log.end()
    with pytest.raises(FactsDamaged, match=f"entry {end} is missing"):
        opened(journey).fold(0, end)
