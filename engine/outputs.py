"""The decision stream's bytes, and what a reader keeps of them.

One value a batch: a version, then its outputs in order of position, the mark last. A reader drops what is not
beyond the highest position it has kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

import msgspec

from engine.ports import DecisionStream
from events.errors import FactsDamaged
from triggers.decisions import MARK, START, Output, Position

STREAM_VERSION = 1


class Versioned(Protocol):
    """Contents that say which version of their form they are in."""

    @property
    def version(self) -> int:
        """The version that was written."""
        ...


T = TypeVar("T", bound=Versioned)


class Batch(msgspec.Struct, array_like=True):
    """What one append of the decision stream holds."""

    version: int
    outputs: list[Output]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


def encode_batch(outputs: list[Output]) -> bytes:
    """A batch's bytes."""
    return _encode(Batch(STREAM_VERSION, outputs))


def decode_batch(data: bytes, place: str = "") -> list[Output]:
    """A batch's outputs; raises FactsDamaged for bytes that are none."""
    action = "restore facts/ from a backup; nothing was skipped or changed"
    return decode_fact(_decode, data, STREAM_VERSION, f"a batch of decisions {place}".rstrip(), action).outputs


def decode_fact(  # noqa: PLR0917 -- what, and what to do, read as one sentence
    decode: Callable[[bytes], T],
    data: bytes,
    version: int,
    what: str,
    action: str,
    error_kind: type[FactsDamaged] = FactsDamaged,
) -> T:
    """What some bytes hold, if it is of this version; raises FactsDamaged for others.

    `action` is what a person does about bytes that hold no such thing, which raise an `error_kind`.
    """
    try:
        found = decode(data)
    except msgspec.MsgspecError as error:
        raise error_kind(f"{what} cannot be read: {error}", action) from None
    if found.version != version:
        action = f"use the release that wrote it; this one reads version {version}"
        raise FactsDamaged(f"{what} is of version {found.version}", action)
    return found


def mark(offset: int) -> Output:
    """What ends a batch that decided everything up to a record."""
    return Output((offset, MARK, ""), [])


def kept(batches: Iterable[bytes], after: Position = START) -> Iterator[Output]:
    """The outputs a reader keeps, marks too."""
    highest = after
    for data in batches:
        for output in decode_batch(data):
            if output.position > highest:
                highest = output.position
                yield output


def frontier(stream: DecisionStream) -> Position:
    """The last durable position."""
    last = stream.last()
    outputs = decode_batch(last) if last is not None else []
    return outputs[-1].position if outputs else START
