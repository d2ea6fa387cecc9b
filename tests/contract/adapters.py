"""Every adapter of the storage ports, opened alike: what the contract suites run against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.adapters.memory import MemoryDerived
from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.ports import DeadLetterBox, DecisionStream, DerivedStore, Log
from tests.memory_facts import MemoryFacts


class PartitionFacts(Protocol):
    """One partition's facts, whatever keeps them."""

    @property
    def log(self) -> Log: ...
    @property
    def decisions(self) -> DecisionStream: ...
    @property
    def dead_letters(self) -> DeadLetterBox: ...


@dataclass
class FactsAdapter:
    """How to open one adapter's facts again and again."""

    opened: Callable[[], PartitionFacts]
    closed: Callable[[], None]

    def open(self) -> PartitionFacts:
        """The facts, opened."""
        return self.opened()

    def reopen(self) -> PartitionFacts:
        """The facts as another process finds them after this one has ended."""
        self.closed()
        return self.opened()


@dataclass
class DerivedAdapter:
    """How to open one adapter's derived store again and again."""

    opened: Callable[[], DerivedStore]
    closed: Callable[[], None]

    def open(self) -> DerivedStore:
        """The store, opened."""
        return self.opened()

    def reopen(self) -> DerivedStore:
        """The store as another process finds it after this one has ended."""
        self.closed()
        return self.opened()


@contextmanager
def facts_adapter(name: str, folder: Path) -> Iterator[FactsAdapter]:
    """The facts adapter called `name`, empty, in a folder of its own."""
    if name == "memory":
        kept = MemoryFacts()
        yield FactsAdapter(lambda: kept, lambda: None)
        return
    opened: list[RocksFacts] = []

    def open_() -> RocksFacts:
        opened.append(RocksFacts(folder / "p0", 0, create=not (folder / "p0").exists()))
        return opened[-1]

    def close() -> None:
        while opened:
            opened.pop().close()

    yield FactsAdapter(open_, close)
    close()


@contextmanager
def derived_adapter(name: str, folder: Path) -> Iterator[DerivedAdapter]:
    """The derived adapter called `name`, empty, in a folder of its own."""
    if name == "memory":
        kept = MemoryDerived()
        yield DerivedAdapter(lambda: kept, lambda: None)
        return
    opened: list[RocksDerived] = []

    def open_() -> RocksDerived:
        path = folder / "p0.1"
        opened.append(RocksDerived(path, bulk=name == "rocksdb bulk", create=not path.exists()))
        return opened[-1]

    def close() -> None:
        while opened:
            opened.pop().close()

    yield DerivedAdapter(open_, close)
    close()
