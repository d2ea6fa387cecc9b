"""The state record of a customer: a struct made for the rulebook, and its codec.

Arrays without names, decoded by msgspec straight into the struct. An integer beyond 64 bits (a sum of very large
numbers) cannot stand in MessagePack, so such a record takes a second form; the first byte tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from projections.expressions.runtime import NEVER
from projections.traits.kinds import Slot

BIG_INTEGER = 1
"""MessagePack extension: a signed integer of any size, big-endian."""

PERSON: tuple[Slot, ...] = (
    Slot("mem", bytearray, bytearray),  # a bit for each segment
    Slot("dims", list[str | None], list),  # a value for each dimension
    Slot("queued", int, NEVER),  # the customer's timer: never later than what is due next
    Slot("ask_at", int, NEVER),  # when a pending match is asked next
    Slot("pending", int, 0),  # how many matches are pending; negative until a step has judged those that were folded
    Slot("strays", list[int], list),  # entities that are asked at every step (see thresholds.strays)
    Slot("exit_at", int, NEVER),  # when something leaves a window next
    Slot("zone", str | None),
    Slot("profile", dict[str, tuple[str | int | bool | None, int, int]], dict),
    Slot("past", dict[str, list[tuple[str | None, int, int]]], dict),
    Slot("consent", dict[str, tuple[bool, int, int]], dict),
    Slot("marks", list[tuple[str, str | None, int, int]], list),
    Slot("ledger", bytes, b""),  # what was decided, as the engine encodes it
)


def state_struct(slots: Iterable[Slot]) -> type[msgspec.Struct]:
    """The struct of a rulebook's states."""
    members = [
        (slot.name, slot.type, msgspec.field(default_factory=slot.default) if callable(slot.default) else slot.default)
        for slot in (*PERSON, *slots)
    ]
    return msgspec.defstruct("State", members, array_like=True, gc=False)


class StateCodec:
    """Encodes and decodes states of one struct."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder(struct).decode
        self._decode_any = msgspec.msgpack.Decoder(ext_hook=integer).decode
        self._struct = struct

    def encode(self, state: Any) -> bytes:
        """The state's bytes."""
        try:
            return self._encode(state)
        except OverflowError:
            return b"\xc1" + encode_large(msgspec.structs.astuple(state))

    def decode(self, data: bytes) -> Any:
        """The state of its bytes; raises msgspec.MsgspecError for bytes that are none."""
        if data[:1] != b"\xc1":  # a byte that starts no MessagePack value
            return self._decode(data)
        # Nothing is converted: the integers keep their size, containers take the struct's types.
        values = self._decode_any(data[1:])
        types = (f.type for f in msgspec.structs.fields(self._struct))
        try:
            return self._struct(*(_typed(value, kind) for value, kind in zip(values, types, strict=True)))
        except (TypeError, ValueError) as error:
            raise msgspec.ValidationError(f"a large state has other fields: {error}") from None


def encode_large(value: Any) -> bytes:
    """MessagePack of builtins in which integers beyond 64 bits are extensions; decode with `integer` as ext_hook."""
    return msgspec.msgpack.encode(_small(value))


def _small(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _small(msgspec.structs.astuple(value))
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        size = value.bit_length() // 8 + 1
        return msgspec.msgpack.Ext(BIG_INTEGER, value.to_bytes(size, "big", signed=True))
    if isinstance(value, list | tuple):
        return [_small(each) for each in value]
    if isinstance(value, dict):  # as pairs: an extension cannot be a key
        return [[_small(key), _small(each)] for key, each in value.items()]
    return value


def integer(code: int, data: memoryview) -> int:
    """The integer of an extension; raises ValidationError for another one."""
    if code != BIG_INTEGER:
        raise msgspec.ValidationError(f"extension {code} is none of a state's")
    return int.from_bytes(data, "big", signed=True)


def _typed(value: Any, kind: Any) -> Any:
    """What lists became in the untyped form, back as the struct's containers."""
    if kind is int or value is None:
        return value
    if kind is bytearray:
        return bytearray(value)
    origin = getattr(kind, "__origin__", None)
    if origin is list:
        return value if kind.__args__[0] is int else msgspec.convert(value, kind)
    if origin is dict:
        return {key: msgspec.convert(each, kind.__args__[1]) for key, each in value}
    return value
