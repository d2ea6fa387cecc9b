"""This machine's copy of a partition that another system keeps: its log and its decisions, in one RocksDB.

Nothing is fsync'd: what a power cut takes is fetched again. Column families: `log` holds blocks of records in a row by
the first one's offset, `decisions` the batches that readers keep and `claims` the owners' claims, each by its own
offset (8 bytes, big-endian); `meta` has `format`, `binding` (what this is a copy of), `log` and `decisions` (how far
it goes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

import msgspec
from rocksdict import WriteBatch

from engine.adapters.rocksdb_database import Database, check_end, unsynced
from engine.adapters.rocksdb_errors import translated
from engine.adapters.rocksdb_numbered import key_of
from engine.adapters.rocksdb_options import Access, StoreMemory, sequential_options, small_options
from engine.self_closing import closed_on_failure
from events.errors import DerivedDamaged, FactsDamaged, OperatorError

FORMAT_VERSION = b"1"
BLOCK_RECORDS = 250
"""Records in a block: one far back costs the reading of so many."""

BLOCKS_KEPT = 64
CHUNK_ENTRIES = 256

Tail = TypeVar("Tail")
_encode = msgspec.msgpack.Encoder().encode
_decode_block = msgspec.msgpack.Decoder(list[bytes]).decode


class LogTail(msgspec.Struct, array_like=True, kw_only=True):
    """How far the copy of a log goes; `activations` are (offset, number) of those that count."""

    end: int = 0
    journey_ms: int = 0
    activations: list[tuple[int, int]] = []


class StreamTail(msgspec.Struct, array_like=True, kw_only=True):
    """How far the copy of a decision stream goes: the next offset, the newest claim, the last batch's offset."""

    end: int = 0
    claim: int = -1
    last: int = -1


_decode_log_tail = msgspec.msgpack.Decoder(LogTail).decode
_decode_stream_tail = msgspec.msgpack.Decoder(StreamTail).decode


class RocksCopy:
    """A partition's copy; raises DerivedDamaged, StorageFailed or WorkspaceBusy, here and in every call.

    One thread at a time. `log_tail` and `stream_tail` say how far it goes.
    """

    def __init__(self, path: Path, *, memory: StoreMemory | None = None) -> None:
        self.path = path
        shared = memory or StoreMemory()
        families = {
            "log": sequential_options(shared),
            "decisions": sequential_options(shared),
            "claims": small_options(shared),
            "meta": small_options(shared),
        }
        self._database = Database(path, families, memory=shared, access=Access.OWN, create=True, damaged=self._damaged)
        self._unsynced = unsynced()
        self._blocks: dict[int, list[bytes]] = {}
        with closed_on_failure(self._database.close):
            written = self._meta(b"format")
            if written not in {None, FORMAT_VERSION}:
                raise self._damaged(f"its format is {written!r}, that of this version of Strand {FORMAT_VERSION!r}")
            self.log_tail = self._tail(b"log", _decode_log_tail) or LogTail()
            self.stream_tail = self._tail(b"decisions", _decode_stream_tail) or StreamTail()

    # ------------------------------------------------------------ what it is a copy of
    def binding(self) -> bytes | None:
        """What this is a copy of, None for a new one."""
        return self._meta(b"binding")

    def bind(self, binding: bytes) -> None:
        """Say what this is a copy of."""
        batch = WriteBatch(raw_mode=True)
        self._database.put(batch, "meta", b"format", FORMAT_VERSION)
        self._database.put(batch, "meta", b"binding", binding)
        self._database.write(batch, self._unsynced)

    # ------------------------------------------------------------ the log
    def append(self, values: Sequence[bytes], *, journey_ms: int, activations: Sequence[tuple[int, int]]) -> None:
        """Add records that stand where the copy ends; `activations` are those among them that count."""
        first = self.log_tail.end
        tail = LogTail(
            end=first + len(values),
            journey_ms=journey_ms,
            activations=[*self.log_tail.activations, *activations],
        )
        batch = WriteBatch(raw_mode=True)
        put = self._database.putter(batch, "log")
        for start in range(0, len(values), BLOCK_RECORDS):
            block = list(values[start : start + BLOCK_RECORDS])
            put(key_of(first + start), _encode(block))
            self._keep(first + start, block)
        self._database.put(batch, "meta", b"log", _encode(tail))
        self._database.write(batch, self._unsynced)
        self.log_tail = tail

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from an offset on; empty at the end only."""
        found: list[bytes] = []
        while len(found) < limit and 0 <= start < self.log_tail.end:
            first, block = self._block(start)
            part = block[start - first : start - first + limit - len(found)]
            found += part
            start += len(part)
        return found

    def get(self, offset: int) -> bytes:
        """The value at one offset."""
        if not 0 <= offset < self.log_tail.end:
            raise FactsDamaged(
                f"{self.path}: offset {offset} is not in the copy, which ends before {self.log_tail.end}",
                f"remove {self.path.parent}: it is made anew from the topics",
            )
        first, block = self._block(offset)
        return block[offset - first]

    def _block(self, offset: int) -> tuple[int, list[bytes]]:
        """(first offset, records) of the block that holds a record."""
        for first in reversed(self._blocks):  # the newest are asked for most
            block = self._blocks[first]
            if first <= offset < first + len(block):
                return first, block
        cursor = self._database.family("log").iter()
        with translated(self.path, self._damaged):
            cursor.seek_for_prev(key_of(offset))
            found = (bytes(cursor.key()), bytes(cursor.value())) if cursor.valid() else None
            cursor.status()
        if found is not None:
            first = int.from_bytes(found[0], "big")
            try:
                block = _decode_block(found[1])
            except msgspec.MsgspecError as error:
                raise self._damaged(f"the block at offset {first} cannot be read: {error}") from None
            if offset < first + len(block):
                self._keep(first, block)
                return first, block
        raise self._damaged(f"offset {offset} is missing")

    def _keep(self, first: int, block: list[bytes]) -> None:
        self._blocks[first] = block
        if len(self._blocks) > BLOCKS_KEPT:
            del self._blocks[next(iter(self._blocks))]

    # ------------------------------------------------------------ the decisions
    def add(self, tail: StreamTail, batches: Sequence[tuple[int, bytes]], claims: Sequence[tuple[int, bytes]]) -> None:
        """Add what readers keep of the stream up to `tail`: batches and claims, each with its offset."""
        write = WriteBatch(raw_mode=True)
        for family, entries in (("decisions", batches), ("claims", claims)):
            put = self._database.putter(write, family)
            for offset, value in entries:
                put(key_of(offset), value)
        self._database.put(write, "meta", b"decisions", _encode(tail))
        self._database.write(write, self._unsynced)
        self.stream_tail = tail

    def batches(self, start: int) -> Iterator[bytes]:
        """The batches kept whose offset is at least `start`, in order."""
        for _, value in self._scan("decisions", start):
            yield value

    def batch(self, offset: int) -> bytes:
        """One batch that is kept."""
        with translated(self.path, self._damaged):
            value = self._database.family("decisions").get(key_of(offset))
        if value is None:
            raise self._damaged(f"the batch of decisions at offset {offset} is missing")
        return bytes(value)

    def claims(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """The claims from an offset on, in order."""
        return self._scan("claims", start)

    def _scan(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        """Entries from an offset on, in chunks, so that no iterator outlives the copy."""
        while chunk := self._chunk(name, start):
            for key, value in chunk:
                yield int.from_bytes(key, "big"), value
            start = int.from_bytes(chunk[-1][0], "big") + 1

    def _chunk(self, name: str, start: int) -> list[tuple[bytes, bytes]]:
        family = self._database.family(name)
        with translated(self.path, self._damaged):
            entries = cast("Iterator[tuple[bytes, bytes]]", family.items(from_key=key_of(start)))
            chunk = list(islice(entries, CHUNK_ENTRIES))
            if len(chunk) < CHUNK_ENTRIES:
                check_end(family, chunk[-1][0] if chunk else key_of(start))
        return chunk

    # ------------------------------------------------------------ the rest
    def copy_to(self, target: Path) -> None:
        """Make a consistent copy in a new folder; table files are hard links where that is possible."""
        self._database.copy_to(target)

    def close(self) -> None:
        """Release handles and the lock; a second time does nothing."""
        self._blocks.clear()
        self._database.close()

    def _meta(self, key: bytes) -> bytes | None:
        with translated(self.path, self._damaged):
            value = self._database.family("meta").get(key)
        return None if value is None else bytes(value)

    def _tail(self, key: bytes, decode: Callable[[bytes], Tail]) -> Tail | None:
        written = self._meta(key)
        try:
            return None if written is None else decode(written)
        except msgspec.MsgspecError as error:
            raise self._damaged(f"how far it goes cannot be read: {error}") from None

    def _damaged(self, text: str) -> OperatorError:
        return DerivedDamaged(
            f"{self.path} is damaged: {text}",
            f"remove {self.path.parent}: it holds nothing that the topics do not, and is made anew from them",
        )
