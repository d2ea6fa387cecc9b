"""What a store keeps of the index of ids: with each flush the hashes of the records since the last one, by offset.

So a restart reads eight bytes a record instead of the log. A block names the modulus of its hashes; what a store of the
first version has instead, the offsets that did not count, is read too.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from engine.seen_tiers import Int64s

VERSION = b"\x02"
"""No list of offsets, which is what the first version wrote, begins with this byte."""


HASHES = np.dtype("<i8")
HASH_BYTES = HASHES.itemsize


class Block(msgspec.Struct, array_like=True, frozen=True):
    """The records from offset `first` on; those at `passed` have no id that counts (no event, a duplicate)."""

    modulus: int
    first: int
    newest_ms: int
    hashes: bytes  # as `HASHES`
    passed: list[int]

    @property
    def end(self) -> int:
        """The offset after its last record."""
        return self.first + len(self.hashes) // HASH_BYTES

    def ids(self) -> tuple[Int64s, Int64s]:
        """The hashes that count, and their offsets."""
        counts = np.ones(self.end - self.first, dtype=np.bool_)
        counts[np.array(self.passed, dtype=np.int64) - self.first] = False
        hashes = np.frombuffer(self.hashes, dtype=HASHES).astype(np.int64, copy=False)
        return hashes[counts], np.arange(self.first, self.end, dtype=np.int64)[counts]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Block).decode
_decode_offsets = msgspec.msgpack.Decoder(list[int]).decode


def packed(block: Block) -> bytes:
    """A block's bytes."""
    return VERSION + _encode(block)


def unpacked(value: bytes) -> Block | list[int]:
    """A block, or the offsets that did not count; raises msgspec.MsgspecError for bytes that are neither."""
    return _decode(value[1:]) if value.startswith(VERSION) else _decode_offsets(value)


def gaps(blocks: list[Block], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The (start, stop) that no block covers, of blocks in order."""
    for block in blocks:
        if start < block.first:
            yield start, min(block.first, stop)
        start = max(start, block.end)
    if start < stop:
        yield start, stop
