"""Everything about one customer: what we know, what is pending, and how it came to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from engine.customer_view import CustomerView
from engine.ledgers import read_ledger
from engine.meta import ADVICE
from engine.reading import values_of
from engine.steps import StepRecord, read_steps
from engine.views.partition import PartitionView, Row
from engine.views.rows import decision_row, event_row, message_row, step_rows
from engine.world import World
from events.codec import head_of
from events.errors import CalledWrongly, DerivedDamaged
from projections.definitions import WorldDef
from projections.profile import asked_for
from triggers.decisions import OWN, Decision
from triggers.ledger import pending_matches
from triggers.reasons import Kind

READ_RECORDS = 10_000
EVENT, TRANSITION, DECISION = "event", "transition", "decision"

_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_ARRAY_OF_ONE = b"\x91"  # MessagePack's head of an array with one element

# Where an entry of the timeline stands: offset, due ms or OWN, and within one step events, transitions, decisions.
_Place = tuple[int, int, int]


def customer_profile(view: PartitionView, customer: str) -> Row:
    """What is known of a customer as of the live world: profile, traits, segments, dimensions, micro_segment, pending.

    Raises CalledWrongly for one whom the live world does not know.
    """
    world, state = view.world, known_state(view, customer)
    if world is None or state is None:
        raise CalledWrongly(not_known(customer))
    program, t_ms = world.program, world.meta.journey_ms
    if state.exit_at <= t_ms:
        program.expire(state, t_ms, [])
    seen = CustomerView(world.compiled, customer, state, t_ms, view.log.get)
    return {
        "customer": customer,
        "as_of_ms": t_ms,
        "time_zone": seen.zone(),
        "profile": seen.shown_profile(),
        "consent": {".".join(each): seen.consent(*each) for each in asked_for(state.consent)},
        "traits": seen.traits(),
        "segments": program.memberships(state),
        "dimensions": dict(zip(program.names[program.segments :], state.dims, strict=True)),
        "micro_segment": program.micro_segment(state),
        "pending": [pending_row(match) for match in pending_matches(read_ledger(state))],
    }


def known_state(view: PartitionView, customer: str) -> Any | None:
    """A customer's state as of the live world; None for one whom it does not know."""
    world = view.world
    data = None if view.store is None or world is None else view.store.get_many([customer])[0]
    state = None if world is None or data is None else world.decode(data)
    return None if state is None or state.known_since__at is None else state


def not_known(customer: str) -> str:
    """What is said of an id that no customer has."""
    return f"no customer {customer!r} is known; ids are taken as they are, capitals too"


def pending_row(match: Any) -> Row:
    """A match that awaits its decision; `ask_ms` is null where a pause holds it."""
    return {
        "trigger": match.trigger,
        "due_ms": match.due_ms,
        "ask_ms": match.ask_ms if match.ask_ms >= 0 else None,
        "held": match.held,
        "cause": match.cause,
        "matched_at_ms": match.matched_at_ms,
    }


def timeline(view: PartitionView, customer: str, advance: Callable[[int], None] = lambda _: None) -> list[Row]:
    """The customer's events, transitions and decisions in the order in which they happened; `kind` tells them apart.

    Events are those that the live world contains; `advance` hears how many records were read.
    """
    entries: list[tuple[_Place, Row]] = list(_events(view, customer, advance))
    world = view.world
    definitions = None if world is None else world.program.world
    if world is not None and view.store is not None:
        entries += _transitions(view, world, customer)
    for output in view.outputs():
        if output.position[2] == customer:
            place = (output.position[0], output.position[1], 2)
            entries += [
                (place, {"kind": DECISION, **_decision(customer, decision, definitions)})
                for decision in output.decisions
            ]
    entries.sort(key=lambda entry: entry[0])
    return [row for _, row in entries]


def _decision(customer: str, decision: Decision, world: WorldDef | None) -> Row:
    row = decision_row(customer, decision, world)
    row["ask_ms"] = decision.ask_ms if decision.ask_ms >= 0 else None
    if decision.kind == Kind.SEND:
        message = message_row(customer, decision)
        row["to"], row["subject"], row["text"] = message["to"], message["subject"], message["text"]
    return row


def _events(view: PartitionView, customer: str, advance: Callable[[int], None]) -> Iterator[tuple[_Place, Row]]:
    """A scan of the partition's log; most records are passed over by their bytes alone."""
    needle, offset = customer.encode(), 0
    while offset <= view.applied:
        values = values_of(view.log, offset, view.applied + 1, READ_RECORDS)
        for place, raw in enumerate(values, offset):
            if needle in raw:
                head = head_of(raw)
                if head.customer_id == customer and not head.is_control:
                    yield (place, OWN, 0), {"kind": EVENT, **event_row(view, place)}
        offset += len(values)
        advance(len(values))


def _transitions(view: PartitionView, world: World, customer: str) -> Iterator[tuple[_Place, Row]]:
    needle = customer.encode()
    assert view.store is not None
    for _, packed in view.store.transitions():
        if needle not in packed:
            continue
        for step in _steps_with(needle, packed):
            if step.customer == customer:
                offset, due, _ = step.position
                for row in step_rows(world.program, step):
                    yield (offset, due, 1), {"kind": TRANSITION, **row}


def _steps_with(needle: bytes, packed: bytes) -> Iterator[StepRecord]:
    """The steps of a flush that hold these bytes; the others, most of 50,000, are not decoded."""
    try:
        steps = _split(packed)
    except msgspec.MsgspecError as error:
        raise DerivedDamaged(f"transitions cannot be read: {error}", ADVICE) from None
    for step in map(bytes, steps):
        if needle in step:
            yield from read_steps(_ARRAY_OF_ONE + step)
