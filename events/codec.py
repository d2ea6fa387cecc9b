"""A record's bytes: the one place that writes and reads the layout of `events.envelope`.

Readers that need a few fields decode a `Head`; typed decoders of the hot path, which are generated, read the same
array. What cannot be read is refused with a reason; that a log's storage is damaged is for its adapter to say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from events.decodable import decodable
from events.envelope import CONTROL_TYPES, ENVELOPE_VERSION, RECORD_REFUSED, RULEBOOK_ACTIVATED, TICK, Event
from events.errors import InputRefused, Reason


class Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of a record, read without its data."""

    type: str
    envelope: int
    id: str
    customer_id: str
    occurred_at_ms: int
    appended_at_ms: int

    @property
    def is_control(self) -> bool:
        """Whether the engine wrote it to itself."""
        return self.type in CONTROL_TYPES


class _Row(msgspec.Struct, array_like=True, frozen=True, gc=False):
    type: str
    envelope: int
    id: str
    customer_id: str
    occurred_at_ms: int
    appended_at_ms: int
    source: str
    version: int
    data: dict[str, Any]
    sealed: bytes | None


@decodable
class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """The data of `rulebook_activated`: from `at_ms` on the rulebook with this hash is active; `rulebook` holds its
    canonical form and templates, compressed. All partitions get one with the same `id`."""

    id: str
    at_ms: int
    hash: str
    rulebook: bytes


@decodable
class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The data of `record_refused`: what others wrote at this place of a log, and why no event can be made of it."""

    reason: Reason
    detail: str
    raw: bytes


_ENCODER = msgspec.msgpack.Encoder()
_HEAD = msgspec.msgpack.Decoder(Head)
_ROW = msgspec.msgpack.Decoder(_Row)


def encode_record(event: Event, appended_at_ms: int) -> bytes:
    """The event as a log's value."""
    return _ENCODER.encode(
        (
            event.type,
            ENVELOPE_VERSION,
            event.id,
            event.customer_id,
            event.occurred_at_ms,
            appended_at_ms,
            event.source,
            event.version,
            event.data,
            event.sealed,
        )
    )


def read_record(raw: bytes) -> tuple[Event, int]:
    """(event, appended_at_ms) of a log's value; raises InputRefused for bytes that are none."""
    try:
        row = _ROW.decode(raw)
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        raise _damaged(raw, error) from None
    _check_envelope(row.envelope)
    event = Event(
        id=row.id,
        type=row.type,
        customer_id=row.customer_id,
        occurred_at_ms=row.occurred_at_ms,
        source=row.source,
        version=row.version,
        data=row.data,
        sealed=row.sealed,
    )
    return event, row.appended_at_ms


def head_of(raw: bytes) -> Head:
    """The record's first fields; raises InputRefused for bytes that are no record."""
    try:
        head = _HEAD.decode(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged(raw, error) from None
    _check_envelope(head.envelope)
    return head


def appended_at_of(raw: bytes) -> int:
    """When the record was appended, milliseconds; raises InputRefused for bytes that are no record."""
    return head_of(raw).appended_at_ms


def encode_tick(at_ms: int) -> bytes:
    """The record that moves journey time to at_ms and says nothing else."""
    event = Event(id=f"{TICK}:{at_ms}", type=TICK, customer_id="", occurred_at_ms=at_ms)
    return encode_record(event, at_ms)


def encode_activation(activation: Activation, appended_at_ms: int) -> bytes:
    """The record that makes a rulebook the active one; appended_at_ms is at least the partition's journey time."""
    event = Event(
        id=f"{RULEBOOK_ACTIVATED}:{activation.id}",
        type=RULEBOOK_ACTIVATED,
        customer_id="",
        occurred_at_ms=activation.at_ms,
        data=msgspec.structs.asdict(activation),
    )
    return encode_record(event, appended_at_ms)


def activation_of(event: Event) -> Activation:
    """The activation that a control event holds; raises InputRefused for one that is broken."""
    try:
        return msgspec.convert(event.data, Activation)
    except msgspec.ValidationError as error:
        raise InputRefused(Reason.SCHEMA, f"{RULEBOOK_ACTIVATED} {event.id!r:.60}: {error}") from None


def encode_refusal(refused: InputRefused, raw: bytes, appended_at_ms: int) -> bytes:
    """The record that stands for bytes of which no event can be made; at the fold it becomes a dead letter."""
    detail = refused.detail.encode(errors="backslashreplace").decode()  # it quotes what was found
    refusal = Refusal(reason=refused.reason, detail=detail, raw=raw)
    event = Event(
        id=RECORD_REFUSED,
        type=RECORD_REFUSED,
        customer_id="",
        occurred_at_ms=appended_at_ms,
        data=msgspec.structs.asdict(refusal),
    )
    return encode_record(event, appended_at_ms)


def refusal_of(event: Event) -> Refusal:
    """The refusal that a control event holds; raises InputRefused for one that is broken."""
    try:
        return msgspec.convert(event.data, Refusal)
    except msgspec.ValidationError as error:
        raise InputRefused(Reason.SCHEMA, f"{RECORD_REFUSED}: {error}") from None


def _check_envelope(envelope: int) -> None:
    if envelope != ENVELOPE_VERSION:
        detail = f"a record's envelope must be version {ENVELOPE_VERSION} for this release; found {envelope}"
        raise InputRefused(Reason.SCHEMA, detail)


def _damaged(raw: bytes, error: Exception) -> InputRefused:
    layout = "[type, envelope, id, customer_id, occurred_at_ms, appended_at_ms, source, version, data, sealed]"
    detail = f"a record must be the MessagePack array {layout}; found {len(raw)} bytes: {error}"
    return InputRefused(Reason.SYNTAX, detail)
