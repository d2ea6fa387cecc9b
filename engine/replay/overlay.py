"""The ports over real facts, with what is appended kept in memory: to see what would happen without its happening."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from engine.ports import DecisionStream, Log


class OverlayLog:
    """A `Log` that ends with records which are not on the disk."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._edge = log.end()
        self._more: list[bytes] = []
        self._meta: dict[str, bytes] = {}

    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        """Append all, in memory, and return the first one's offset."""
        first = self.end()
        self._more.extend(values)
        self._meta.update(meta or {})
        return first

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from offset `start` on."""
        if start < self._edge:
            return self._log.read(start, min(limit, self._edge - start))
        return self._more[start - self._edge : start - self._edge + limit]

    def get(self, offset: int) -> bytes:
        """The value at one offset."""
        return self._log.get(offset) if offset < self._edge else self._more[offset - self._edge]

    def end(self) -> int:
        """The offset the next record will have."""
        return self._edge + len(self._more)

    def meta(self, key: str) -> bytes | None:
        """What was last written under `key`, or None."""
        return self._meta.get(key) or self._log.meta(key)


class OverlayDecisions:
    """A `DecisionStream` whose newest batches are not on the disk."""

    def __init__(self, stream: DecisionStream) -> None:
        self._stream = stream
        self._edge = stream.count()
        self._more: list[bytes] = []

    def append(self, batch: bytes) -> None:
        """Append one batch, in memory."""
        self._more.append(batch)

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every batch from the start-th on, in order."""
        if start >= self._edge:
            return iter(self._more[start - self._edge :])
        return chain(self._stream.read(start), self._more)

    def last(self) -> bytes | None:
        """The newest batch, or None."""
        return self._more[-1] if self._more else self._stream.last()

    def count(self) -> int:
        """How many batches there are."""
        return self._edge + len(self._more)
