"""Records of steps: the transitions of a customer at an instant, as the store keeps them."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.meta import ADVICE
from events.errors import DerivedDamaged
from projections.state import encode_large, integer
from triggers.decisions import OWN, Position


class StepRecord(msgspec.Struct, array_like=True, gc=False):
    """One step's transitions as the store keeps them; entities are numbers of the generation's program."""

    offset: int
    at_ms: int
    customer: str
    cause: str
    event_type: str | None
    before: tuple[Any, ...]
    changes: list[tuple[Any, ...]]  # (entity, from, to, *after)

    @property
    def position(self) -> Position:
        """Its place in the order of all steps of its partition."""
        return (self.offset, self.at_ms if self.cause.startswith("due:") else OWN, self.customer)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StepRecord], ext_hook=integer).decode


def encode_steps(steps: list[StepRecord]) -> bytes:
    """The bytes of step records."""
    try:
        return _encode(steps)
    except OverflowError:  # a sum beyond 64 bits in the evidence
        return encode_large(steps)


def read_steps(data: bytes) -> list[StepRecord]:
    """The step records packed together; raises DerivedDamaged for bytes that are none."""
    try:
        return _decode(data)
    except msgspec.MsgspecError as error:
        raise DerivedDamaged(f"transitions cannot be read: {error}", ADVICE) from None
