"""Opens the databases of one workspace for one process: all as owner or all as follower, out of one share of memory."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from engine.adapters.rocksdb_copy import RocksCopy
from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_options import Access, StoreMemory


class RocksStorage:
    """What an embedded workspace keeps its facts and derived worlds in; must not cross a fork once it was used."""

    def __init__(self, *, owner: bool) -> None:
        self.access = Access.OWN if owner else Access.FOLLOW

    @cached_property
    def memory(self) -> StoreMemory:
        """What all the databases may keep in memory together."""
        return StoreMemory()

    def facts(self, path: Path, partition: int, *, create: bool) -> RocksFacts:
        """One partition's facts; `create` allows new ones."""
        return RocksFacts(path, partition, access=self.access, memory=self.memory, create=create)

    def derived(self, path: Path) -> RocksDerived:
        """A partition's live derived world."""
        return RocksDerived(path, access=self.access, memory=self.memory)

    def generation(self, path: Path, *, bulk: bool, create: bool) -> RocksDerived:
        """A derived world to fill: by the workspace's owner, or by a child to which the owner gave it."""
        return RocksDerived(path, bulk=bulk, memory=self.memory, create=create)

    def copy(self, path: Path) -> RocksCopy:
        """This machine's copy of a partition that another system keeps; made if it is not there."""
        return RocksCopy(path, memory=self.memory)
