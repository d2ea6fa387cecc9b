"""Generations in memory: for simulations, and for folding beside a workspace without touching it."""

from __future__ import annotations

from engine.adapters.memory import MemoryDerived
from engine.ports import DerivedStore


class MemoryGenerations:
    """A partition's generations that vanish with the process."""

    def __init__(self) -> None:
        self._current: DerivedStore | None = None

    def current(self) -> DerivedStore | None:
        """The current generation."""
        return self._current

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """A new, empty one."""
        return MemoryDerived()

    def swap(self, store: DerivedStore) -> None:
        """Make it the current one."""
        self._current = store
