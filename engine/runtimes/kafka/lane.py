"""One partition in a worker's hands: a thread that opens it, copies what is fetched, and drives its shard.

Once it is open (`opening.py`): slice -> copy -> process until nothing is left -> ticks by the clock (`ticking.py`) ->
flush when nothing comes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from operator import attrgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from engine.runtimes.clock import Every
from engine.runtimes.embedded.due import next_due_ms
from engine.runtimes.kafka.depot import Checkpoint
from engine.runtimes.kafka.local import LocalPartition
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.opening import Opening
from engine.runtimes.kafka.restoring import restore
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.standstill import NONE, process
from engine.runtimes.kafka.ticking import Ticking
from engine.runtimes.kafka.values import Fetched
from engine.runtimes.kafka.workplace import Workplace
from projections.expressions.runtime import NEVER

T = TypeVar("T")

BATCH_RECORDS = 2_000
ROOM_RECORDS, ROOM_BYTES = 4_000, 32 << 20
"""What waits for the thread, about; more is fetched meanwhile."""

FLUSH_IDLE_S = 2.0
FLUSH_S = 5.0

VALUE = attrgetter("value")

Slice = tuple[Sequence[Fetched], int, int]
Asked = Callable[[], None]


class Closing(Exception):
    """The lane is to end, and leaves what it is at."""


class Lane:
    """A partition from its assignment to its end; the loop calls everything here but what says otherwise.

    `next_offset` is where the next slice must begin, None while the copy is not open; `done` the offset before which
    all is done that can be, -1 until the shard is open; `processed` how many records it took. `error` is what ended it.
    `beat_s` is of the monotonic clock: a thread that lives, waits or folds, moves it every few seconds.
    """

    def __init__(
        self, partition: int, place: Workplace, *, copied: int = -1, anew: bool = False, failed: range = NONE
    ) -> None:
        self.partition, self.place = partition, place
        self.copied = copied  # up to where this disk had it before
        self.anew = anew  # its states were made anew, since those before were wrong
        self._failed = failed  # records that an earlier lane failed at together
        self.next_offset: int | None = None
        self.log_end = 0  # as last heard of
        self.shard: ClaimedShard | None = None  # once it is open; its thread's
        self.done = -1
        self.processed = 0
        self.error: BaseException | None = None
        self.over = asyncio.Event()
        self.beat_s = time.monotonic()  # when its thread last did something
        self.next_due_ms = NEVER
        self._waiting = self._waiting_bytes = 0
        self._closing = False
        self._inbox: SimpleQueue[Slice | Asked | None] = SimpleQueue()
        self._flush = Every(FLUSH_S)
        self._thread = Thread(target=self._run, name=f"strand-p{partition}", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ the loop's side
    @property
    def has_room(self) -> bool:
        """Whether it takes another slice."""
        full = self._waiting >= ROOM_RECORDS or self._waiting_bytes >= ROOM_BYTES
        return self.next_offset is not None and not full and not self._closing

    def offer(self, records: Sequence[Fetched], upto: int) -> None:
        """Hand over what stands from `next_offset` on, before `upto`; there is nothing else in between."""
        size = sum(map(len, filter(None, map(VALUE, records))))
        self._waiting += len(records)
        self._waiting_bytes += size
        self.next_offset = upto
        self._inbox.put((records, upto, size))

    def ask(self, what: Callable[[ClaimedShard], T]) -> Future[T]:
        """Have its thread answer about the open shard between two batches."""
        answer: Future[T] = Future()

        def asked() -> None:
            assert self.shard is not None
            try:
                answer.set_result(what(self.shard))
            except BaseException as error:  # whatever it was, who asked must hear it
                answer.set_exception(error)
                raise

        self._inbox.put(asked)
        return answer

    def checkpoint(self, target: Path) -> Future[Checkpoint]:
        """Have a folder made of its states and its copy, as of now; the answer is the manifest, yet without files."""

        def make(shard: ClaimedShard) -> Checkpoint:
            shard.flush()
            self._local.checkpoint(target)
            return Checkpoint(
                partition=self.partition,
                applied=-1 if shard.world is None else shard.world.meta.applied,
                copied=shard.log.end(),
                worker=self.place.name,
                at_ms=self.place.clock(),
                files=[],
            )

        return self.ask(make)

    def close(self) -> None:
        """End it after the batch at hand; `over` is set then."""
        self._closing = True
        self._inbox.put(None)

    def _slice_taken(self, records: int, size: int) -> None:
        self._waiting -= records
        self._waiting_bytes -= size
        self.place.room.set()

    def _reads_from(self, offset: int, log_end: int) -> None:
        self.next_offset, self.log_end = offset, max(self.log_end, log_end)
        self.place.room.set()

    def _ended(self, error: BaseException | None) -> None:
        self.error = error
        self.next_offset = None
        self.over.set()
        self.place.room.set()

    # ------------------------------------------------------------ its thread's side
    def _run(self) -> None:
        place = self.place
        error: BaseException | None = None
        try:
            if place.depot is not None and not self.anew:
                restore(place, place.depot, self.partition, self.copied, self._beat)
            with (
                place.bridge.turn,
                closing(LocalPartition(place.folder, self.partition, place.binding, place.storage)) as local,
            ):
                self._own(local)
        except Closing:
            pass
        except BaseException as caught:  # noqa: BLE001 -- a thread's outermost frame: the worker judges it
            error = caught
        place.bridge.loop.call_soon_threadsafe(self._ended, error)

    def _own(self, local: LocalPartition) -> None:
        self._local = local
        log = KafkaLog(local.copy, self._between, partition=self.partition, partitions=self.place.partitions)
        opening = Opening(self.place, local, log, self.partition, self.anew)
        end = opening.checked_end()
        self._tell(self._reads_from, log.end(), end)
        self._copy_to(log, end)
        opening.complete_activations()
        self._ticking = Ticking(self.place, log, opening.events, self.partition)
        self.shard = shard = opening.shard(partial(self._copy_to, log))
        while not self._closing:
            self._round(shard, log)
        shard.flush()

    def _copy_to(self, log: KafkaLog, end: int) -> None:
        while log.end() < end:
            self._take(self._next(FLUSH_IDLE_S), log)
            self._between()

    def _round(self, shard: ClaimedShard, log: KafkaLog) -> None:
        """Process until nothing is left or the next slice is there; then see what is due, and take what comes."""
        if shard.world is not None:
            shard.world.cache = self.place.states_each
        began = time.perf_counter()
        while not self._closing and process(shard, BATCH_RECORDS, self._failed):
            self.place.batches.observe(time.perf_counter() - began)
            done = log.end() - shard.waiting()
            self.processed += done - max(self.done, 0)
            self.done = done
            if self._flush.over():
                shard.begin_flush()
            self.place.bridge.turn.pass_on()
            if not self._inbox.empty():
                break
            began = time.perf_counter()
        else:
            if self._closing:
                return
            self.done = log.end()
        self.beat_s = time.monotonic()
        self.next_due_ms = NEVER if shard.world is None else next_due_ms(shard.world)
        if self.done == log.end() and self._inbox.empty() and self._ticking.tick(self.next_due_ms, self.log_end):
            return
        item = self._next(0 if self.done < log.end() else self._ticking.seconds_left(self.next_due_ms, FLUSH_IDLE_S))
        self._take(item, log)
        while not self._inbox.empty() and log.end() - self.done < BATCH_RECORDS:  # what came meanwhile is one batch
            self._take(self._next(0), log)
        if item is None and self.done == log.end() and shard.world is not None and shard.world.unflushed:
            shard.flush()

    def _take(self, item: Slice | Asked | None, log: KafkaLog) -> None:
        if isinstance(item, tuple):
            records, upto, size = item
            log.take(records, upto=upto)
            self._tell(self._slice_taken, len(records), size)
        elif item is not None:
            item()

    def _next(self, seconds: float) -> Slice | Asked | None:
        """The next thing to do, None if nothing comes in time."""
        if seconds == 0 and self._inbox.empty():
            return None
        with self.place.bridge.turn.given_up():
            try:
                item = self._inbox.get(timeout=seconds)
            except Empty:
                return None
        return item

    def _beat(self) -> None:
        """Say that it lives; raises Closing if it shall not."""
        self.beat_s = time.monotonic()
        if self._closing:
            raise Closing

    def _between(self) -> None:
        self._beat()
        self.place.bridge.turn.pass_on()

    def _tell(self, what: Callable[..., None], *arguments: int) -> None:
        self.place.bridge.loop.call_soon_threadsafe(what, *arguments)
