"""A record's bytes, with the msgpack package as the oracle."""

from __future__ import annotations

import random
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.codec import (
    Activation,
    Refusal,
    activation_of,
    appended_at_of,
    encode_activation,
    encode_record,
    encode_refusal,
    encode_tick,
    head_of,
    read_record,
    refusal_of,
)
from events.dead_letters import DeadLetter, Door, dead_letter, decode_dead_letter, encode_dead_letter
from events.envelope import CONTROL_TYPES, ENVELOPE_VERSION, Event
from events.errors import InputRefused, Reason

# What version 1 wrote. These bytes are never changed: logs hold their like.
VERSION_1 = bytes.fromhex(
    "9aaf6f726465725f636f6d706c6574656401a26531a3616e6ecf0000019c936e3800cf0000019c936e3bf8a473686f7001"
    "82a86f726465725f6964a22d37a5746f74616ccb4029fae147ae147bc0"
)
LETTER_1 = bytes.fromhex("9801a673796e746178a763757420706f73c4027b22a77075626c697368cf0000019c936e3800ffff")

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15) + 1, 10**15 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TIMES = st.integers(0, 253_402_300_799_999)
EVENTS = st.builds(
    Event,
    id=TEXT,
    type=TEXT,
    customer_id=TEXT,
    occurred_at_ms=TIMES,
    source=TEXT,
    version=st.integers(1, 2**31 - 1),
    data=st.dictionaries(TEXT, VALUES, max_size=5),
    sealed=st.none() | st.binary(max_size=20),
)


@given(EVENTS, TIMES)
def test_a_record_is_the_array_of_the_layout(event: Event, appended_at_ms: int) -> None:
    raw = encode_record(event, appended_at_ms)
    layout = [
        event.type,
        1,
        event.id,
        event.customer_id,
        event.occurred_at_ms,
        appended_at_ms,
        event.source,
        event.version,
        event.data,
        event.sealed,
    ]
    assert msgpack.unpackb(raw) == layout
    assert read_record(raw) == (event, appended_at_ms)
    # What another writer packs, in its own choice of widths, reads alike.
    assert read_record(msgpack.packb(layout)) == (event, appended_at_ms)
    head = head_of(raw)
    assert (head.type, head.id, head.customer_id) == (event.type, event.id, event.customer_id)
    assert appended_at_of(raw) == appended_at_ms
    assert not head.is_control or event.type in CONTROL_TYPES


def test_the_bytes_of_version_1_open() -> None:
    event = Event(
        id="e1",
        type="order_completed",
        customer_id="ann",
        occurred_at_ms=1_772_000_000_000,
        source="shop",
        data={"order_id": "-7", "total": 12.99},
    )
    assert ENVELOPE_VERSION == 1
    assert read_record(VERSION_1) == (event, 1_772_000_001_016)
    assert encode_record(event, 1_772_000_001_016) == VERSION_1


def test_control_records() -> None:
    tick, appended_at_ms = read_record(encode_tick(99))
    assert (tick.type, tick.customer_id, tick.occurred_at_ms) == ("tick", "", 99)
    assert appended_at_ms == 99
    activation = Activation(id="a1", at_ms=50, hash="abc", rulebook=b"\x00\xff" * 100)
    raw = encode_activation(activation, 60)
    assert head_of(raw).is_control
    assert appended_at_of(raw) == 60
    assert activation_of(read_record(raw)[0]) == activation
    broken = Event(id="x", type="rulebook_activated", customer_id="", occurred_at_ms=0, data={"id": 5})
    with pytest.raises(InputRefused, match="rulebook_activated 'x'"):
        activation_of(broken)


def test_a_refusal_stands_for_bytes_that_are_no_event() -> None:
    raw = encode_refusal(InputRefused(Reason.WRONG_KEY, "found '\ud800'"), b"\xff{", 70)
    event, appended_at_ms = read_record(raw)
    assert head_of(raw).is_control
    assert (appended_at_ms, event.occurred_at_ms) == (70, 70)
    assert refusal_of(event) == Refusal(reason=Reason.WRONG_KEY, detail="found '\\ud800'", raw=b"\xff{")
    broken = Event(id="x", type="record_refused", customer_id="", occurred_at_ms=0, data={"reason": "none"})
    with pytest.raises(InputRefused, match="record_refused"):
        refusal_of(broken)


def test_a_damaged_record_is_refused_and_never_misread_as_whole() -> None:
    for length in range(len(VERSION_1)):
        with pytest.raises(InputRefused, match="must be the MessagePack array") as caught:
            read_record(VERSION_1[:length])
        assert caught.value.reason is Reason.SYNTAX
    rng = random.Random(11)
    for _ in range(3000):
        damaged = bytearray(VERSION_1)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        for reader in (read_record, head_of):
            try:
                reader(bytes(damaged))
            except InputRefused as refused:
                assert refused.reason in {Reason.SYNTAX, Reason.SCHEMA}


@pytest.mark.parametrize("raw", [b"", b"\xc1", b"\x91" * 5000, b"\x80", b"{}", b"\xdd\xff\xff\xff\xff"])
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    for reader in (read_record, head_of, appended_at_of):
        with pytest.raises(InputRefused):
            reader(raw)


def test_an_envelope_of_a_later_release_is_named() -> None:
    row: list[Any] = msgpack.unpackb(VERSION_1)
    row[1] = 2
    with pytest.raises(InputRefused, match=r"version 1 for this release; found 2"):
        read_record(msgpack.packb(row))


def test_dead_letters_keep_reason_and_bytes() -> None:
    refused = InputRefused(Reason.BAD_ID, "id must be Unicode; found '\ud800'")
    letter = dead_letter(refused, b"\x00\xffraw", door=Door.FOLD, at_ms=5, partition=2, offset=9)
    assert decode_dead_letter(encode_dead_letter(letter)) == letter
    assert letter.raw == b"\x00\xffraw"
    assert letter.detail == "id must be Unicode; found '\\ud800'"
    assert (letter.partition, letter.offset) == (2, 9)


def test_the_dead_letters_of_version_1_open() -> None:
    letter = DeadLetter(reason=Reason.SYNTAX, detail="cut pos", raw=b'{"', door=Door.PUBLISH, at_ms=1_772_000_000_000)
    assert decode_dead_letter(LETTER_1) == letter
    assert encode_dead_letter(letter) == LETTER_1


@pytest.mark.parametrize("raw", [b"", b"\x90", LETTER_1[:-3], b"\x98\x09" + LETTER_1[2:], b"\x91" * 3000])
def test_a_damaged_dead_letter_is_refused(raw: bytes) -> None:
    with pytest.raises(InputRefused):
        decode_dead_letter(raw)
