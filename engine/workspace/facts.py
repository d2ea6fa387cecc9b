"""facts/: one database a partition, and the file FORMAT that says how many there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.self_closing import closed_on_failure
from engine.workspace.durable_files import refused, replace_durably
from events.errors import FactsDamaged, OperatorError

if TYPE_CHECKING:
    from engine.adapters.rocksdb_facts import RocksFacts
    from engine.adapters.rocksdb_storage import RocksStorage

FILE = "FORMAT"
VERSION = 1


class Facts:
    """Every partition's facts, open; `facts[partition].log`, `.decisions`, `.dead_letters`.

    The owner's first opening makes them, with `partitions` of them; afterwards the number is fixed. Raises
    FactsDamaged, StorageFailed, WorkspaceBusy, and OperatorError for another number or an unknown format.
    """

    def __init__(self, folder: Path, partitions: int, storage: RocksStorage) -> None:
        self.folder = folder
        written = partitions_of(folder)
        if written is not None and written != partitions:
            raise OperatorError(
                f"{folder} has {written} partitions and the settings say {partitions}; a customer's events would be "
                "looked for in the wrong one",
                f"write `partitions = {written}` into strand.toml, or import the events into a new workspace",
            )
        self._open: list[RocksFacts] = []
        with closed_on_failure(self.close):
            for partition in range(partitions):
                path = folder / f"p{partition}"
                self._open.append(storage.facts(path, partition, create=written is None))
            if written is None:
                self._finish_creation(partitions)

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[RocksFacts]:
        return iter(self._open)

    def __getitem__(self, partition: int) -> RocksFacts:
        return self._open[partition]

    def catch_up(self) -> None:
        """As a follower, see what the owner has written meanwhile, in every partition."""
        for facts in self._open:
            facts.catch_up()

    def copy_to(self, folder: Path) -> None:
        """Make a copy in a new folder of all that was acknowledged when it began; FORMAT comes last."""
        with refused(folder):
            folder.mkdir(parents=True)
        for facts in self._open:
            facts.copy_to(folder / f"p{facts.partition}")
        _write_format(folder, len(self._open))

    def close(self) -> None:
        """Release every handle and the locks."""
        while self._open:
            self._open.pop().close()

    def _finish_creation(self, partitions: int) -> None:
        if any(facts.log.end() for facts in self._open):
            raise FactsDamaged(
                f"{self.folder}/{FILE} is missing though {self.folder} holds events",
                f"put a copy of {FILE} in its place; it says how many partitions there are, as "
                f'{{"version": {VERSION}, "partitions": {partitions}}}; nothing was changed',
            )
        _write_format(self.folder, partitions)


def partitions_of(folder: Path) -> int | None:
    """How many partitions the facts in a folder have, None if there are no facts yet."""
    path = folder / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        written = json.loads(content)
        version, partitions = int(written["version"]), int(written["partitions"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FactsDamaged(
            f"{path} is damaged: {error}",
            f"put a copy from `strand backup` in the place of {path}; nothing was changed",
        ) from error
    if version > VERSION:
        raise OperatorError(
            f"{path} has format {version}; this version of Strand reads up to {VERSION}",
            "install the version of Strand that wrote it, or a later one; nothing was changed",
        )
    return partitions


def _write_format(folder: Path, partitions: int) -> None:
    content = {"version": VERSION, "partitions": partitions}
    replace_durably(folder / FILE, json.dumps(content).encode() + b"\n")
