"""What the shard asks of storage; each port has one contract suite that every adapter passes.

A port is a partition's. Offsets count from 0 without gaps. Bytes are opaque to the adapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Log(Protocol):
    """A partition's records in order."""

    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        """Append all or none and return the first one's offset, once everything is durable (fsync); `meta` entries
        are written in the same atomic write."""
        ...

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from offset `start` on, without gaps; empty at the end."""
        ...

    def get(self, offset: int) -> bytes:
        """The value at one offset; raises FactsDamaged if it cannot be read."""
        ...

    def end(self) -> int:
        """The offset the next record will have."""
        ...

    def meta(self, key: str) -> bytes | None:
        """What was last written under `key`, or None."""
        ...


class DecisionStream(Protocol):
    """A partition's outputs in order, one value a batch."""

    def append(self, batch: bytes) -> None:
        """Append one batch; returns once it is durable (fsync)."""
        ...

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every batch from the start-th on, in order."""
        ...

    def last(self) -> bytes | None:
        """The newest batch, or None."""
        ...

    def count(self) -> int:
        """How many batches there are."""
        ...


class DeadLetterBox(Protocol):
    """What the doors refused, with the raw bytes."""

    def put(self, letters: Sequence[bytes]) -> None:
        """Keep letters; returns once they are durable."""
        ...

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every letter from the start-th on, in order."""
        ...


@dataclass(slots=True)
class Flush:
    """What a shard writes together: all of it or nothing."""

    states: dict[str, bytes] = field(default_factory=dict)  # customer id -> state record
    timers_put: list[tuple[int, str]] = field(default_factory=list)  # (due_ms, customer id)
    timers_delete: list[tuple[int, str]] = field(default_factory=list)
    seen: list[tuple[int, bytes]] = field(default_factory=list)  # (first offset, packed ids)
    transitions: list[tuple[int, bytes]] = field(default_factory=list)  # (first offset, packed steps)
    letters: list[tuple[int, bytes]] = field(default_factory=list)  # (offset, dead letter of the fold)
    meta: bytes | None = None  # the shard's own record: versions, rulebook, applied offset, counters
    prepared: object = None  # the store's own form of what it was given in parts


class DerivedStore(Protocol):
    """A partition's derived world in one generation; nothing in it is fsync'd, deleting it loses nothing."""

    def get_many(self, customers: Sequence[str]) -> list[bytes | None]:
        """The state records of these customers, None for a stranger, in the order asked."""
        ...

    def prepare(self, flush: Flush) -> None:
        """Make a flush ready in parts: take its states and timers out of it, so that `write` is quick later; timers
        that are deleted before those that are put."""
        ...

    def write(self, flush: Flush) -> None:
        """Write everything in one atomic batch, what was prepared too; a state or timer put twice keeps the last."""
        ...

    def meta(self) -> bytes | None:
        """The newest `Flush.meta`, or None."""
        ...

    def customers(self) -> Iterator[tuple[str, bytes]]:
        """Every (customer id, state record), in order of the id's UTF-8 bytes."""
        ...

    def timers(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, str]]:
        """Every timer with from_ms <= due_ms < to_ms, in order of (due_ms, customer id)."""
        ...

    def seen(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Packed ids whose first offset is >= start, in order."""
        ...

    def transitions(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Packed steps whose first offset is >= start, in order."""
        ...

    def letters(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Dead letters of the fold whose offset is >= start, in order."""
        ...

    def close(self) -> None:
        """Release handles and the lock."""
        ...


class Generations(Protocol):
    """A partition's derived worlds on disk: one is current, another may be in the making."""

    def current(self) -> DerivedStore | None:
        """The current generation, opened once; None if there is none."""
        ...

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """A new, empty generation beside the current one; `bulk`: written for speed, durable at the swap."""
        ...

    def swap(self, store: DerivedStore) -> None:
        """Make a generation the current one, atomically; the old one is closed and dropped."""
        ...
