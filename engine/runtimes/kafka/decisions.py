"""A partition's decision stream: its owner claims it, appends to the topic, and reads from the copy.

The broker's answer to an append says where it stands. If that is where the last one ended, nobody wrote in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from engine.kill_points import reach
from engine.outputs import decode_batch, encode_batch, frontier
from engine.runtimes.kafka.claims import Claim, Claimed, Owned, Rule, decode_claimed, encode, encode_claimed
from triggers.decisions import Output, Position

if TYPE_CHECKING:
    from engine.adapters.rocksdb_copy import RocksCopy

MOST_BYTES = 960 * 1024
"""Bytes of one append: what brokers take by default, less the envelope. One output has at most 900 KiB."""


class Topic(Protocol):
    """One partition of a topic, to a thread that waits."""

    def append(self, value: bytes) -> int:
        """Append one value, and return its offset once it is durable."""
        ...

    def read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(offset, value) of everything from `start` on, before `stop`."""
        ...

    def end(self) -> int:
        """The offset that the next value will have."""
        ...


class Superseded(Exception):
    """Another worker claimed the partition: what was computed is not kept, and no state may be written."""


class KafkaDecisions:
    """A `DecisionStream` over a topic and its copy; batches are counted by their offsets, dropped ones too.

    `named` is the partition's name for people.
    """

    def __init__(self, topic: Topic, copy: RocksCopy, *, named: str = "") -> None:
        self._topic, self._copy, self._named = topic, copy, named
        self.claim = -1

    def open(self, claim: Claim) -> int:
        """Claim the partition and read everything up to the claim; returns its place."""
        reach("before-claim")
        offset = self._topic.append(encode(claim))
        reach("after-claim")
        tail = self._copy.stream_tail
        if offset == tail.end:
            claimed = encode_claimed(Claimed(claim=claim, before=self.highest))
            self._copy.add(type(tail)(end=offset + 1, claim=offset, last=tail.last), [], [(offset, claimed)])
        else:
            self.catch_up(offset + 1)
        self.claim = offset
        return offset

    def catch_up(self, stop: int) -> None:
        """Copy what readers keep of the topic up to an offset."""
        tail = self._copy.stream_tail
        rule = Rule(tail.claim, self.highest, named=self._named)
        last = tail.last
        batches: list[tuple[int, bytes]] = []
        claims: list[tuple[int, bytes]] = []
        size = 0
        kind = type(tail)
        for offset, value in self._topic.read(tail.end, stop):
            kept = rule.take(offset, value)
            if isinstance(kept, Claimed):
                claims.append((offset, encode_claimed(kept)))
            elif kept is not None:
                batches.append((offset, kept))
                last = offset
            size += len(value)
            if size > 16 << 20:
                self._copy.add(kind(end=offset + 1, claim=rule.claim, last=last), batches, claims)
                batches, claims, size = [], [], 0
        self._copy.add(kind(end=max(stop, tail.end), claim=rule.claim, last=last), batches, claims)

    @property
    def highest(self) -> Position:
        """The highest position kept."""
        return frontier(self)

    def end_of(self, claim: int) -> Position | None:
        """The highest position kept before the claim after this one, or so far; None for a claim that is not there."""
        found = list(self._copy.claims(claim)) if claim >= 0 else []
        if not found or found[0][0] != claim:
            return None
        return decode_claimed(found[1][1]).before if len(found) > 1 else self.highest

    def made_anew_after(self, claim: int) -> bool:
        """Whether a later claim says that states were wrong before it."""
        return any(decode_claimed(value).claim.anew for _, value in self._copy.claims(claim + 1))

    # ------------------------------------------------------------ the port
    def append(self, batch: bytes) -> None:
        """Append one batch; returns once it is durable and known to be kept, else raises Superseded."""
        for part in split(batch):
            reach("before-decisions")
            offset = self._topic.append(encode(Owned(claim=self.claim, batch=part)))
            reach("after-decisions")
            tail = self._copy.stream_tail
            if offset == tail.end and tail.claim == self.claim:
                self._copy.add(type(tail)(end=offset + 1, claim=self.claim, last=offset), [(offset, part)], [])
                continue
            self.catch_up(offset + 1)
            if self._copy.stream_tail.claim != self.claim:
                raise Superseded(f"claim {self._copy.stream_tail.claim} came after ours, {self.claim}")

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every batch that is kept from an offset on, in order."""
        return self._copy.batches(start)

    def last(self) -> bytes | None:
        """The newest batch that is kept, or None."""
        tail = self._copy.stream_tail
        return self._copy.batch(tail.last) if tail.last >= 0 else None

    def count(self) -> int:
        """The offset up to which the stream is copied."""
        return self._copy.stream_tail.end


def split(batch: bytes, most: int = MOST_BYTES) -> Iterator[bytes]:
    """A batch as one or several of at most so many bytes, between outputs; one output alone may be larger."""
    if len(batch) <= most:
        yield batch
        return
    outputs: list[Output] = decode_batch(batch)
    if len(outputs) == 1:
        yield batch
        return
    half = len(outputs) // 2
    for part in (outputs[:half], outputs[half:]):
        yield from split(encode_batch(part), most)
