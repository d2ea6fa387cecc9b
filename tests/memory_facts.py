"""One partition's facts in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.adapters.memory import MemoryDecisions, MemoryLog


class MemoryDeadLetters:
    """A `DeadLetterBox` in a list."""

    def __init__(self) -> None:
        self._letters: list[bytes] = []

    def put(self, letters: Sequence[bytes]) -> None:
        """Keep letters."""
        self._letters.extend(letters)

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every letter from the start-th on."""
        return iter(self._letters[start:])


class MemoryFacts:
    """One partition's facts: what a process that dies leaves behind."""

    def __init__(self, partition: int = 0) -> None:
        self.partition = partition
        self.log = MemoryLog()
        self.decisions = MemoryDecisions()
        self.dead_letters = MemoryDeadLetters()
