"""Rows of what happened and what was decided, a mapping each, in order of time: what lists print and export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.shown import shown_value
from engine.steps import StepRecord, read_steps
from engine.views.partition import PartitionView, Row, Views
from events.codec import read_record
from events.dead_letters import DeadLetter, decode_dead_letter
from projections.definitions import WorldDef
from projections.expressions.tree import Kind
from projections.program import Program
from triggers.decisions import Decision
from triggers.occasion import IN, OUT
from triggers.reasons import Kind as Decided


def transition_rows(view: PartitionView) -> Iterator[Row]:
    """Every transition of the active rulebook: customer, name, of, from, to, at_ms, cause, evidence."""
    world = view.world
    if world is None or view.store is None:
        return
    for _, packed in view.store.transitions():
        for step in read_steps(packed):
            yield from step_rows(world.program, step)


def step_rows(program: Program, step: StepRecord) -> Iterator[Row]:
    """The transitions of one step."""
    for entity, before, after, *now in step.changes:
        segment = entity < program.segments
        evidence = program.evidence(entity, step.event_type, step.before, tuple(now))
        yield {
            "customer": step.customer,
            "name": program.names[entity],
            "of": "segment" if segment else "dimension",
            "from": (IN if before else OUT) if segment else before,
            "to": (IN if after else OUT) if segment else after,
            "at_ms": step.at_ms,
            "cause": step.cause,
            "evidence": readable(program.world, evidence),
        }


def readable(world: WorldDef | None, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence with instants and dates written out, numbers as such; a decision has its traits under `traits`."""
    found: dict[str, Any] = {}
    for name, value in evidence.items():
        if name == "traits" and isinstance(value, Mapping):
            found[name] = readable(world, value)
        else:
            found[name] = _written_out(value, None if world is None else _kind(world, name))
    return found


def _kind(world: WorldDef, name: str) -> Kind | None:
    if name in {"known_since", "last_seen_at"}:
        return Kind.TIME
    trait = world.traits.get(name)
    return world.profile.get(name.removeprefix("profile.")) if trait is None else trait.value


def _written_out(value: Any, kind: Kind | None) -> Any:
    if isinstance(value, list | tuple):
        return [_written_out(each, kind) for each in value]
    if kind in {Kind.TIME, Kind.DATE} and isinstance(value, int):
        return shown_value(value, Kind(kind))
    return Decimal(value) if kind is Kind.NUMBER and isinstance(value, str) else value


def decision_rows(view: PartitionView) -> Iterator[Row]:
    """Every decision, schedules and holds too."""
    world = None if view.rulebook is None else view.rulebook.world
    for output in view.outputs():
        for decision in output.decisions:
            yield decision_row(output.position[2], decision, world)


def decision_row(customer: str, decision: Decision, world: WorldDef | None) -> Row:
    """One decision about a customer's match; `world` knows which of its traits are times."""
    return {
        "customer": customer,
        "trigger": decision.trigger,
        "decision": decision.kind,
        "reason": decision.reason,
        "channel": decision.channel,
        "due_ms": decision.due_ms,
        "at_ms": decision.at_ms,
        "cause": decision.cause,
        "message_id": decision.message_id,
        "rulebook": decision.rulebook,
        "evidence": readable(world, decision.evidence),
    }


def message_rows(view: PartitionView) -> Iterator[Row]:
    """Every message that was sent."""
    for output in view.outputs():
        for decision in output.decisions:
            if decision.kind == Decided.SEND:
                yield message_row(output.position[2], decision)


def message_row(customer: str, decision: Decision) -> Row:
    """One message as it was rendered; a part its channel does not have is null."""
    return {
        "id": decision.message_id,
        "customer": customer,
        "trigger": decision.trigger,
        "channel": decision.channel,
        "to": decision.address,
        "subject": decision.parts.get("subject"),
        "text": decision.parts.get("txt"),
        "html": decision.parts.get("html"),
        "at_ms": decision.at_ms,
        "cause": decision.cause,
    }


def letter_rows(view: PartitionView) -> Iterator[Row]:
    """What was refused: at the doors, then at the fold."""
    for raw in view.facts.dead_letters.read():
        yield letter_row(view.partition, decode_dead_letter(raw))
    if view.store is not None:
        for _, raw in view.store.letters():
            yield letter_row(view.partition, decode_dead_letter(raw))


def letter_row(partition: int, letter: DeadLetter) -> Row:
    """One refusal; `offset` is null where it never reached the log, `raw` what could be read of the bytes as text."""
    return {
        "reason": str(letter.reason),
        "detail": letter.detail,
        "door": str(letter.door),
        "at_ms": letter.at_ms,
        "partition": partition,
        "offset": letter.offset if letter.offset >= 0 else None,
        "raw": letter.raw.decode(errors="backslashreplace"),
    }


def segment_rows(views: Views) -> list[Row]:
    """How many customers are in each segment, then have each value of each dimension, then are in each micro-segment;
    the largest first within each."""
    counts: dict[str, dict[tuple[str, str], int]] = {"segment": {}, "dimension": {}, "micro-segment": {}}
    total = 0
    for view in views.partitions:
        if view.world is None:
            continue
        program = view.world.program
        for name in program.names[: program.segments]:
            counts["segment"].setdefault((name, ""), 0)
        for _, state in view.world.all_states():
            total += 1
            _count(counts, program, state)
    return [
        {"of": of, "name": name, "value": value or None, "customers": number, "share": number / total if total else 0.0}
        for of, found in counts.items()
        for (name, value), number in sorted(found.items(), key=lambda item: _order(of, *item))
    ]


def _order(of: str, key: tuple[str, str], number: int) -> tuple[Any, ...]:
    return (key[0], -number, key[1]) if of == "dimension" else (-number, key)


def _count(counts: dict[str, dict[tuple[str, str], int]], program: Program, state: Any) -> None:
    def add(of: str, name: str, value: str) -> None:
        found = counts[of]
        found[name, value] = found.get((name, value), 0) + 1

    for name in program.memberships(state):
        add("segment", name, "")
    for name, value in zip(program.names[program.segments :], state.dims, strict=True):
        add("dimension", name, str(value))
    if state.dims:
        add("micro-segment", program.micro_segment(state), "")


def event_row(view: PartitionView, offset: int) -> Row:
    """The event at an offset, as it was published."""
    event, appended_at_ms = read_record(view.log.get(offset))
    return {
        "id": event.id,
        "type": event.type,
        "customer": event.customer_id,
        "occurred_at_ms": event.occurred_at_ms,
        "at_ms": appended_at_ms,
        "data": event.data,
        "offset": offset,
    }
