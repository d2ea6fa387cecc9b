"""Drives the shards of a process in turn, and writes what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.delivery.outbox import Outbox
from engine.shard import Shard

DELIVER_ROUNDS = 50

Progress = Callable[[int], None]


class Drive:
    """All shards of a process, each a batch at a time, and the outbox of what they decide, if there is one.

    `batch` is how many records of a partition are processed together.
    """

    def __init__(self, shards: Sequence[Shard], outbox: Outbox | None, *, batch: int) -> None:
        self.shards = shards
        self._outbox = outbox
        self._batch = batch
        self._opened = False

    def open(self) -> None:
        """Open every partition, folding again what is not there or not ours; a second time does nothing."""
        if not self._opened:
            for shard in self.shards:
                shard.open()
            self._opened = True

    def drain(self, progress: Progress | None) -> int:
        """Process until nothing is left, a batch of each partition in turn; how many records that took in."""
        total = rounds = 0
        while done := self.round():
            total += done
            rounds += 1
            if progress is not None:
                progress(done)
            if rounds % DELIVER_ROUNDS == 0:
                self.deliver()
        return total

    def round(self) -> int:
        """Process a batch of each partition; how many records that took in, those that the first activation folds
        too."""
        taken = 0
        for shard in self.shards:
            before = applied_of(shard)
            if shard.process(self._batch):
                taken += max(applied_of(shard) - before, 1)
        return taken

    def deliver(self) -> int:
        """Write the messages decided since the last time to the outbox and return how many."""
        if self._outbox is None:
            return 0
        written = sum(self._outbox.deliver(shard.partition, shard.stream) for shard in self.shards)
        if written:
            self._keep_place()
        return written

    def flush(self) -> None:
        """Write down what only saves the next owner work: states, and how far the outbox has come."""
        for shard in self.shards:
            shard.flush()
        self._keep_place()

    def flush_changed(self) -> None:
        """As `flush`, where states changed since the last time."""
        for shard in self.shards:
            if shard.world is not None and shard.world.unflushed:
                shard.flush()
        self._keep_place()

    def begin_flush(self) -> None:
        """Have the states of all partitions written bit by bit."""
        for shard in self.shards:
            shard.begin_flush()

    def _keep_place(self) -> None:
        if self._outbox is not None:
            self._outbox.keep_place()


def applied_of(shard: Shard) -> int:
    """The offset up to which a shard's world has come, -1 without one."""
    return shard.world.meta.applied if shard.world is not None else -1
