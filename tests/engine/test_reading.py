"""How records of a log become typed events, and the rest dead letters."""

from __future__ import annotations

import msgspec

from engine.compiled import compile_rulebook
from engine.reading import Reader
from events.codec import encode_record, encode_refusal, encode_tick
from events.dead_letters import Door, decode_dead_letter
from events.envelope import Event
from events.errors import InputRefused, Reason
from tests.simulation.journey import checked

BOOK = "traits:\n  orders: {count: order_completed}\n"


def test_what_was_refused_where_it_came_in_becomes_a_dead_letter_with_its_own_bytes() -> None:
    reader = Reader(compile_rulebook(checked(BOOK)), 3)
    order = Event(
        id="e1", type="order_completed", customer_id="ann", occurred_at_ms=5, data={"order_id": "o", "total": 1}
    )
    refused = InputRefused(Reason.WRONG_KEY, "found b'bob'")
    values = [
        encode_record(order, 10),
        encode_refusal(refused, b'{"id": 1}', 11),
        encode_tick(12),
        encode_record(msgspec.structs.replace(order, type="not_declared"), 13),
        encode_record(msgspec.structs.replace(order, data={}), 14),
    ]
    batch = reader.read(values, 100, through_activations=False)
    assert [event is None for event in batch.events] == [False, True, True, True, True]
    assert batch.clocks == [10, 11, 12, 13, 14]
    assert (batch.control, batch.unknown) == (1, ["not_declared"])
    (first, letter), (second, other) = batch.letters
    found = decode_dead_letter(letter)
    assert (first, found.reason, found.detail, found.raw) == (101, Reason.WRONG_KEY, "found b'bob'", b'{"id": 1}')
    assert (found.door, found.partition, found.offset, found.at_ms) == (Door.FOLD, 3, 101, 11)
    assert (second, decode_dead_letter(other).reason) == (104, Reason.SCHEMA)
