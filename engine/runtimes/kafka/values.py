"""From what stands in the topic of events to the engine's records: a pure function of the partition up to there.

A value is a record as the engine writes it, or an event as JSON or MessagePack. The timestamp says when it was
appended; it is raised to the journey time before it. What is neither an event nor the engine's own becomes a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from engine.runtimes.kafka.numbered import number_of
from events.admission import MAX_EVENT_BYTES, MAX_ID_BYTES, admit, judge_record
from events.codec import (
    Head,
    activation_of,
    encode_activation,
    encode_record,
    encode_refusal,
    encode_tick,
    head_of,
    read_record,
)
from events.envelope import CONTROL_TYPES, RULEBOOK_ACTIVATED, TICK
from events.errors import InputRefused, Reason
from events.partitioning import partition_of
from events.times import END_MS, FIRST_MS

RECORD_BYTE = 0x9A
"""First byte of the engine's own records, MessagePack arrays of ten; no JSON text and no map begins with it."""


class Fetched(Protocol):
    """A record as the client gives it."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(slots=True)
class Copying:
    """Turns a partition's records in their order; `end` is the next offset, `number` the newest activation's.

    `values` has one entry for each offset since it was begun or taken. It is partition `partition` of `partitions`.
    """

    end: int
    journey_ms: int
    number: int
    partition: int = 0
    partitions: int = 1
    values: list[bytes] = field(default_factory=list)
    activations: list[tuple[int, int]] = field(default_factory=list)

    def take(self, records: Iterable[Fetched]) -> None:
        """Take records that go on where this ends; offsets that are left out hold nothing, and become ticks."""
        append = self.values.append
        for record in records:
            if record.offset != self.end:
                assert record.offset > self.end, "a record came twice"
                self.skip_to(record.offset)
            at_ms = max(record.timestamp, self.journey_ms)
            append(self._value(record.key, record.value, at_ms))
            self.journey_ms = at_ms
            self.end += 1

    def skip_to(self, offset: int) -> None:
        """Take the offsets up to this one for empty: transactions end there, or were given up."""
        self.values += [encode_tick(self.journey_ms)] * (offset - self.end)
        self.end = max(self.end, offset)

    def _value(self, key: bytes | None, value: bytes | None, at_ms: int) -> bytes:
        raw = value or b""
        try:
            if raw[:1] and raw[0] == RECORD_BYTE:
                head = head_of(raw)
                if self._fits(key, raw, head):
                    return _at(raw, head, at_ms)
                if head.type == TICK:
                    return raw if head.appended_at_ms == at_ms else encode_tick(at_ms)
                if head.type == RULEBOOK_ACTIVATED:
                    return self._activation(raw, at_ms)
                self._check_place(key, head.customer_id)
                judge_record(raw)
                return _at(raw, head, at_ms)
            event = admit(raw, now_ms=None).event
            self._check_place(key, event.customer_id)
            return encode_record(event, at_ms)
        except InputRefused as refused:
            return encode_refusal(refused, raw, at_ms)

    def _fits(self, key: bytes | None, raw: bytes, head: Head) -> bool:
        """Whether it is surely an event in the engine's own form and in its place; the judge knows the rest."""
        return (
            key is not None
            and key == _key_at_home(head.customer_id, self.partition, self.partitions)
            and len(raw) <= MAX_EVENT_BYTES
            and _plain(head.id)
            and FIRST_MS <= head.occurred_at_ms < END_MS
            and head.type not in CONTROL_TYPES
        )

    def _check_place(self, key: bytes | None, customer_id: str) -> None:
        """Raise InputRefused for another key than the customer's, or a partition that others would not look in."""
        if key != customer_id.encode(errors="replace"):
            shown = "none" if key is None else repr(key)
            detail = f"the record's key must be the event's customer_id, {customer_id!r:.60}; found {shown:.60}"
            raise InputRefused(Reason.WRONG_KEY, detail)
        home = partition_of(customer_id, self.partitions)
        if home != self.partition:
            rule = f"the record must be in partition {home}, where Kafka's Java client puts its key (murmur2)"
            raise InputRefused(Reason.WRONG_KEY, f"{rule}; found in {self.partition}")

    def _activation(self, raw: bytes, at_ms: int) -> bytes:
        activation = activation_of(read_record(raw)[0])
        number = number_of(activation)
        if number <= self.number:  # appended twice, or overtaken by a later one
            return encode_tick(at_ms)
        self.number = number
        self.activations.append((self.end, number))
        return encode_activation(activation, at_ms)


def _at(raw: bytes, head: Head, at_ms: int) -> bytes:
    """An event in the engine's own form, appended at an instant."""
    return raw if head.appended_at_ms == at_ms else encode_record(read_record(raw)[0], at_ms)


@lru_cache(maxsize=65_536)
def _key_at_home(customer_id: str, partition: int, partitions: int) -> bytes | None:
    """The key of a customer whose id is surely one, and who belongs into the partition; None for any other."""
    at_home = _plain(customer_id) and partition_of(customer_id, partitions) == partition
    return customer_id.encode() if at_home else None


def _plain(name: str) -> bool:
    """Whether an id is surely one; the judge knows the rest."""
    return name.isascii() and name.isprintable() and 0 < len(name) <= MAX_ID_BYTES
