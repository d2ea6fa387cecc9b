"""What stands in the topic of decisions: claims and batches; and the rule by which every reader keeps or drops.

A batch is kept if it is of the newest claim before it and goes beyond the highest position kept.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.outputs import decode_batch, decode_fact
from events.errors import FactsDamaged
from triggers.decisions import START, Position

CLAIM_VERSION = 1


class Claim(msgspec.Struct, array_like=True, tag="claim", frozen=True, kw_only=True):
    """From its place on the partition is this worker's; the place is its id.

    `anew`: a person had the states made anew, since the ones before were wrong; those of earlier claims are.
    """

    version: int = CLAIM_VERSION
    release: str
    fold_version: int
    worker: str
    anew: bool = False


class Owned(msgspec.Struct, array_like=True, tag="outputs", frozen=True, kw_only=True):
    """A batch of outputs and its owner's claim."""

    version: int = CLAIM_VERSION
    claim: int
    batch: bytes


class Claimed(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A claim as a reader notes it: with the highest position that was kept before it."""

    claim: Claim
    before: Position


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Claim | Owned] = msgspec.msgpack.Decoder(Claim | Owned).decode
_decode_claimed = msgspec.msgpack.Decoder(Claimed).decode


def encode(entry: Claim | Owned) -> bytes:
    """The bytes of what is appended."""
    return _encode(entry)


class ForeignEntry(FactsDamaged):
    """An entry among a partition's decisions is neither claim nor batch: somebody else wrote it."""


FOREIGN = (
    "have nobody but workers write to the topic (ACLs), and bring all topics into new ones without this entry, or "
    "restore them, for Kafka cannot remove it: 'A foreign record' in docs/operations.md; nothing was skipped, and the "
    "other partitions go on"
)


def decode(value: bytes, place: str = "") -> Claim | Owned:
    """What was appended at a place, in words; raises ForeignEntry for bytes that are neither claim nor batch."""
    what = f"a claim or batch of decisions {place}".rstrip()
    return decode_fact(_decode, value, CLAIM_VERSION, what, FOREIGN, ForeignEntry)


def encode_claimed(claimed: Claimed) -> bytes:
    """The bytes of a noted claim."""
    return _encode(claimed)


def decode_claimed(data: bytes) -> Claimed:
    """The claim that was noted."""
    return _decode_claimed(data)


class Rule:
    """A reader of one partition's stream: `claim` is the newest one's place (-1: none), `highest` the highest position
    kept. `named` is the stream's name for people."""

    def __init__(self, claim: int = -1, highest: Position = START, *, named: str = "") -> None:
        self.claim, self.highest, self._named = claim, highest, named

    def take(self, offset: int, value: bytes) -> Claimed | bytes | None:
        """What to keep of the next entry: a claim, a batch, or None for what is to be dropped."""
        place = f"at offset {offset} of {self._named}" if self._named else f"at offset {offset}"
        entry = decode(value, place)
        if isinstance(entry, Claim):
            self.claim = offset
            return Claimed(claim=entry, before=self.highest)
        if entry.claim != self.claim:
            return None
        outputs = decode_batch(entry.batch, place)
        if not outputs or outputs[-1].position <= self.highest:
            return None
        self.highest = outputs[-1].position
        return entry.batch
