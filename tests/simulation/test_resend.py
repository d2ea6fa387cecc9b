"""A changed rulebook and a rebuild never send again what was sent, nor change what was decided."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.activations import append_activation
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import compile_rulebook
from engine.hashes import state_hash
from engine.outputs import decode_batch, kept
from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook, unpack
from engine.shard import Shard
from events.admission import admit
from events.codec import Activation, encode_record, head_of
from events.envelope import Event
from events.fold_version import FOLD_VERSION
from examples.grocery.history import TIME_ZONE, events
from examples.grocery.tables import load
from templates.catalogue import stock
from tests.memory_facts import MemoryFacts
from tests.simulation.changed_rulebook import changed
from tests.simulation.protocol.builds import OTHER_TRAITS, SCHEDULES_LATER, compiler_of, fold_version_of
from tests.tidy.tree import ROOT
from triggers.decisions import MARK

LIVE_MS = int(datetime(2017, 2, 1, tzinfo=ZoneInfo(TIME_ZONE)).timestamp() * 1000)
LATER_EVENTS = 1_000
QUIET_RECORDS = 5_000
HOUSEHOLDS = 200


@dataclass(frozen=True)
class Lived:
    """A year but for its last 1,000 events, decided; and those events."""

    facts: MemoryFacts
    generations: MemoryGenerations
    rest: tuple[Mapping[str, Any], ...]
    second: Rulebook


@cache
def rulebooks() -> tuple[Rulebook, Rulebook]:
    first = load_folder(ROOT / "examples/grocery/rulebook", stock=stock())
    return first, changed(first, traits=3, segments=5)


@cache
def lived(households: int | None) -> Lived:
    first, second = rulebooks()
    history = list(events(load(households)))
    facts = MemoryFacts()
    before = [each for each in history if at_ms(each) < LIVE_MS]
    after = history[len(before) : -LATER_EVENTS]
    append(facts, before)
    activate(facts, first, LIVE_MS)
    append(facts, after)
    generations = MemoryGenerations()
    finish(opened(facts, generations))
    return Lived(facts, generations, tuple(history[-LATER_EVENTS:]), second)


def at_ms(raw: Mapping[str, Any]) -> int:
    admitted = admit(raw, now_ms=None, declared=rulebooks()[0].declared)
    return admitted.event.occurred_at_ms if admitted.appended_at_ms is None else admitted.appended_at_ms


def append(facts: MemoryFacts, history: Sequence[Mapping[str, Any]]) -> None:
    for raw in history:
        admitted = admit(raw, now_ms=None, declared=rulebooks()[0].declared)
        facts.log.append([encode_record(admitted.event, at_ms(raw))])


def activate(facts: MemoryFacts, rulebook: Rulebook, t_ms: int) -> int:
    name = f"a{facts.log.end()}"
    return append_activation(
        facts.log, Activation(id=name, at_ms=t_ms, hash=rulebook.hash, rulebook=rulebook.packed()), t_ms
    )


def opened(facts: MemoryFacts, generations: MemoryGenerations | None = None, build: int = 0) -> Shard:
    """A shard over the facts; without generations derived/ is gone and it folds again."""
    shard = Shard(
        facts.log, facts.decisions, generations or MemoryGenerations(), unpack,
        compiler_of(build) if build else compile_rulebook, fold_version=FOLD_VERSION + build,
    )  # fmt: skip
    assert build == 0 or fold_version_of(build) == FOLD_VERSION + build
    shard.open()
    return shard


def finish(shard: Shard) -> Shard:
    while shard.process():
        pass
    shard.flush()
    return shard


def batches(facts: MemoryFacts) -> list[bytes]:
    return list(facts.decisions.read())


def hash_of(shard: Shard) -> int:
    assert shard.world is not None
    return state_hash(shard.world)


def check_cannot_resend(households: int | None, *, quiet: int) -> None:
    story = lived(households)
    facts, generations = copy.deepcopy((story.facts, story.generations))
    last_ms = head_of(facts.log.get(facts.log.end() - 1)).appended_at_ms
    for number in range(quiet):
        seen = Event(
            id=f"quiet-{number}", type="page_viewed", customer_id="stranger", occurred_at_ms=last_ms, data={"url": "/"}
        )
        facts.log.append([encode_record(seen, last_ms)])
    live = finish(opened(facts, generations))
    recorded = batches(facts)
    if quiet:
        told = [output for batch in recorded for output in decode_batch(batch) if output.decisions]
        assert told[-1].position[0] <= facts.log.end() - quiet, "the last records decided nothing"
        assert decode_batch(recorded[-1])[-1].position == (facts.log.end() - 1, MARK, "")

    activation = activate(facts, story.second, last_ms)
    finish(live)
    check_activation_only(facts, recorded, activation)
    after = batches(facts)

    never_rebuilt = copy.deepcopy(facts)
    kept_state = copy.deepcopy(generations)
    rebuilt = opened(facts)  # derived/ is gone
    assert batches(facts) == after, "a rebuild wrote decisions"
    assert hash_of(rebuilt) == hash_of(live), "a rebuild has another state"

    append(facts, story.rest)
    append(never_rebuilt, story.rest)
    finish(rebuilt)
    other = finish(opened(never_rebuilt, kept_state))
    assert batches(facts) == batches(never_rebuilt)
    assert len(batches(facts)) > len(after)
    assert hash_of(rebuilt) == hash_of(other)


def check_activation_only(facts: MemoryFacts, recorded: list[bytes], activation: int) -> None:
    """What was recorded is byte for byte the same; what came after is of the activation alone: cancels, matches by
    `include_existing`, and what was due by then."""
    now = batches(facts)
    assert now[: len(recorded)] == recorded
    own = [output for batch in now[len(recorded) :] for output in decode_batch(batch) if output.decisions]
    assert own, "the change touches someone"
    before = {
        (decision.trigger, decision.made)
        for batch in recorded
        for output in decode_batch(batch)
        for decision in output.decisions
        if decision.kind not in ("schedule", "hold")
    }
    for output in own:
        assert output.position[0] == activation
        for decision in output.decisions:
            assert (decision.trigger, decision.made) not in before, "decided again"


@pytest.mark.slow
@pytest.mark.parametrize("quiet", [0, QUIET_RECORDS])
def test_a_changed_rulebook_and_a_rebuild_send_nothing_again(quiet: int) -> None:
    check_cannot_resend(HOUSEHOLDS, quiet=quiet)


@pytest.mark.soak
def test_a_changed_rulebook_and_a_rebuild_of_the_whole_year_send_nothing_again() -> None:
    check_cannot_resend(None, quiet=0)


@pytest.mark.slow
@pytest.mark.parametrize("build", [OTHER_TRAITS, SCHEDULES_LATER])
def test_other_code_changes_nothing_that_was_decided(build: int) -> None:
    """A release that folds otherwise folds again, takes what was decided as it is, and decides from there on."""
    story = lived(HOUSEHOLDS)
    facts = copy.deepcopy(story.facts)
    recorded = batches(facts)
    shard = finish(opened(facts, build=build))
    assert batches(facts) == recorded
    append(facts, story.rest)
    finish(shard)
    now = batches(facts)
    assert now[: len(recorded)] == recorded and len(now) > len(recorded)
    ended: set[object] = set()
    for output in kept(iter(now)):
        for decision in output.decisions:
            key = decision.trigger, decision.made
            assert key not in ended, "decided again"
            if decision.kind not in ("schedule", "hold"):
                ended.add(key)
