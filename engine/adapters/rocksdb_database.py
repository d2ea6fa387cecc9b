"""One RocksDB database with its column families, opened as owner or as follower."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from rocksdict import AccessType, Checkpoint, Options, Rdict, WriteBatch, WriteOptions

from engine.adapters.rocksdb_beside import Beside
from engine.adapters.rocksdb_errors import translated
from engine.adapters.rocksdb_journal import check_journals
from engine.adapters.rocksdb_options import Access, StoreMemory, database_options
from events.errors import OperatorError


class Database:
    """An open database: `family(name)` reads, `batch()` and `write` change it.

    `damaged` makes the error for RocksDB's text about damage. After a failed write nothing more is written: what
    memory holds and what the disk holds may differ then, and only opening it again tells.
    """

    def __init__(
        self,
        path: Path,
        families: Mapping[str, Options],
        *,
        memory: StoreMemory,
        access: Access,
        create: bool,
        damaged: Callable[[str], OperatorError],
    ) -> None:
        self.path = path
        self._damaged = damaged
        self._failed: Callable[[], OperatorError] | None = None
        self._beside: Beside | None = None
        with translated(path, damaged):
            if create:
                path.mkdir(parents=True, exist_ok=True)
            if not (path / "CURRENT").is_file() and (not create or any(path.glob("*.log")) or any(path.glob("*.sst"))):
                raise damaged("the file CURRENT is missing")
            if access is Access.OWN:
                self._hold(self._owned(families, memory, create=create), families)
                return
            self._beside = Beside(path, families, memory, damaged)
            self._hold(self._beside.open(), families)

    def _owned(self, families: Mapping[str, Options], memory: StoreMemory, *, create: bool) -> Rdict:
        fault = check_journals(self.path)
        if fault is not None:
            raise self._damaged(str(fault))
        options = database_options(memory, create=create)
        return Rdict(str(self.path), options, column_families=dict(families), access_type=AccessType.read_write())

    def _hold(self, opened: Rdict, families: Iterable[str]) -> None:
        self._db = opened
        self._families = {name: opened.get_column_family(name) for name in families}
        self._handles = {name: opened.get_column_family_handle(name) for name in self._families}

    def family(self, name: str) -> Rdict:
        """One column family, to read from; nobody may keep an iterator over it, since that would keep the lock."""
        return self._families[name]

    def put(self, batch: WriteBatch, family: str, key: bytes, value: bytes) -> None:
        """Add one entry to a batch."""
        batch.put(key, value, self._handles[family])

    def putter(self, batch: WriteBatch, family: str) -> Callable[[bytes, bytes], None]:
        """`put` for many entries of one family."""
        handle = self._handles[family]
        put = batch.put
        return lambda key, value: put(key, value, handle)

    def delete(self, batch: WriteBatch, family: str, key: bytes) -> None:
        """Add one deletion to a batch."""
        batch.delete(key, self._handles[family])

    def write(self, batch: WriteBatch, options: WriteOptions) -> None:
        """Write a batch, all or nothing."""
        self._changing(lambda: self._db.write(batch, options))

    def sync(self) -> None:
        """Return once everything written so far is on the disk (fsync of the write-ahead files)."""
        self._changing(lambda: self._db.flush_wal(True))

    def flush(self) -> None:
        """Write everything in memory to table files, which RocksDB fsyncs."""
        for family in self._families.values():
            self._changing(family.flush)

    def compact(self) -> None:
        """Merge the table files of every family."""
        for family in self._families.values():
            self._changing(partial(family.compact_range, None, None))

    def _changing(self, change: Callable[[], None]) -> None:
        if self._failed is not None:
            raise self._failed()
        try:
            with translated(self.path, self._damaged):
                change()
        except OperatorError as error:
            # Made anew each time: a kept error keeps the frames it passed, and they keep the database's lock.
            self._failed = partial(type(error), error.message, error.action)
            raise

    def catch_up(self) -> None:
        """As a follower, see what the owner has written meanwhile."""
        if self._beside is None or not self._beside.changed():
            return
        with translated(self.path, self._damaged):
            newer = self._beside.open()
        older, names = self._db, list(self._families)
        self._release()
        self._hold(newer, names)
        _close(older)

    def copy_to(self, target: Path) -> None:
        """Make a consistent copy of everything written so far; table files are hard links where that is possible."""
        with translated(target, self._damaged):
            target.parent.mkdir(parents=True, exist_ok=True)
            Checkpoint(self._db).create_checkpoint(str(target))

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return not self._families

    def close(self) -> None:
        """Release every handle and the lock; a second time does nothing.

        rocksdict writes what is in memory to table files first. Where that fails, nothing is lost that was promised:
        it is in the write-ahead file, or belongs to a bulk store, whose `flush` has said so.
        """
        if self.closed:
            return
        self._release()
        _close(self._db)
        del self._db

    def _release(self) -> None:
        self._handles.clear()
        while self._families:
            _close(self._families.popitem()[1])


def _close(opened: Rdict) -> None:
    try:
        opened.close()
    except Exception as error:
        if type(error) is not Exception:  # rocksdict raises nothing narrower
            raise


def check_end(family: Rdict, key: bytes) -> None:
    """Raise if reading stopped after `key` because of damage: RocksDB's item iterators do not say so themselves."""
    cursor = family.iter()
    cursor.seek(key)
    if cursor.valid():
        cursor.next()
    cursor.status()


def unsynced() -> WriteOptions:
    """Write options: into the write-ahead file, not yet on the disk."""
    return WriteOptions()


def synced() -> WriteOptions:
    """Write options: on the disk when the write returns."""
    options = WriteOptions()
    options.sync = True
    return options


def unlogged() -> WriteOptions:
    """Write options: in memory only until flushed."""
    options = WriteOptions()
    options.disable_wal = True  # type: ignore[method-assign,assignment]  # rocksdict's stub takes it for a method
    return options
