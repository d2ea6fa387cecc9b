"""What a worker keeps of a partition on its own disk: the copy of its log and decisions, and the derived world.

All of it is a cache. It names what it was made of; a folder of other topics is emptied.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.runtimes.embedded.generations import PartitionGenerations
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS
from engine.runtimes.kafka.partition_counts import RAISED
from engine.workspace.durable_files import refused
from engine.workspace.generations import FILE, Generations
from events.errors import DerivedDamaged, OperatorError

if TYPE_CHECKING:
    from engine.adapters.rocksdb_copy import RocksCopy
    from engine.adapters.rocksdb_derived import RocksDerived
    from engine.adapters.rocksdb_storage import RocksStorage
    from engine.runtimes.kafka.connection import Found

log = logging.getLogger(__name__)


BINDING_VERSION = 2


class Binding(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What a copy is a copy of: names alone do not tell a topic from one that was made anew.

    Version 1 did not say of how many `partitions` the log was: 0 stands for that.
    """

    version: int = BINDING_VERSION
    cluster: str
    log: str  # the topic's id
    decisions: str
    partitions: int = 0

    @property
    def topics(self) -> bytes:
        """Names the topics, as version 1 did: what a depot is named after, which other releases share."""
        return msgspec.msgpack.encode((1, self.cluster, self.log, self.decisions))


_decode = msgspec.msgpack.Decoder(Binding).decode


def binding_of(found: Found) -> Binding:
    """What a copy of these topics is bound to."""
    ids = found.ids
    return Binding(cluster=found.cluster, log=ids[INTERACTIONS], decisions=ids[DECISIONS], partitions=found.partitions)


def is_of(copy: RocksCopy, binding: Binding, place: Path) -> bool:
    """Whether a copy is one of these topics; raises OperatorError where the log had another number of partitions."""
    written = copy.binding()
    try:
        found = None if written is None else _decode(written)
    except msgspec.MsgspecError:  # another release's
        found = None
    if found is None or found.version > BINDING_VERSION or found.topics != binding.topics:
        return False
    if binding.partitions and found.partitions not in {0, binding.partitions}:
        raise OperatorError(
            f"{place} is of a log with {found.partitions} partitions, and it has {binding.partitions} now", RAISED
        )
    return True


class LocalPartition:
    """A partition's folder, open: `copy`, `generations`. One thread at a time."""

    def __init__(self, folder: Path, partition: int, binding: Binding, storage: RocksStorage) -> None:
        self.folder = folder / f"p{partition}"
        self._storage = storage
        self._stores: list[RocksDerived] = []
        self.copy = self._open_copy(binding)
        self.generations = Generations(self.folder / "derived")
        self.generations.collect()
        self.shard_generations = PartitionGenerations(self, partition)

    def _open_copy(self, binding: Binding) -> RocksCopy:
        copy = self._storage.copy(self.folder / "copy")
        try:
            if copy.binding() is not None and not is_of(copy, binding, self.folder):
                copy.close()
                with refused(self.folder):
                    shutil.rmtree(self.folder)
                copy = self._storage.copy(self.folder / "copy")
            bound = msgspec.msgpack.encode(binding)
            if copy.binding() != bound:
                copy.bind(bound)
        except BaseException:  # an interrupt too: nobody else has it, to close it
            copy.close()
            raise
        return copy

    def begin_generation(self, partition: int) -> tuple[str, RocksDerived]:
        """A new, empty generation, not live yet: its name and its store."""
        name = self.generations.begin(partition)
        return name, self.open_generation(name, bulk=True)

    def open_generation(self, name: str, *, bulk: bool = False) -> RocksDerived:
        """A generation's store, to read and write."""
        path = self.generations.path(name)
        store = self._storage.generation(path, bulk=bulk, create=not any(path.iterdir()))
        self._stores = [kept for kept in self._stores if not kept.closed]
        self._stores.append(store)
        return store

    def checkpoint(self, target: Path) -> None:
        """Make a folder like this one, as of now, that nobody changes."""
        with refused(target):
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
        self.copy.copy_to(target / "copy")
        live = self.generations.live()
        for name in live.values():
            store = next(store for store in self._stores if store.path == self.generations.path(name))
            store.copy_to(target / "derived" / name)
            with refused(target):
                shutil.copyfile(self.generations.folder / FILE, target / "derived" / FILE)

    def close(self) -> None:
        """Release every store and the locks."""
        while self._stores:
            self._stores.pop().close()
        self.copy.close()


TAKING = (".checkpoint", ".taken", ".rebuilt", ".replaced")
"""Ends of the names of folders that are being made: a worker that starts removes what another has left of them."""


def remove_unfinished(folder: Path) -> None:
    """Remove what was being made when a worker died."""
    for path in folder.iterdir():
        if path.suffix in TAKING:
            with refused(path):
                shutil.rmtree(path)


def throw_away(folder: Path, partition: int, why: DerivedDamaged) -> None:
    """Remove what this disk has of a partition: it is made anew from a checkpoint or from the topics."""
    log.error("what %s has of partition %d is damaged, and made anew: %s", folder, partition, why.message)
    with refused(folder):
        shutil.rmtree(folder / f"p{partition}")


def copied_in(folder: Path, binding: Binding, storage: RocksStorage) -> dict[int, int]:
    """Up to which offset each partition is copied in a worker's folder; raises OperatorError as `is_of`."""
    found: dict[int, int] = {}
    for path in folder.glob("p*"):
        if path.name[1:].isdigit() and (path / "copy").is_dir():
            try:
                copy = storage.copy(path / "copy")
            except DerivedDamaged as damaged:
                throw_away(folder, int(path.name[1:]), damaged)
                continue
            with closing(copy):
                if is_of(copy, binding, path):
                    found[int(path.name[1:])] = copy.log_tail.end
    return found
