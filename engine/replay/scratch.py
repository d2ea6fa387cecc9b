"""Worlds that a replay folds for itself: on the disk, so that any number of customers fits, and gone afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.ports import DerivedStore

if TYPE_CHECKING:
    from engine.adapters.rocksdb_options import StoreMemory


class ScratchGenerations:
    """A partition's generations in a folder of their own; `close` them before the folder goes."""

    def __init__(self, folder: Path, memory: StoreMemory) -> None:
        self._folder, self._memory = folder, memory
        self._begun = 0
        self._stores: list[tuple[DerivedStore, Path]] = []
        self._current: DerivedStore | None = None

    def current(self) -> DerivedStore | None:
        """The current generation; None at first: a replay starts from nothing."""
        return self._current

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """A new, empty one."""
        from engine.adapters.rocksdb_derived import RocksDerived

        self._begun += 1
        path = self._folder / str(self._begun)
        store = RocksDerived(path, bulk=True, memory=self._memory, create=True)
        self._stores.append((store, path))
        return store

    def swap(self, store: DerivedStore) -> None:
        """Make it the current one; the one before is closed and removed."""
        old, self._current = self._current, store
        for place, (each, path) in enumerate(self._stores):
            if each is old:
                old.close()
                shutil.rmtree(path)
                del self._stores[place]
                return

    def close(self) -> None:
        """Release what is open."""
        while self._stores:
            self._stores.pop()[0].close()


@contextmanager
def scratch() -> Iterator[ScratchGenerations]:
    """Generations in a temporary folder."""
    from engine.adapters.rocksdb_options import StoreMemory

    with TemporaryDirectory(prefix="strand-replay-") as folder:
        generations = ScratchGenerations(Path(folder), StoreMemory())
        try:
            yield generations
        finally:
            generations.close()
