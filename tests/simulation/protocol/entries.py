"""The topic of decisions as several owners append to it, and what readers keep of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from engine.adapters.memory import MemoryDecisions
from engine.adapters.rocksdb_copy import StreamTail
from engine.outputs import decode_batch
from engine.runtimes.kafka.claims import Rule
from tests.simulation.protocol.broken import need
from tests.simulation.protocol.durable import Crash, Fuse
from triggers.decisions import START, Position


class MemoryCopy:
    """What a worker keeps of the decisions, without a disk."""

    def __init__(self) -> None:
        self.stream_tail = StreamTail()
        self._batches: dict[int, bytes] = {}
        self._claims: dict[int, bytes] = {}

    def add(self, tail: StreamTail, batches: Sequence[tuple[int, bytes]], claims: Sequence[tuple[int, bytes]]) -> None:
        self._batches.update(batches)
        self._claims.update(claims)
        self.stream_tail = tail

    def batches(self, start: int) -> Iterator[bytes]:
        return iter([value for offset, value in self._batches.items() if offset >= start])

    def batch(self, offset: int) -> bytes:
        return self._batches[offset]

    def claims(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        return iter([(offset, value) for offset, value in self._claims.items() if offset >= start])


class Kept(MemoryDecisions):
    """What readers keep, who decided it, and which of it can never be decided otherwise any more."""

    def __init__(self) -> None:
        super().__init__()
        self.builds: list[int] = []
        self.highest: Position = START
        self.settled: Position = START

    def keep(self, batch: bytes, build: int) -> None:
        for output in decode_batch(batch):
            need(output.position > self.highest, "i", "position kept again", output.position, self.highest)
            if output.decisions:
                need(output.position > self.settled, "i", "decided again after it was settled", output.position)
            self.highest = output.position
        super().append(batch)
        self.builds.append(build)


@dataclass(frozen=True)
class Hand:
    """The owner that appends, as topics know it; `interrupt` gives another owner the chance to come in between."""

    fuse: Fuse
    build: int
    interrupt: Callable[[], None]


class Entries:
    """The topic: everything that was appended, and what a reader keeps of it."""

    def __init__(self, kept: Kept, rng: Random) -> None:
        self.kept, self.rng = kept, rng
        self.entries: list[bytes] = []
        self.rule = Rule()
        self.dropped = 0

    def append(self, hand: Hand, value: bytes) -> int:
        """Append for an owner; another may come before, and the owner may die before it or without an answer."""
        hand.interrupt()
        dies = hand.fuse.burn()
        if dies and self.rng.random() < 0.5:
            raise Crash
        self.entries.append(value)
        offset = len(self.entries) - 1
        kept = self.rule.take(offset, value)
        if isinstance(kept, bytes):
            self.kept.keep(kept, hand.build)
        self.dropped += kept is None
        if dies:
            raise Crash
        hand.interrupt()
        return offset


class OwnersTopic:
    """The topic as one owner has it."""

    def __init__(self, entries: Entries, hand: Hand) -> None:
        self._entries, self._hand = entries, hand

    def append(self, value: bytes) -> int:
        return self._entries.append(self._hand, value)

    def read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return iter(list(enumerate(self._entries.entries))[start:stop])

    def end(self) -> int:
        return len(self._entries.entries)
