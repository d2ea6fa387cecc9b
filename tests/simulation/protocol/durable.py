"""Ports that die: what a partition leaves behind when its process is killed between any two durable writes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from random import Random

from engine.adapters.memory import MemoryDecisions, MemoryDerived, MemoryLog
from engine.adapters.memory_generations import MemoryGenerations
from engine.meta import read_meta
from engine.outputs import decode_batch, encode_batch
from engine.ports import DerivedStore, Flush
from tests.simulation.protocol.broken import need
from triggers.decisions import MARK, START, Position


class Crash(Exception):
    """The process dies here."""


class Fuse:
    """Counts durable writes down to the crash; -1 never."""

    def __init__(self) -> None:
        self.left = -1

    def burn(self) -> bool:
        """Whether this write is the one at which the process dies."""
        if self.left < 0:
            return False
        self.left -= 1
        return self.left < 0


class Log(MemoryLog):
    """A log that remembers what it acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: list[bytes] = []

    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        first = super().append(values, meta)
        self.acknowledged.extend(values)
        return first

    def crash(self, rng: Random) -> None:
        """What a power cut takes: nothing that was acknowledged."""


class Stream(MemoryDecisions):
    """A decision stream of which a crash may leave any prefix of a batch; knows which build wrote what."""

    def __init__(self, fuse: Fuse, rng: Random) -> None:
        super().__init__()
        self.fuse, self.rng = fuse, rng
        self.build = 0
        self.builds: list[int] = []
        self.highest: Position = START
        self.settled: Position = START

    def append(self, batch: bytes) -> None:
        outputs = decode_batch(batch)
        dies = self.fuse.burn()
        if dies:
            outputs = outputs[: self.rng.randint(0, len(outputs))]
        for output in outputs:
            need(output.position > self.highest, "i", "position written again", output.position, self.highest)
            if output.decisions:
                need(output.position > self.settled, "i", "decided again after it was settled", output.position)
            self.highest = output.position
        if outputs:
            super().append(encode_batch(outputs))
            self.builds.append(self.build)
        if dies:
            raise Crash

    def restore(self, batches: int) -> None:
        """An operator puts an older copy in place."""
        del self._batches[batches:], self.builds[batches:]
        self.highest = decode_batch(self._batches[-1])[-1].position if self._batches else START
        self.settled = min(self.settled, self.highest)


class Derived(MemoryDerived):
    """A derived store that may die at a write, and of which older states stay."""

    def __init__(self, owner: Generations) -> None:
        super().__init__()
        self.owner = owner

    def write(self, flush: Flush) -> None:
        if self.owner.fuse.burn():
            raise Crash
        super().write(flush)
        if self.owner.current() is self:
            self.owner.committed(self)

    def copied(self) -> Derived:
        found = Derived(self.owner)
        for name, value in vars(self).items():
            if name not in ("owner", "_meta"):
                setattr(found, name, copy.copy(value))
        found._meta = self._meta
        return found


class Generations(MemoryGenerations):
    """Generations of one partition; `past` holds states that a power cut may leave instead of the newest."""

    def __init__(self, fuse: Fuse, stream: Stream) -> None:
        super().__init__()
        self.fuse, self.stream = fuse, stream
        self.past: list[Derived] = []

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        return Derived(self)

    def swap(self, store: DerivedStore) -> None:
        if self.fuse.burn():
            raise Crash
        super().swap(store)
        assert isinstance(store, Derived)
        self.committed(store)
        if self.fuse.burn():
            raise Crash

    def committed(self, store: Derived) -> None:
        """A state is on the disk: what it holds must be decided, durably."""
        meta = read_meta(store)
        assert meta is not None
        here: Position = (meta.applied, MARK, "")
        need(here <= self.stream.highest, "i", "a state is ahead of the decisions", here, self.stream.highest)
        self.stream.settled = max(self.stream.settled, here)
        self.past.append(store.copied())

    def crash(self, rng: Random) -> None:
        """Leave the newest state, an older one or none."""
        chance = rng.random()
        self._current = None
        if self.past and chance >= 0.3:
            self._current = (self.past[-1] if chance < 0.6 else rng.choice(self.past)).copied()

    def restored(self) -> None:
        """The facts are older now, the newest state stays."""
        self._current = self.past[-1].copied() if self.past else None
        self.past = []
