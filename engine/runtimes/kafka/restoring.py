"""Taking a partition's newest checkpoint from the depot, and leaving one there now and then."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.runtimes.kafka.depot import CheckpointBroken, Depot
from events.errors import StorageFailed

if TYPE_CHECKING:
    from engine.runtimes.kafka.lane import Lane
    from engine.runtimes.kafka.workplace import Workplace

GAIN_RECORDS = 20_000
"""A checkpoint is taken if it is so much further than what is on this disk: fetching less is quicker."""

log = logging.getLogger(__name__)


def restore(place: Workplace, depot: Depot, partition: int, copied: int, between: Callable[[], None]) -> None:
    """Make the partition's folder of the newest checkpoint that is whole, if that is worth it.

    `copied` is the end of the copy on this disk, -1 without one; `between` is called before each file, and may raise.
    Without a depot, or a checkpoint, all is fetched.
    """
    said = {"partition": partition}
    try:
        for checkpoint in depot.newest(partition):
            if copied >= 0 and checkpoint.copied < copied + GAIN_RECORDS:
                return
            try:
                depot.take(checkpoint, place.folder / f"p{partition}", between)
            except CheckpointBroken as broken:
                place.broken_checkpoints += 1
                log.warning("a checkpoint of partition %d is passed over: %s", partition, broken, extra=said)
                continue
            words = "partition %d is taken from a checkpoint up to offset %d"
            log.info(words, partition, checkpoint.copied, extra={**said, "copied": checkpoint.copied})
            return
    except StorageFailed as error:
        log.warning("partition %d is opened without the depot: %s", partition, error, extra=said)


class Checkpoints:
    """Leaves a checkpoint of each partition that moved; `age_s` says how old is what is in none."""

    def __init__(self, place: Workplace, depot: Depot, lanes: Mapping[int, Lane]) -> None:
        self.place, self.depot, self.lanes = place, depot, lanes
        self._done: dict[int, int] = {}
        self._since: dict[int, tuple[Lane, float]] = {}  # when it was first seen to have more, of the monotonic clock

    def again(self, partition: int) -> None:
        """Leave one of this partition in the next round, whether it moved or not."""
        self._done.pop(partition, None)

    def age_s(self, lane: Lane) -> float:
        """For how long an open partition has had what is in no checkpoint of this worker's, as far as was seen."""
        since_s = self._see(lane)
        return 0.0 if since_s is None else time.monotonic() - since_s

    def _see(self, lane: Lane) -> float | None:
        """Note since when, of the monotonic clock, a partition has had what is in no checkpoint; None if it has not."""
        if lane.shard is None or lane.done <= self._done.get(lane.partition, -1):
            self._since.pop(lane.partition, None)
            return None
        known, since_s = self._since.get(lane.partition, (lane, time.monotonic()))
        if known is not lane:
            since_s = time.monotonic()
        self._since[lane.partition] = lane, since_s
        return since_s

    async def run(self, every_s: float) -> None:
        """For ever; a depot that cannot be reached is told of, and asked again."""
        while True:
            await asyncio.sleep(every_s)
            await self.leave_all()

    async def leave_all(self) -> None:
        """One round over the partitions that are open."""
        for lane in list(self.lanes.values()):
            done = lane.done
            if self._see(lane) is None:
                continue
            target = self.place.folder / f"p{lane.partition}.checkpoint"
            made = asyncio.wrap_future(lane.checkpoint(target))
            over = asyncio.ensure_future(lane.over.wait())
            either: list[asyncio.Future[Any]] = [made, over]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            if not made.done():
                made.cancel()
                continue
            try:
                await asyncio.to_thread(self.depot.leave, target, made.result())
            except StorageFailed as error:
                said = {"partition": lane.partition}
                log.warning("no checkpoint of partition %d was left: %s", lane.partition, error, extra=said)
            else:
                self._done[lane.partition] = done
                self._since.pop(lane.partition, None)
            await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
