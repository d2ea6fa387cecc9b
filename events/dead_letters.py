"""What was refused and why, with the bytes as they came, so that it can be mended and replayed."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from events.errors import InputRefused, Reason

DEAD_LETTER_VERSION = 1


class Door(StrEnum):
    """Where it was refused."""

    PUBLISH = "publish"
    IMPORT = "import"
    FOLD = "fold"


class DeadLetter(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One refusal; `partition` and `offset` are -1 where it never reached the log, `at_ms` the door's clock or the
    fold's journey time."""

    version: int = DEAD_LETTER_VERSION
    reason: Reason
    detail: str
    raw: bytes
    door: Door
    at_ms: int
    partition: int = -1
    offset: int = -1


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(DeadLetter)


def dead_letter(
    refused: InputRefused, raw: bytes, *, door: Door, at_ms: int, partition: int = -1, offset: int = -1
) -> DeadLetter:
    """The letter for a refusal."""
    return DeadLetter(
        reason=refused.reason,
        # A detail quotes what was found, and that may be half a character.
        detail=refused.detail.encode(errors="backslashreplace").decode(),
        raw=raw,
        door=door,
        at_ms=at_ms,
        partition=partition,
        offset=offset,
    )


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """The letter as it is kept."""
    return _ENCODER.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLetter:
    """The letter that was kept; raises InputRefused (syntax) for bytes that are none."""
    try:
        letter = _DECODER.decode(raw)
    except (ValueError, RecursionError) as error:
        raise InputRefused(Reason.SYNTAX, f"a dead letter of {len(raw)} bytes cannot be read: {error}") from None
    if letter.version != DEAD_LETTER_VERSION:
        detail = f"a dead letter must be version {DEAD_LETTER_VERSION} for this release; found {letter.version}"
        raise InputRefused(Reason.SCHEMA, detail)
    return letter
