"""A partition's generations as its shard asks for them, over the workspace's one list of live generations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from engine.adapters.rocksdb_derived import RocksDerived
from engine.ports import DerivedStore, Flush
from engine.workspace.generations import Generations


class DerivedFolder(Protocol):
    """Who keeps generations on the disk: an owned workspace, or a worker's folder of one partition."""

    @property
    def generations(self) -> Generations:
        """The list of live generations."""
        ...

    def begin_generation(self, partition: int) -> tuple[str, RocksDerived]:
        """A new, empty generation, not live yet: its name and its store."""
        ...

    def open_generation(self, name: str, *, bulk: bool = False) -> RocksDerived:
        """A generation's store, to read and write."""
        ...


class GenerationStore:
    """A derived store that stays the same object while its generation is swapped in: that closes and opens it again.

    `discard` is called at the close of one that never became live.
    """

    def __init__(self, store: RocksDerived, name: str, workspace: DerivedFolder, *, live: bool) -> None:
        self.name = name
        self.live = live
        self._workspace = workspace
        self._store = store

    def get_many(self, customers: Sequence[str]) -> list[bytes | None]:
        """The state records of these customers, None for a stranger, in the order asked."""
        return self._store.get_many(customers)

    def prepare(self, flush: Flush) -> None:
        """Make a flush ready in parts."""
        self._store.prepare(flush)

    def write(self, flush: Flush) -> None:
        """Write everything in one atomic batch."""
        self._store.write(flush)

    def meta(self) -> bytes | None:
        """The newest `Flush.meta`, or None."""
        return self._store.meta()

    def customers(self) -> Iterator[tuple[str, bytes]]:
        """Every (customer id, state record), in order of the id's UTF-8 bytes."""
        return self._store.customers()

    def timers(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, str]]:
        """Every timer with from_ms <= due_ms < to_ms, in order."""
        return self._store.timers(from_ms, to_ms)

    def seen(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Packed ids whose first offset is >= start, in order."""
        return self._store.seen(start)

    def transitions(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Packed steps whose first offset is >= start, in order."""
        return self._store.transitions(start)

    def letters(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Dead letters of the fold, in order of offset."""
        return self._store.letters(start)

    def settle(self) -> None:
        """Put everything on the disk and let go of it: the generation is about to become live."""
        self._store.close()
        self.live = True

    def reopen(self) -> None:
        """Open the generation, live now, to read and write."""
        self._store = self._workspace.open_generation(self.name)

    def close(self) -> None:
        """Release the store; a generation that never became live is given up."""
        self._store.close()
        if not self.live:
            self._workspace.generations.discard(self.name)


class PartitionGenerations:
    """`engine.ports.Generations` of one partition of an owned workspace, or of a worker's folder."""

    def __init__(self, workspace: DerivedFolder, partition: int) -> None:
        self._workspace = workspace
        self._partition = partition
        self._current: GenerationStore | None = None

    def current(self) -> DerivedStore | None:
        """The live generation, opened once; None if there is none."""
        if self._current is None:
            name = self._workspace.generations.live().get(self._partition)
            if name is not None:
                store = self._workspace.open_generation(name)
                self._current = GenerationStore(store, name, self._workspace, live=True)
        return self._current

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """A new, empty generation beside the live one; on the disk only when it is swapped in."""
        name, store = self._workspace.begin_generation(self._partition)
        return GenerationStore(store, name, self._workspace, live=False)

    def swap(self, store: DerivedStore) -> None:
        """Make a generation the live one, atomically; the old one is closed and removed."""
        assert isinstance(store, GenerationStore)
        old, self._current = self._current, None
        store.settle()
        if old is not None:
            old.close()
        self._workspace.generations.swap({self._partition: store.name})
        store.reopen()
        self._current = store
