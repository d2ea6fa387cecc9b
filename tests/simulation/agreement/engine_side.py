"""The engine's answer to a case: rulebooks from their text, facts and derived worlds in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

from engine.activations import Compile, append_activation
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import Compiled, compile_rulebook
from engine.ledgers import read_ledger
from engine.outputs import kept
from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook as Checked
from engine.rulebook.rulebook import unpack
from engine.shard import Shard
from engine.steps import read_steps
from engine.world import World
from events import codec, envelope
from events.partitioning import partition_of
from projections.expressions.tree import Kind
from tests.evaluator.model import Case, Decided, Event, Moved, Outcome, Rulebook, Tick
from tests.evaluator.schema import shown
from tests.evaluator.text import files
from tests.memory_facts import MemoryFacts
from triggers.decisions import Decision
from triggers.ledger import pending_matches

BATCH = 1_000
MILLION = 1_000_000
IN_OUT = {False: "out", True: "in", None: "out"}


def check(rulebook: Rulebook) -> Checked:
    """The rulebook as the engine reads it from a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files(rulebook).items():
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
        return load_folder(folder)


def fill(case: Case, facts: list[MemoryFacts]) -> None:
    """Append the case's records: events to their customers' partitions, the engine's own to all."""
    checked = [check(rulebook) for rulebook in case.rulebooks]
    for number, record in enumerate(case.records):
        if isinstance(record, Event):
            event = envelope.Event(
                id=record.id,
                type=record.type,
                customer_id=record.customer,
                occurred_at_ms=record.occurred_at_ms,
                data=dict(record.data),
            )
            log = facts[partition_of(record.customer, len(facts))].log
            log.append([codec.encode_record(event, record.appended_at_ms)])
            continue
        for each in facts:
            if isinstance(record, Tick):
                each.log.append([codec.encode_tick(record.appended_at_ms)])
                continue
            book = checked[record.rulebook]
            activation = codec.Activation(
                id=f"a{number}", at_ms=record.appended_at_ms, hash=book.hash, rulebook=book.packed()
            )
            append_activation(each.log, activation, record.appended_at_ms)


def compiler(*, plain: bool) -> Compile:
    """Compiles each rulebook once."""
    made: dict[str, Compiled] = {}

    def compile_once(rulebook: Checked) -> Compiled:
        if rulebook.hash not in made:
            made[rulebook.hash] = compile_rulebook(rulebook, plain=plain)
        return made[rulebook.hash]

    return compile_once


def run_engine(
    case: Case, partitions: int = 1, batch: int = BATCH, *, plain: bool = False, restarts: int | None = None
) -> Outcome:
    """What the engine makes of the case; with `restarts`, a seed, a shard is opened anew before each batch, half of the
    times without what it had not written."""
    facts = [MemoryFacts(partition) for partition in range(partitions)]
    fill(case, facts)
    compile_ = compiler(plain=plain)
    shards = [run_shard(each, batch, compile_, restarts) for each in facts]
    return outcome_of(shards)


def run_shard(facts: MemoryFacts, batch: int, compile_: Compile, restarts: int | None) -> Shard:
    """One partition, to its end."""
    generations = MemoryGenerations()

    def opened() -> Shard:
        shard = Shard(facts.log, facts.decisions, generations, unpack, compile_, partition=facts.partition)
        shard.open()
        return shard

    random, shard = Random(restarts), opened()
    while shard.process(batch):
        if restarts is not None:
            if random.random() < 0.5:
                shard.flush()
            shard = opened()
    shard.flush()
    return shard


def outcome_of(shards: list[Shard]) -> Outcome:
    """All shards' worlds and decision streams."""
    outcome = Outcome()
    for shard in shards:
        world = shard.world
        assert world is not None
        for customer, state in world.all_states():
            outcome.traits[customer] = traits_of(world, state)
            outcome.memberships[customer] = memberships_of(world, state)
            outcome.pending[customer] = sorted(
                (match.trigger, match.matched_at_ms, match.due_ms) for match in pending_matches(read_ledger(state))
            )
            outcome.transitions[customer] = []
            outcome.decisions[customer] = []
        for moved in transitions_of(world):
            outcome.transitions[moved.customer].append(moved)
        for output in kept(shard.stream.read()):
            for decision in output.decisions:
                outcome.decisions[output.position[2]].append(decided(output.position[2], decision))
    return outcome


def traits_of(world: World, state: Any) -> dict[str, Any]:
    """The traits at the journey time, in the evaluator's terms."""
    t_ms, program = world.meta.journey_ms, world.program
    if state.exit_at <= t_ms:
        program.expire(state, t_ms, [])
    definitions = program.world.traits
    values = program.trait_values(state, t_ms)
    return {
        name: shown(plain_value(values[name], definition.value, definition.element))
        for name, definition in definitions.items()
    }


def plain_value(value: Any, kind: Kind, element: Kind | None) -> Any:
    if value is None:
        return None
    if kind is Kind.NUMBER:
        return Fraction(*value) if isinstance(value, tuple | list) else Fraction(value, MILLION)
    if kind is Kind.DATE:
        return date(1970, 1, 1) + timedelta(days=value)
    if kind in (Kind.SET, Kind.LIST):
        items = [plain_value(item, element or Kind.TEXT, None) for item in value]
        return frozenset(items) if kind is Kind.SET else tuple(items)
    return value


def memberships_of(world: World, state: Any) -> dict[str, str]:
    program = world.program
    inside = set(program.memberships(state))
    segments = {name: "in" if name in inside else "out" for name in program.names[: program.segments]}
    return segments | {name: str(program.dimension(state, name)) for name in program.names[program.segments :]}


def transitions_of(world: World) -> Iterator[Moved]:
    program = world.program
    for _, packed in world.store.transitions():
        for step in read_steps(packed):
            for number, before, after, *_ in step.changes:
                segment = number < program.segments
                yield Moved(
                    customer=step.customer,
                    name=program.names[number],
                    before=IN_OUT[before] if segment else before,
                    after=IN_OUT[after] if segment else after,
                    at_ms=step.at_ms,
                    cause=step.cause,
                )


def decided(customer: str, decision: Decision) -> Decided:
    waits = decision.kind in ("schedule", "hold")
    return Decided(
        customer=customer,
        kind=decision.kind,
        trigger=decision.trigger,
        reason=decision.reason,
        cause=decision.cause,
        matched_at_ms=decision.matched_at_ms,
        due_ms=decision.due_ms,
        at_ms=decision.at_ms,
        ask_ms=decision.ask_ms if waits else None,
        channel=decision.channel if decision.kind == "send" else "",
    )
