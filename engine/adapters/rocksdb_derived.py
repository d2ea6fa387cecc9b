"""One partition's derived world in one generation, in one RocksDB; nothing in it is fsync'd.

Column families: `states` by customer id; `timers` by due instant (8 bytes, big-endian) and customer id, without values;
`seen`, `transitions`, `letters` by offset (8 bytes, big-endian); `meta` with the shard's own record under `shard` and
the version of this layout under `format`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

from rocksdict import ReadOptions, WriteBatch

from engine.adapters.rocksdb_database import Database, check_end, unlogged, unsynced
from engine.adapters.rocksdb_errors import derived_damage, translated
from engine.adapters.rocksdb_options import Access, StoreMemory, lookup_options, sequential_options, small_options
from engine.kill_points import reach
from engine.ports import Flush
from engine.self_closing import closed_on_failure
from events.errors import OperatorError

FORMAT_VERSION = b"1"
FORMAT_KEY = b"format"
SHARD_KEY = b"shard"
CHUNK_ENTRIES = 1000
CHUNK_LETTERS = 16  # each may be a megabyte
_END = (1 << 64) - 1


class RocksDerived:
    """A `DerivedStore` in RocksDB; raises DerivedDamaged, StorageFailed or WorkspaceBusy, here and in every call.

    `bulk` writes past the write-ahead file, for a generation that nobody uses before `close`, which puts everything on
    the disk. An open store must not cross a fork. What iterates sees writes made meanwhile or not, a chunk at a time.
    """

    def __init__(
        self,
        path: Path,
        *,
        access: Access = Access.OWN,
        bulk: bool = False,
        memory: StoreMemory | None = None,
        create: bool = False,
    ) -> None:
        self.path = path
        self._bulk = bulk
        shared = memory or StoreMemory()
        families = {
            "states": lookup_options(shared),
            "timers": small_options(shared),
            "seen": sequential_options(shared),
            "transitions": sequential_options(shared),
            "letters": small_options(shared),
            "meta": small_options(shared),
        }
        self._database = Database(
            path, families, memory=shared, access=access, create=create, damaged=lambda text: derived_damage(path, text)
        )
        self._options = unlogged() if bulk else unsynced()
        with closed_on_failure(self._database.close):
            self._check_format(access)

    def get_many(self, customers: Sequence[str]) -> list[bytes | None]:
        """The state records of these customers, None for a stranger, in the order asked."""
        with translated(self.path, self._damaged):
            states = self._database.family("states")
            return states.get([customer.encode() for customer in customers]) or []

    def prepare(self, flush: Flush) -> None:
        """Take a flush's states and timers into the batch that `write` will write."""
        flush.prepared = self._gathered(flush)
        flush.states, flush.timers_delete, flush.timers_put = {}, [], []

    def _gathered(self, flush: Flush) -> WriteBatch:
        """Deletions of timers first, so one that is also put stays."""
        batch = flush.prepared
        if not isinstance(batch, WriteBatch):
            batch = WriteBatch(raw_mode=True)
        put = self._database.putter(batch, "states")
        for customer, state in flush.states.items():
            put(customer.encode(), state)
        for due_ms, customer in flush.timers_delete:
            self._database.delete(batch, "timers", timer_key(due_ms, customer))
        put = self._database.putter(batch, "timers")
        for due_ms, customer in flush.timers_put:
            put(timer_key(due_ms, customer), b"")
        return batch

    def write(self, flush: Flush) -> None:
        """Write everything in one atomic batch."""
        batch = self._gathered(flush)
        for name, entries in (("seen", flush.seen), ("transitions", flush.transitions), ("letters", flush.letters)):
            put = self._database.putter(batch, name)
            for offset, value in entries:
                put(offset.to_bytes(8, "big"), value)
        if flush.meta is not None:
            self._database.put(batch, "meta", SHARD_KEY, flush.meta)
        reach("before-state")
        self._database.write(batch, self._options)
        reach("after-state")

    def meta(self) -> bytes | None:
        """The newest `Flush.meta`, or None."""
        return self._meta(SHARD_KEY)

    def customers(self) -> Iterator[tuple[str, bytes]]:
        """Every (customer id, state record), in order of the id's UTF-8 bytes."""
        for key, value in self._scan("states", b"", b""):
            yield key.decode(), value

    def timers(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, str]]:
        """Every timer with from_ms <= due_ms < to_ms, in order of (due_ms, customer id)."""
        if from_ms < to_ms:
            for key, _ in self._scan("timers", timer_key(from_ms, ""), timer_key(to_ms, "")):
                yield int.from_bytes(key[:8], "big"), key[8:].decode()

    def seen(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Packed ids whose first offset is >= start, in order."""
        return self._numbered("seen", start)

    def transitions(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Packed steps whose first offset is >= start, in order."""
        return self._numbered("transitions", start)

    def letters(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Dead letters of the fold whose offset is >= start, in order."""
        return self._numbered("letters", start, CHUNK_LETTERS)

    def catch_up(self) -> None:
        """As a follower, see what the owner has written meanwhile."""
        self._database.catch_up()

    def copy_to(self, target: Path) -> None:
        """Make a consistent copy in a new folder; table files are hard links where that is possible."""
        self._database.copy_to(target)

    def flush(self) -> None:
        """Put everything written so far on the disk."""
        self._database.flush()

    def compact(self) -> None:
        """Merge the table files now, as RocksDB does by and by while it is written to."""
        self._database.compact()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._database.closed

    def close(self) -> None:
        """Release handles and the lock; a bulk store is put on the disk first. A second time does nothing."""
        try:
            if self._bulk and not self.closed:
                self.flush()
        finally:
            self._database.close()

    def _check_format(self, access: Access) -> None:
        found = self._meta(FORMAT_KEY)
        if found is None and access is Access.OWN:
            batch = WriteBatch(raw_mode=True)
            self._database.put(batch, "meta", FORMAT_KEY, FORMAT_VERSION)
            self._database.write(batch, self._options)
        elif found not in {None, FORMAT_VERSION}:
            raise self._damaged(f"its format {found!r} is not {FORMAT_VERSION!r}, that of this version of Strand")

    def _meta(self, key: bytes) -> bytes | None:
        with translated(self.path, self._damaged):
            value: bytes | None = self._database.family("meta").get(key)
        return value

    def _numbered(self, name: str, start: int, at_once: int = CHUNK_ENTRIES) -> Iterator[tuple[int, bytes]]:
        for key, value in self._scan(name, start.to_bytes(8, "big"), b"", at_once):
            yield int.from_bytes(key, "big"), value

    def _scan(
        self, name: str, start: bytes, stop: bytes, at_once: int = CHUNK_ENTRIES
    ) -> Iterator[tuple[bytes, bytes]]:
        """Entries with start <= key < stop (b"": no end), in chunks, so that no iterator outlives the store."""
        while chunk := self._chunk(name, start, stop, at_once):
            yield from chunk
            if len(chunk) < at_once:
                return
            start = chunk[-1][0] + b"\0"

    def _chunk(self, name: str, start: bytes, stop: bytes, at_once: int) -> list[tuple[bytes, bytes]]:
        family = self._database.family(name)
        with translated(self.path, self._damaged):
            options = ReadOptions()
            if stop:
                options.set_iterate_upper_bound(stop)
            entries = cast("Iterator[tuple[bytes, bytes]]", family.items(from_key=start, read_opt=options))
            chunk = list(islice(entries, at_once))
            if len(chunk) < at_once:
                check_end(family, chunk[-1][0] if chunk else start)
        return chunk

    def _damaged(self, text: str) -> OperatorError:
        return derived_damage(self.path, text)


def timer_key(due_ms: int, customer: str) -> bytes:
    """The key of a timer, sorting by instant and then by the customer id's UTF-8 bytes."""
    return min(max(due_ms, 0), _END).to_bytes(8, "big") + customer.encode()
