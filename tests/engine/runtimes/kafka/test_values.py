"""What becomes of the values that stand in the topic of events."""

from __future__ import annotations

import json

import msgspec
import pytest

from engine.runtimes.kafka.numbered import number_of, numbered
from engine.runtimes.kafka.values import Copying
from events.codec import (
    Activation,
    activation_of,
    encode_activation,
    encode_record,
    encode_tick,
    head_of,
    read_record,
    refusal_of,
)
from events.envelope import RECORD_REFUSED, TICK, Event
from events.errors import InputRefused, Reason
from events.partitioning import partition_of
from tests.engine.runtimes.kafka.topics import Fetched

AT_MS = 1_750_000_000_000
EVENT = Event(id="e1", type="order_completed", customer_id="ann", occurred_at_ms=AT_MS, data={"order_id": "o1"})
LINE = {
    "id": "e1",
    "type": "order_completed",
    "customer_id": "ann",
    "occurred_at": AT_MS,
    "data": {"order_id": "o1", "total": 3},
}


def fetched(value: bytes | None, *, offset: int = 0, at_ms: int = AT_MS, key: bytes | None = b"ann") -> Fetched:
    return Fetched(offset, at_ms, key, value)


def copied(*records: Fetched) -> Copying:
    copying = Copying(end=0, journey_ms=0, number=-1)
    copying.take(records)
    return copying


def reason_of(value: bytes) -> Reason:
    event, _ = read_record(value)
    assert event.type == RECORD_REFUSED
    return refusal_of(event).reason


@pytest.mark.parametrize("value", [encode_record(EVENT, AT_MS), json.dumps(LINE).encode()])
def test_a_customer_s_events_are_in_one_partition_whoever_publishes(value: bytes) -> None:
    """librdkafka's clients put a key elsewhere unless they are told."""
    home = partition_of("ann", 4)
    for partition in range(4):
        copying = Copying(end=0, journey_ms=0, number=-1, partition=partition, partitions=4)
        copying.take([fetched(value)])
        if partition == home:
            assert read_record(copying.values[0])[0].id == "e1"
        else:
            assert reason_of(copying.values[0]) == Reason.WRONG_KEY


def test_a_record_of_the_engine_is_taken_as_it_is() -> None:
    value = encode_record(EVENT, AT_MS)
    assert copied(fetched(value)).values == [value]


@pytest.mark.parametrize("encode", [lambda line: json.dumps(line).encode(), msgspec.msgpack.encode])
def test_an_event_of_another_publisher_becomes_a_record_at_its_timestamp(encode: object) -> None:
    assert callable(encode)
    (value,) = copied(fetched(encode(LINE), at_ms=AT_MS + 5)).values
    event, appended_at_ms = read_record(value)
    assert (event.id, event.customer_id, event.data) == ("e1", "ann", {"order_id": "o1", "total": 3})
    assert appended_at_ms == AT_MS + 5


def test_time_never_falls_and_the_timestamp_decides() -> None:
    value = encode_record(EVENT, AT_MS)
    copying = copied(
        fetched(encode_tick(AT_MS + 9), at_ms=AT_MS + 9, key=None),
        fetched(value, offset=1),
        fetched(value, offset=2, at_ms=AT_MS + 20),
        fetched(encode_tick(AT_MS), offset=3, key=None),
    )
    assert [head_of(each).appended_at_ms for each in copying.values] == [
        AT_MS + 9,
        AT_MS + 9,
        AT_MS + 20,
        AT_MS + 20,
    ]
    assert read_record(copying.values[1])[0] == EVENT


def test_offsets_that_hold_nothing_become_ticks_that_move_nothing() -> None:
    value = encode_record(EVENT, AT_MS)
    copying = copied(fetched(value, offset=2), fetched(value, offset=4))
    copying.skip_to(6)
    assert copying.end == len(copying.values) == 6
    assert [head_of(each).type for each in copying.values] == [TICK, TICK, EVENT.type, TICK, EVENT.type, TICK]
    assert [head_of(each).appended_at_ms for each in copying.values] == [0, 0, AT_MS, AT_MS, AT_MS, AT_MS]


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (b"{", b"ann", Reason.SYNTAX),
        (b"", b"ann", Reason.SYNTAX),
        (None, b"ann", Reason.SYNTAX),
        (b"\x9a\x01", b"ann", Reason.SYNTAX),
        (json.dumps({**LINE, "type": 3}).encode(), b"ann", Reason.SCHEMA),
        (json.dumps({**LINE, "type": "tick"}).encode(), b"ann", Reason.SCHEMA),
        (json.dumps({**LINE, "customer_id": ""}).encode(), b"", Reason.BAD_ID),
        (json.dumps({**LINE, "occurred_at": -5}).encode(), b"ann", Reason.RANGE),
        (json.dumps(LINE).encode(), b"bob", Reason.WRONG_KEY),
        (json.dumps(LINE).encode(), None, Reason.WRONG_KEY),
        (b"{" + b" " * 300_000, b"ann", Reason.TOO_LARGE),
        (encode_record(EVENT, AT_MS), b"bob", Reason.WRONG_KEY),
        (encode_record(msgspec.structs.replace(EVENT, id=""), AT_MS), b"ann", Reason.BAD_ID),
        (encode_record(msgspec.structs.replace(EVENT, customer_id="a\nb"), AT_MS), b"a\nb", Reason.BAD_ID),
        (encode_record(msgspec.structs.replace(EVENT, occurred_at_ms=-1), AT_MS), b"ann", Reason.RANGE),
        (encode_record(msgspec.structs.replace(EVENT, type=RECORD_REFUSED), AT_MS), b"ann", Reason.SCHEMA),
        (encode_record(msgspec.structs.replace(EVENT, data={"x": "y" * 300_000}), AT_MS), b"ann", Reason.TOO_LARGE),
    ],
)
def test_what_is_no_event_of_its_customer_is_kept_with_the_reason(
    value: bytes | None, key: bytes | None, reason: Reason
) -> None:
    copying = copied(fetched(value, key=key))
    assert reason_of(copying.values[0]) == reason
    event, appended_at_ms = read_record(copying.values[0])
    assert refusal_of(event).raw == (value or b"")
    assert appended_at_ms == copying.journey_ms == AT_MS


def activation(name: str) -> Activation:
    return Activation(id=name, at_ms=AT_MS, hash="h", rulebook=b"r")


def test_an_activation_counts_once_and_not_after_a_later_one() -> None:
    first, second = (encode_activation(numbered(activation("a"), number), AT_MS) for number in (3, 7))
    order = [first, first, second, first, second]
    copying = copied(*(fetched(value, offset=offset, key=None) for offset, value in enumerate(order)))
    assert copying.activations == [(0, 3), (2, 7)]
    assert [head_of(value).type for value in copying.values] == [
        "rulebook_activated", TICK, "rulebook_activated", TICK, TICK,
    ]  # fmt: skip


def test_an_activation_takes_effect_at_the_journey_time_that_passed_its_own() -> None:
    value = encode_activation(numbered(activation("a"), 0), AT_MS)
    copying = copied(fetched(encode_tick(AT_MS + 9), at_ms=AT_MS + 9, key=None), fetched(value, offset=1, key=None))
    event, appended_at_ms = read_record(copying.values[1])
    assert appended_at_ms == AT_MS + 9
    assert activation_of(event).at_ms == AT_MS


@pytest.mark.parametrize("name", ["a", "-a", "x-a", "1", "²-a", "9" * 30 + "-a"])
def test_an_activation_without_a_number_is_refused(name: str) -> None:
    with pytest.raises(InputRefused, match="must begin with its number"):
        number_of(activation(name))
    copying = copied(fetched(encode_activation(activation(name), AT_MS), key=None))
    assert reason_of(copying.values[0]) == Reason.SCHEMA
