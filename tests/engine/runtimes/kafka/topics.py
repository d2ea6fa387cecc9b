"""A partition of a topic in memory, as its owners and fetchers see it: what the broker's own is checked against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """A record as the client gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class MemoryTopic:
    """A `Topic`; offsets may have gaps."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, bytes]] = []
        self.next = 0

    def append(self, value: bytes) -> int:
        self.entries.append((self.next, value))
        self.next += 1
        return self.next - 1

    def read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return iter([entry for entry in self.entries if start <= entry[0] < stop])

    def end(self) -> int:
        return self.next
