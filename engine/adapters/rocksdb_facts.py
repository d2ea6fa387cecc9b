"""One partition's facts in one RocksDB: the log, the decision stream, and the dead letters of the doors.

They share a write-ahead file, so what a crash leaves is a prefix of what was written, in the order it was written.
Keys are numbers of 8 bytes, big-endian; family `meta` holds the version of this layout under `format` and the log's
own entries under `log/<key>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from rocksdict import WriteBatch

from engine.adapters.rocksdb_damage import readable_of_unopened
from engine.adapters.rocksdb_database import Database, synced, unsynced
from engine.adapters.rocksdb_errors import named_file, translated
from engine.adapters.rocksdb_journal import garbled_journal
from engine.adapters.rocksdb_numbered import Numbered, key_of
from engine.adapters.rocksdb_options import Access, StoreMemory, sequential_options, small_options
from engine.kill_points import reach
from engine.self_closing import closed_on_failure
from events.errors import FactsDamaged, OperatorError

FORMAT_VERSION = 1
FORMAT_KEY = b"format"
_WORDS = {"log": "offset", "decisions": "batch of decisions", "dead_letters": "dead letter"}


class RocksLog:
    """A `Log` in RocksDB; one thread may append while another reads."""

    def __init__(self, database: Database, numbered: Numbered) -> None:
        self._database = database
        self._records = numbered
        self._unsynced = unsynced()
        self._appending = Lock()

    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        """Append all or none and return the first one's offset, once everything is on the disk."""
        with self._appending:
            first = self._records.end
            batch = WriteBatch(raw_mode=True)
            put = self._database.putter(batch, "log")
            for offset, value in enumerate(values, first):
                put(key_of(offset), value)
            for key, entry in (meta or {}).items():
                self._database.put(batch, "meta", _meta_key(key), entry)
            reach("before-log-append")
            self._database.write(batch, self._unsynced)
            reach("after-log-append")
            reach("before-log-fsync")
            self._database.sync()
            reach("after-log-fsync")
            self._records.end = first + len(values)
        return first

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from offset `start` on, fewer when they are large; empty at the end only."""
        return self._records.read(start, limit)

    def get(self, offset: int) -> bytes:
        """The value at one offset."""
        return self._records.get(offset)

    def end(self) -> int:
        """The offset the next record will have."""
        return self._records.end

    def meta(self, key: str) -> bytes | None:
        """What was last written under `key`, or None."""
        with translated(self._database.path, lambda text: self._records.broken(0, text)):
            value = self._database.family("meta").get(_meta_key(key))
        return None if value is None else bytes(value)


class RocksDecisions:
    """A `DecisionStream` in RocksDB."""

    def __init__(self, database: Database, numbered: Numbered) -> None:
        self._database = database
        self._batches = numbered
        self._synced = synced()

    def append(self, batch: bytes) -> None:
        """Append one batch; returns once it is on the disk."""
        write = WriteBatch(raw_mode=True)
        self._database.put(write, "decisions", key_of(self._batches.end), batch)
        reach("before-decisions")
        self._database.write(write, self._synced)
        reach("after-decisions")
        self._batches.end += 1

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every batch from the start-th on, in order."""
        return self._batches.walk(start)

    def last(self) -> bytes | None:
        """The newest batch, or None."""
        return self._batches.get(self._batches.end - 1) if self._batches.end else None

    def count(self) -> int:
        """How many batches there are."""
        return self._batches.end


class RocksDeadLetters:
    """A `DeadLetterBox` in RocksDB."""

    def __init__(self, database: Database, numbered: Numbered) -> None:
        self._database = database
        self._letters = numbered
        self._synced = synced()

    def put(self, letters: Sequence[bytes]) -> None:
        """Keep letters, all or none; returns once they are on the disk."""
        write = WriteBatch(raw_mode=True)
        put = self._database.putter(write, "dead_letters")
        for number, letter in enumerate(letters, self._letters.end):
            put(key_of(number), letter)
        self._database.write(write, self._synced)
        self._letters.end += len(letters)

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every letter from the start-th on, in order."""
        return self._letters.walk(start)


class RocksFacts:
    """One partition's facts, open; raises FactsDamaged, StorageFailed or WorkspaceBusy, here and in every call.

    A follower reads what the owner had written when it last caught up. An open one must not cross a fork.
    """

    def __init__(
        self,
        path: Path,
        partition: int,
        *,
        access: Access = Access.OWN,
        memory: StoreMemory | None = None,
        create: bool = False,
    ) -> None:
        self.path = path
        self.partition = partition
        shared = memory or StoreMemory()
        families = {
            "log": sequential_options(shared),
            "decisions": sequential_options(shared),
            "dead_letters": small_options(shared),
            "meta": small_options(shared),
        }
        self._database = Database(
            path, families, memory=shared, access=access, create=create, damaged=self._damaged_unopened
        )
        with closed_on_failure(self._database.close):
            self._numbered = {name: self._read_family(name) for name in ("log", "decisions", "dead_letters")}
            self._check_format(access)
        self.log = RocksLog(self._database, self._numbered["log"])
        self.decisions = RocksDecisions(self._database, self._numbered["decisions"])
        self.dead_letters = RocksDeadLetters(self._database, self._numbered["dead_letters"])

    def catch_up(self) -> None:
        """As a follower, see what the owner has written meanwhile."""
        self._database.catch_up()
        for numbered in self._numbered.values():
            numbered.refresh()

    def copy_to(self, target: Path) -> None:
        """Make a consistent copy of all that was acknowledged, in a new folder."""
        self._database.copy_to(target)

    def close(self) -> None:
        """Release every handle and the lock."""
        self._database.close()

    def _read_family(self, name: str) -> Numbered:
        return Numbered(self._database, name, lambda readable, text: self._damaged(name, readable, text))

    def _check_format(self, access: Access) -> None:
        with translated(self.path, self._damaged_unopened):
            found = self._database.family("meta").get(FORMAT_KEY)
        if found is None:
            if any(numbered.end for numbered in self._numbered.values()):
                raise self._damaged("log", self._numbered["log"].end, "the version of its format is missing")
            if access is Access.OWN:
                batch = WriteBatch(raw_mode=True)
                self._database.put(batch, "meta", FORMAT_KEY, b"%d" % FORMAT_VERSION)
                self._database.write(batch, synced())
        elif not (found.isdigit() and 1 <= int(found) <= FORMAT_VERSION):
            raise OperatorError(
                f"{self.path} has format {found.decode(errors='replace')}; this version of Strand reads up to "
                f"{FORMAT_VERSION}",
                "install the version of Strand that wrote it, or a later one; nothing was changed",
            )

    def _damaged_unopened(self, text: str) -> OperatorError:
        file = named_file(text) or garbled_journal(self.path)
        return self._damaged("log", readable_of_unopened(self.path, "log"), text, file)

    def _damaged(self, family: str, readable: int, text: str, file: str = "") -> OperatorError:
        file = file or named_file(text) or "not named by RocksDB"
        kind = _WORDS[family]
        last = f"the last readable {kind} is {readable - 1}" if readable else f"no {kind} is readable"
        return FactsDamaged(
            f"{self.path} is damaged: partition {self.partition}, file {file}: {last} ({text})",
            f"put a copy from `strand backup` in the place of {self.path}, or mend the disk; nothing was skipped or "
            "changed",
        )


def _meta_key(key: str) -> bytes:
    return b"log/" + key.encode()
