"""A worker: the lanes of the partitions that are its own, and what it shares among them.

A front end says which partitions those are: `assign` and `revoke`. A lane that was superseded, or met an error of the
brokers, is opened again while the partition is ours; what this disk has of a partition is thrown away once where it is
damaged; a record that our own code fails at stops its partition, and so does a foreign one among its decisions; any
other error ends the worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.kafka.claims import ForeignEntry
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection, look
from engine.runtimes.kafka.depot import Depot
from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.local import binding_of, copied_in, remove_unfinished, throw_away
from engine.runtimes.kafka.restoring import Checkpoints
from engine.runtimes.kafka.standstill import NONE, PASSING, RecordFailed
from engine.runtimes.kafka.turn import Bridge, GivenUp
from engine.runtimes.kafka.watching_topics import EVERY_S, raised, watched_topics
from engine.runtimes.kafka.workplace import STATES, Workplace
from engine.self_closing import closed_on_failure
from engine.workspace.durable_files import refused
from engine.workspace.lock import OwnerLock
from events.errors import DerivedDamaged, OperatorError

AGAIN_S = 1.0
PATIENCE_S = 10.0
"""For how long a worker that ends waits for brokers: what they have not acknowledged the next owner decides again."""

log = logging.getLogger(__name__)


class Worker:
    """Use with `async with`; `failed` is done, with the error, once the worker cannot go on.

    `folder` is this worker's own: a second process there raises WorkspaceBusy. `live`: ticks by the clock. `standing`
    are the partitions of ours that stop at a record, and why; they are tried again when they are given to us anew.
    Every `watch_s` seconds it is seen whether the topics are as they were at the start.
    """

    def __init__(
        self,
        connection: Connection,
        folder: Path,
        *,
        name: str,
        live: bool,
        catch_up: bool = False,
        clock: Clock = wall_clock_ms,
        depot: str | None = None,
        watch_s: float = EVERY_S,
    ) -> None:
        self.connection, self.folder, self.name = connection, folder, name
        self.live, self.catch_up, self.clock = live, catch_up, clock
        self.depot, self.watch_s = depot, watch_s
        self.checkpoints: Checkpoints | None = None
        self.lanes: dict[int, Lane] = {}
        self.assigned: frozenset[int] = frozenset()
        self.partitions = 0
        self.opened = 0
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._copied: dict[int, int] = {}
        self._mended: set[int] = set()
        self.standing: dict[int, OperatorError] = {}
        self._watching = ExitStack()
        self.told_s: float | None = None  # when it was told to end, of the monotonic clock
        self.left: list[int] = []  # partitions at whose end the brokers did not answer
        self._leaving: set[Lane] = set()

    async def __aenter__(self) -> Worker:
        from engine.adapters.rocksdb_storage import RocksStorage  # noqa: PLC0415 -- adapters load when a worker starts

        found = await asyncio.to_thread(look, self.connection)
        self.partitions = found.partitions
        with refused(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = OwnerLock(self.folder, what="worker's folder", beside="another worker needs a --folder of its own")
        remove_unfinished(self.folder)
        storage = RocksStorage(owner=True)
        binding = binding_of(found)
        with closed_on_failure(self._lock.release):
            depot = None if self.depot is None else Depot(self.depot, binding)
            self._copied = await asyncio.to_thread(copied_in, self.folder, binding, storage)
            clients = Clients(self.connection, patient=True)
            await clients.start()
        self.place = Workplace(
            connection=self.connection,
            clients=clients,
            bridge=Bridge(asyncio.get_running_loop()),
            folder=self.folder,
            storage=storage,
            binding=binding,
            partitions=found.partitions,
            depot=depot,
            name=self.name,
            release=version("strand-journeys"),
            live=self.live,
            catch_up=self.catch_up,
            clock=self.clock,
        )
        loop = asyncio.get_running_loop()

        def failed(error: OperatorError) -> None:
            loop.call_soon_threadsafe(self.fail, error)

        self._watching.enter_context(watched_topics(self.connection, found, failed, self.watch_s))
        if self.place.depot is not None:
            self.checkpoints = Checkpoints(self.place, self.place.depot, self.lanes)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._watching.close()
        await self.revoke()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.place.clients.stop()
        self._lock.release()

    # ------------------------------------------------------------ whose partitions
    async def assign(self, partitions: Iterable[int]) -> None:
        """These are ours from now on, and no others."""
        self.assigned = frozenset(partitions)
        await self.settle()

    async def settle(self) -> None:
        """End the lanes of what is no longer `assigned`, and open those that are missing; the rest goes on.

        Raises OperatorError for a partition that was not there at the start.
        """
        async with self._changing:
            if any(partition >= self.partitions for partition in self.assigned):
                raise raised(self.connection, self.partitions, max(self.assigned) + 1)
            await self._close(partition for partition in self.lanes if partition not in self.assigned)
            self.standing = {each: why for each, why in self.standing.items() if each in self.assigned}
            for partition in sorted(self.assigned - self.lanes.keys() - self.standing.keys()):
                self._open(partition)

    async def reopen(self, lane: Lane, meanwhile: Callable[[], None], *, anew: bool) -> bool:
        """End a lane, have something done to its folder in a thread, and open it again: whether it is still ours.

        `anew`: what is in the folder then replaces states that were wrong.
        """
        async with self._changing:
            if self.lanes.get(lane.partition) is not lane:
                return False
            await self._close([lane.partition])
            done = False
            try:
                await asyncio.to_thread(meanwhile)
                done = True
            finally:
                if lane.partition in self.assigned:
                    self._open(lane.partition, anew=anew and done)
            return lane.partition in self.lanes

    async def revoke(self) -> None:
        """None is ours ever after; returns when each lane has ended after its batch and its states are written.

        A lane that waits for the brokers is left after `PATIENCE_S`, as if it had been killed.
        """
        self.assigned = frozenset()
        late = asyncio.get_running_loop().call_later(PATIENCE_S, self.place.bridge.give_up)
        try:
            async with self._changing:
                await self._close(self.lanes)
            for lane in list(self._leaving):  # whoever closed them was cancelled
                await self._gone(lane)
        finally:
            late.cancel()

    def _share_memory(self) -> None:
        self.place.states_each = STATES // max(1, len(self.lanes))

    async def _close(self, partitions: Iterable[int]) -> None:
        lanes = [self.lanes.pop(partition) for partition in list(partitions)]
        self._share_memory()
        self._leaving.update(lanes)
        for lane in lanes:
            lane.close()
            words = (
                "partition %d is closed, to be opened anew"
                if lane.partition in self.assigned
                else "partition %d is given away"
            )
            log.info(words, lane.partition, extra={"partition": lane.partition})
        for lane in lanes:
            await self._gone(lane)

    async def _gone(self, lane: Lane) -> None:
        await lane.over.wait()
        self._leaving.discard(lane)
        if isinstance(lane.error, GivenUp):
            self.left.append(lane.partition)
            what = (
                "partition %d is left at offset %d: the brokers did not acknowledge in %.0f s, and what they have not "
            )
            what += "is decided again by its next owner"
            log.warning(what, lane.partition, max(lane.done, 0), PATIENCE_S, extra={"partition": lane.partition})
        elif lane.error is not None and not isinstance(lane.error, (RecordFailed, ForeignEntry, *PASSING)):
            self.fail(lane.error)

    def _open(self, partition: int, *, anew: bool = False, failed: range = NONE) -> None:
        copied = self.copied().get(partition, -1)
        lane = self.lanes[partition] = Lane(partition, self.place, copied=copied, anew=anew, failed=failed)
        self.opened += 1
        log.info("partition %d is being opened", partition, extra={"partition": partition})
        self._share_memory()
        task = asyncio.get_running_loop().create_task(self._watch(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, lane: Lane) -> None:
        """Open a lane that ended by itself again, or give up."""
        await lane.over.wait()
        if self.lanes.get(lane.partition) is not lane:
            return  # we closed it
        error = lane.error
        failed = NONE
        if isinstance(error, ForeignEntry) or (isinstance(error, RecordFailed) and error.alone):
            log.error("%s", error, exc_info=error.__cause__, extra={"partition": lane.partition})
            self.standing[lane.partition] = error
            del self.lanes[lane.partition]
            return
        if isinstance(error, RecordFailed):
            failed = error.records
            what = "partition %d failed at one of the offsets %d to %d, which are taken one by one: %r"
            which = lane.partition, failed.start, failed.stop - 1
            log.warning(what, *which, error.__cause__, extra={"partition": lane.partition})
        elif isinstance(error, DerivedDamaged) and lane.partition not in self._mended:
            self._mended.add(lane.partition)  # what is damaged again is another fault
            await asyncio.to_thread(throw_away, self.folder, lane.partition, error)
        elif error is None or not isinstance(error, PASSING):
            self.fail(error or AssertionError("a lane ended without a word"))
            return
        else:
            log.warning("partition %d ended: %r", lane.partition, error, extra={"partition": lane.partition})
            await asyncio.sleep(AGAIN_S)
        async with self._changing:
            if self.lanes.get(lane.partition) is lane:
                del self.lanes[lane.partition]
                if lane.partition in self.assigned:
                    unclaimed = lane.shard is None
                    self._open(lane.partition, anew=lane.anew and unclaimed, failed=failed)

    def fail(self, error: BaseException) -> None:
        """Say that the worker cannot go on."""
        if not self.failed.done():
            self.failed.set_exception(error)

    # ------------------------------------------------------------ where it is
    def copied(self) -> dict[int, int]:
        """Up to which offset this worker has a copy of each partition that it ever had."""
        self._copied.update({lane.partition: lane.next_offset for lane in self.lanes.values() if lane.next_offset})
        return self._copied

    def done(self, upto: Mapping[int, int]) -> bool:
        """Whether all is done that can be, before an offset of each partition."""
        return all(
            partition in self.standing or (partition in self.lanes and self.lanes[partition].done >= offset)
            for partition, offset in upto.items()
        )
