"""The ports in memory: for simulations and for tests that need no disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.ports import Flush
from events.errors import FactsDamaged


class MemoryLog:
    """A `Log` in a list."""

    def __init__(self) -> None:
        self._values: list[bytes] = []
        self._meta: dict[str, bytes] = {}

    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        """Append all and return the first one's offset."""
        first = len(self._values)
        self._values.extend(values)
        self._meta.update(meta or {})
        return first

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from offset `start` on."""
        return self._values[max(start, 0) : max(start, 0) + max(limit, 0)]

    def get(self, offset: int) -> bytes:
        """The value at one offset."""
        if not 0 <= offset < len(self._values):
            raise FactsDamaged(f"entry {offset} is missing; the log ends at {len(self._values)}", "ask for one that is")
        return self._values[offset]

    def end(self) -> int:
        """The offset the next record will have."""
        return len(self._values)

    def meta(self, key: str) -> bytes | None:
        """What was last written under `key`, or None."""
        return self._meta.get(key)


class MemoryDecisions:
    """A `DecisionStream` in a list."""

    def __init__(self) -> None:
        self._batches: list[bytes] = []

    def append(self, batch: bytes) -> None:
        """Append one batch."""
        self._batches.append(batch)

    def read(self, start: int = 0) -> Iterator[bytes]:
        """Every batch from the start-th on."""
        return iter(self._batches[start:])

    def last(self) -> bytes | None:
        """The newest batch, or None."""
        return self._batches[-1] if self._batches else None

    def count(self) -> int:
        """How many batches there are."""
        return len(self._batches)


class MemoryDerived:
    """A `DerivedStore` in dictionaries, sorted when read."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}
        self._timers: set[tuple[int, str]] = set()
        self._seen: dict[int, bytes] = {}
        self._transitions: dict[int, bytes] = {}
        self._letters: dict[int, bytes] = {}
        self._meta: bytes | None = None

    def get_many(self, customers: Sequence[str]) -> list[bytes | None]:
        """The state records of these customers, None for a stranger."""
        return [self._states.get(customer) for customer in customers]

    def prepare(self, flush: Flush) -> None:
        """Leaves all to `write`."""

    def write(self, flush: Flush) -> None:
        """Write everything; a timer both deleted and put stays."""
        self._states.update(flush.states)
        self._timers.difference_update(flush.timers_delete)
        self._timers.update(flush.timers_put)
        self._seen.update(flush.seen)
        self._transitions.update(flush.transitions)
        self._letters.update(flush.letters)
        if flush.meta is not None:
            self._meta = flush.meta

    def meta(self) -> bytes | None:
        """The newest `Flush.meta`, or None."""
        return self._meta

    def customers(self) -> Iterator[tuple[str, bytes]]:
        """Every (customer id, state record), in order of the id's UTF-8 bytes."""
        return iter(sorted(self._states.items(), key=lambda item: item[0].encode()))

    def timers(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, str]]:
        """Every timer with from_ms <= due_ms < to_ms, in order."""
        within = [timer for timer in self._timers if from_ms <= timer[0] < to_ms]
        return iter(sorted(within, key=lambda timer: (timer[0], timer[1].encode())))

    def seen(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Packed ids whose first offset is >= start, in order."""
        return _from(self._seen, start)

    def transitions(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Packed steps whose first offset is >= start, in order."""
        return _from(self._transitions, start)

    def letters(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Dead letters of the fold whose offset is >= start, in order."""
        return _from(self._letters, start)

    def close(self) -> None:
        """Nothing to release."""


def _from(values: Mapping[int, bytes], start: int) -> Iterator[tuple[int, bytes]]:
    return iter(sorted(item for item in values.items() if item[0] >= start))
