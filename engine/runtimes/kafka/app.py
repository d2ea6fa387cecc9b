"""The worker as a Faust app: its life, its group, its web pages; records do not pass through Faust.

Faust gives an event to an agent in a task of its own, acknowledges those whose agent failed, and drops what was queued
when partitions change hands. So one service reads the group's partitions in slices (`reader.py`), and what is ours is
decided by claims, not by the group: a partition that is taken away is worked on until somebody else has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.app.base import BootStrategy
from typing_extensions import override

from engine.runtimes.kafka.assignor import FurthestFirst
from engine.runtimes.kafka.clients import answered
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.ending import ended
from engine.runtimes.kafka.hearing import Hearing
from engine.runtimes.kafka.reader import Reader, settings
from engine.runtimes.kafka.rivalry import Rivalry
from engine.runtimes.kafka.worker import Worker
from events.errors import OperatorError

GROUP = "workers"
SESSION_MS = 6_000
HEARTBEAT_MS = 1_000
NEVER_MS = 2**31 - 1
GAUGE_S = 5.0
CHECKPOINT_S = 60.0
ERRORS_S = 1.0
WEB_PORT = 6066

log = logging.getLogger(__name__)


class Boot(BootStrategy):
    """Without Faust's own consumer and producer."""

    enable_kafka = False


class StrandApp(faust.App):
    """Faust's app, as the worker starts it; raises OperatorError where its pages cannot be served."""

    BootStrategy = Boot

    @override
    async def start(self) -> None:
        try:
            await super().start()
        except OSError as error:
            where = f"{self.conf.web_bind}:{self.conf.web_port}"
            action = "name another place with --web, or end what is served there"
            raise OperatorError(f"no pages can be served at {where}: {error}", action) from error


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no annotations
    """Hears from the group whose partitions are whose."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """A change has begun: what is being fetched is dropped. What is claimed is ours until somebody claims it."""
        self._group.reader.pause()
        self._group.changing = True

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """These are ours now."""
        self._group.assigned(place.partition for place in assigned)


class Group(faust.Service):
    """Reads the partitions that the group gives this worker; `failed` is done once it cannot go on.

    `instance` is a name that stays over restarts: a worker that comes back in time gets its partitions back without
    a change for the others. Of two that live with one name, one ends.
    """

    def __init__(self, app: faust.App, worker: Worker, *, instance: str | None, session_ms: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app, self.worker = app, worker
        self.rebalances = 0
        self.changing = True
        self._running: set[asyncio.Task[None]] = set()
        connection = worker.connection
        self.topic = connection.topic(INTERACTIONS)
        self.consumer = AIOKafkaConsumer(
            **connection.client,
            **settings(),
            group_id=connection.topic(GROUP),
            group_instance_id=instance or None,  # an empty one is a name too, and shared
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(HEARTBEAT_MS, session_ms // 3),
            rebalance_timeout_ms=session_ms,
            max_poll_interval_ms=NEVER_MS,  # lanes may be busy for long; the loop never is
            partition_assignment_strategy=(FurthestFirst(worker.copied),),
        )
        self.reader = Reader(self.consumer, self.topic, worker.lanes, worker.place.room)
        self._rivalry = Rivalry(instance, session_ms / 1000) if instance else None
        self.hearing = Hearing(worker.place.clients, self.topic, lambda: worker.assigned)

    async def on_start(self) -> None:
        """Join the group; raises OperatorError where the cluster refuses or does not answer."""
        self.consumer.subscribe([self.topic], listener=Listener(self))
        await answered(self.worker.connection, self.consumer.start())
        self._spawn(self._read())
        self._spawn(self._gauge())
        self._spawn(self._hear_errors())
        self._spawn(self.hearing.run())
        if self.worker.checkpoints is not None:
            self._spawn(self.worker.checkpoints.run(CHECKPOINT_S))

    def assigned(self, partitions: Iterable[int]) -> None:
        """The group's decision; lanes change in the background, so that heartbeats go on."""
        self.rebalances += 1
        self.changing = False
        if self._rivalry is not None:
            self._rivalry.joined(str(self.consumer._coordinator.member_id))  # noqa: SLF001 -- told nowhere else
            if self._rivalry.lost:
                self.worker.fail(self._rivalry.error())
        self.reader.resume()
        self.worker.assigned = frozenset(partitions)
        self._spawn(self.worker.settle())

    async def _read(self) -> None:
        await self.reader.run()

    async def _gauge(self) -> None:
        """Commit what is done, for people to see the lag; nothing goes by it."""
        while True:
            await asyncio.sleep(GAUGE_S)
            mine = self.consumer.assignment()
            places = {TopicPartition(self.topic, lane.partition): lane.done for lane in self.worker.lanes.values()}
            done = {place: OffsetAndMetadata(at, "") for place, at in places.items() if place in mine and at > 0}
            if done and not self.changing:  # the client forgets who it is when one is refused while it joins
                with suppress(KafkaError, IllegalStateError):
                    await self.consumer.commit(done)

    async def _hear_errors(self) -> None:
        """Take the errors of joining the group: the client does nothing until somebody does, and whoever fetches asks
        it for nothing while the group changes. Raises OperatorError once it has given up."""
        coordinator = self.consumer._coordinator  # noqa: SLF001 -- a fetch alone would ask it
        while True:
            await asyncio.sleep(ERRORS_S)
            try:
                coordinator.check_errors()
            except KafkaError as error:
                if coordinator._coordination_task.done():  # noqa: SLF001 -- as above
                    what = f"the client of the group has ended by itself: {error}"
                    raise OperatorError(what, "start this worker again; nothing is lost") from error
                log.warning("the group is joined again: %r", error)

    def _spawn(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.worker.fail(error)

    async def on_stop(self) -> None:
        """End every lane after its batch, write states, then leave the group."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.worker.revoke()
        await ended(self.consumer, "the group's reader")


def make_app(connection: Connection, *, data: Path, web_host: str, web_port: int | None) -> StrandApp:
    """The app of a worker, or of what runs beside; it must be started in the loop in which it is made."""
    return StrandApp(
        connection.topic(GROUP),
        broker="kafka://" + connection.bootstrap.split(",")[0],  # named only: no client of Faust's connects
        datadir=str(data),
        loop=asyncio.get_running_loop(),
        web_enabled=web_port is not None,
        web_port=web_port or WEB_PORT,
        web_bind=web_host,
        topic_disable_leader=True,
        worker_redirect_stdouts=False,
    )
