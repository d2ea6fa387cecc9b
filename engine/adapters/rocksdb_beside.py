"""Opens a database to read beside its owner, who may write to it, merge its files and delete them meanwhile.

RocksDB has a mode of its own for this, the secondary instance. It takes a table file that it cannot open for one that
the owner has deleted, and goes back without a word to what the database was before that file came: a flipped bit in a
file's index, properties or footer would make acknowledged records vanish. So a follower is opened read-only instead,
which refuses what an owner would refuse, and what an owner does meanwhile is told from damage here: where opening
fails and files have come or gone, it is tried again.

Whoever opens a database writes into its folder, read-only or not: a log, and a file of rocksdict's, which makes the
folder where it is gone. An owner that removes the folder meanwhile would find it not empty. So what is opened is a
folder of links to the files, which is needed no longer once they are open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rocksdict import AccessType, Options, Rdict

from engine.adapters.rocksdb_errors import LINKS
from engine.adapters.rocksdb_journal import check_journals, journals
from engine.adapters.rocksdb_options import StoreMemory, database_options
from events.errors import OperatorError, StorageFailed

_TRIES = 50
_GONE = -1
_READ = re.compile(r"CURRENT|IDENTITY|MANIFEST-\d+|OPTIONS-\d+|\d+\.(?:log|sst)")


@dataclass(frozen=True, slots=True)
class Footprint:
    """The journals of a database, and how many bytes each had; negative for one deleted since they were listed."""

    current: str
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, database: Path) -> Footprint:
        """As they are now."""
        sizes: dict[str, int] = {}
        current = ""
        for path in journals(database):
            try:
                sizes[path.name] = path.stat().st_size
            except FileNotFoundError:
                sizes[path.name] = _GONE
            if path.suffix != ".log":
                current = path.name
        return cls(current, sizes)

    def same_files(self, later: Footprint) -> bool:
        """Whether the owner has not made table files, or deleted any, since: it would have said so in the manifest."""
        current = self.current
        return (current, self.sizes.get(current)) == (later.current, later.sizes.get(current))

    def all_there(self, later: Footprint) -> bool:
        """Whether no write-ahead file has been deleted since, which might have been one that was yet to be read."""
        return all(later.sizes.get(name, _GONE) != _GONE for name in self.sizes if name != self.current)


class Beside:
    """Opens one database read-only, as often as it is asked to; `damaged` makes the error for damage."""

    def __init__(
        self,
        path: Path,
        families: Mapping[str, Options],
        memory: StoreMemory,
        damaged: Callable[[str], OperatorError],
    ) -> None:
        self._path, self._families, self._memory, self._damaged = path, dict(families), memory, damaged
        self._seen: Footprint | None = None

    def changed(self) -> bool:
        """Whether the owner has written anything since `open` began."""
        return self._seen != Footprint.of(self._path)

    def open(self) -> Rdict:
        """The database with everything that was written when this began. Raises what RocksDB says, or for damage."""
        for _ in range(_TRIES):
            before = Footprint.of(self._path)
            opened = self._tried(before)
            if opened is None:
                continue
            if before.all_there(Footprint.of(self._path)):
                self._seen = before
                return opened
            opened.close()
        raise StorageFailed(
            f"{self._path} changes faster than it can be opened beside its owner", "try again when there is less to do"
        )

    def _tried(self, before: Footprint) -> Rdict | None:
        """The database; None where it could not be opened for what the owner did meanwhile."""
        try:
            fault = check_journals(self._path)
            if fault is None:
                return self._opened()
        except Exception as error:
            ours = type(error) is not Exception and not isinstance(error, FileNotFoundError)
            if ours or before.same_files(Footprint.of(self._path)):
                raise
            return None
        if before.same_files(Footprint.of(self._path)):
            raise self._damaged(str(fault))
        return None

    def _opened(self) -> Rdict:
        options = database_options(self._memory, create=False)
        kind = AccessType.read_only(False)
        with TemporaryDirectory(prefix=LINKS, ignore_cleanup_errors=True) as links:
            link_files(self._path, Path(links))
            return Rdict(links, options, column_families=self._families, access_type=kind)


def link_files(database: Path, folder: Path) -> None:
    """Make links in a folder to the files that RocksDB reads when it opens a database."""
    for path in database.resolve().iterdir():
        if _READ.fullmatch(path.name):
            (folder / path.name).symlink_to(path)
