"""A partition's log as its shard sees it: the copy of what was fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.activations import OFFSETS
from engine.kill_points import reach
from engine.runtimes.kafka.values import Copying, Fetched
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.adapters.rocksdb_copy import RocksCopy


class KafkaLog:
    """A `Log` over a copy. It grows by what is fetched; what is appended goes to the topic first.

    `between` is called before each read in a row: a long fold lets others have their turn there, and may be ended.
    """

    def __init__(
        self, copy: RocksCopy, between: Callable[[], None] = lambda: None, *, partition: int = 0, partitions: int = 1
    ) -> None:
        self._copy = copy
        self._between = between
        self._partition, self._partitions = partition, partitions

    # ------------------------------------------------------------ growing
    def take(self, records: Iterable[Fetched], *, upto: int | None = None) -> int:
        """Copy records that go on where the copy ends, and the emptiness behind them up to `upto`; how many offsets.

        Offsets between them hold nothing: whoever calls knows that they were fetched without a gap.
        """
        tail = self._copy.log_tail
        newest = tail.activations[-1][1] if tail.activations else -1
        copying = Copying(tail.end, tail.journey_ms, newest, self._partition, self._partitions)
        copying.take(records)
        if upto is not None:
            copying.skip_to(upto)
        if copying.values:
            self._copy.append(copying.values, journey_ms=copying.journey_ms, activations=copying.activations)
            reach("after-copy")
        return len(copying.values)

    @property
    def newest_activation(self) -> int:
        """The number of the last activation that counts, -1 for none."""
        activations = self._copy.log_tail.activations
        return activations[-1][1] if activations else -1

    @property
    def journey_ms(self) -> int:
        """The journey time at the copy's end."""
        return self._copy.log_tail.journey_ms

    # ------------------------------------------------------------ the port
    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        """Refused: raises CalledWrongly."""
        raise CalledWrongly("a copy of a topic grows by what is fetched from it; append to the topic")

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from offset `start` on; empty at the copy's end."""
        self._between()
        return self._copy.read(max(start, 0), limit)

    def get(self, offset: int) -> bytes:
        """The value at one offset."""
        return self._copy.get(offset)

    def end(self) -> int:
        """The offset of the first record that is not copied yet."""
        return self._copy.log_tail.end

    def meta(self, key: str) -> bytes | None:
        """Where activations stand; nothing else is noted beside a topic."""
        activations = self._copy.log_tail.activations
        if key != OFFSETS or not activations:
            return None
        return msgspec.msgpack.encode([offset for offset, _ in activations])
