"""A column family whose keys count from 0 without gaps: log, decisions, dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from rocksdict import Rdict, ReadOptions

from engine.adapters.rocksdb_database import Database
from engine.adapters.rocksdb_errors import translated
from events.errors import OperatorError

CHUNK_VALUES = 256
MANY = 1 << 62
CHUNK_BYTES = 16 << 20
"""One read gives no more than about this, whatever its limit, so that large records cannot fill the memory."""


def key_of(number: int) -> bytes:
    """The key of the entry with this number: 8 bytes, big-endian, so that keys sort as numbers do."""
    return number.to_bytes(8, "big")


def last_number(family: Rdict) -> int:
    """The highest number, -1 if there is none."""
    cursor = family.iter()
    cursor.seek_to_last()
    if cursor.valid():
        return int.from_bytes(cursor.key(), "big")
    cursor.status()  # raises what made the cursor stop; without it a damaged block would look like an empty family
    return -1


def readable_until(family: Rdict, end: int) -> int:
    """How many entries can be read from the first one on, at most `end`; slow, for reporting damage."""
    for start in range(0, end, CHUNK_VALUES):
        stop = min(start + CHUNK_VALUES, end)
        if not _all_there(family, start, stop):
            return next(number for number in range(start, stop) if not _all_there(family, number, number + 1))
    return end


def _all_there(family: Rdict, start: int, stop: int) -> bool:
    try:
        values: list[bytes | None] = family.get([key_of(number) for number in range(start, stop)]) or []
    except Exception as error:
        if type(error) is not Exception:  # rocksdict raises nothing narrower for a damaged block
            raise
        return False
    return None not in values


class Numbered:
    """Reads one numbered column family; `damaged(number, text)` makes the error for the first unreadable entry.

    Not for two threads at once, but for one that reads while another appends.
    """

    def __init__(self, database: Database, name: str, damaged: Callable[[int, str], OperatorError]) -> None:
        self._database = database
        self._name = name
        self._path = database.path
        self._damaged = damaged
        self.end = 0
        self.refresh()

    @property
    def _family(self) -> Rdict:
        # Asked for each time: one that is kept keeps the lock where the database's close has failed on a full disk.
        return self._database.family(self._name)

    def refresh(self) -> None:
        """Look up how many entries there are."""
        with translated(self._path, lambda text: self._damaged(readable_until(self._family, MANY), text)):
            self.end = last_number(self._family) + 1

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from the start-th on; fewer at the end, or when they are large."""
        stop = min(start + limit, self.end)
        run: list[bytes] = []
        if stop <= start:
            return run
        options = ReadOptions()
        options.set_iterate_upper_bound(key_of(stop))
        with translated(self._path, lambda text: self.broken(start + len(run), text)):
            values = self._family.values(from_key=key_of(start), read_opt=options)
            size = 0
            while size < CHUNK_BYTES and len(run) < stop - start:
                part = list(islice(values, CHUNK_VALUES))
                if not part:  # the iterator stops without a word at a damaged block
                    raise self.broken(start + len(run), "")
                run += part
                size += sum(map(len, part))
        return run

    def get(self, number: int) -> bytes:
        """The value at one number."""
        if not 0 <= number < self.end:
            raise self._damaged(self.end, f"entry {number} is missing")
        with translated(self._path, lambda text: self.broken(number, text)):
            value = self._family.get(key_of(number))
        if value is None:
            raise self.broken(number, "")
        return bytes(value)

    def walk(self, start: int = 0) -> Iterator[bytes]:
        """Every value from the start-th on, to the end as it is when it gets there."""
        while run := self.read(start, CHUNK_VALUES):
            start += len(run)
            yield from run

    def broken(self, number: int, text: str) -> OperatorError:
        """The error for an entry that cannot be read."""
        return self._damaged(readable_until(self._family, min(number, self.end)), text or self._why(number))

    def _why(self, number: int) -> str:
        cursor = self._family.iter()
        try:
            cursor.seek(key_of(number))
            cursor.status()
        except Exception as error:
            if type(error) is not Exception:
                raise
            return str(error)
        return f"entry {number} is missing"
