"""What a worker of one partition leaves in a depot, how old is what is not there, and how much waits for its thread."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.applying import apply_rulebook
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.lane import ROOM_BYTES
from engine.runtimes.kafka.reader import Reader, settings
from engine.runtimes.kafka.worker import Worker
from tests.engine.runtimes.kafka.clusters import make_topics
from tests.engine.runtimes.shop import event, line, make_shop


@asynccontextmanager
async def owning(connection: Connection, folder: Path, depot: Path) -> AsyncIterator[Worker]:
    """A worker of one partition that has done all there is."""
    topic = connection.topic(INTERACTIONS)
    async with Worker(connection, folder, name="w", live=False, depot=str(depot)) as worker:
        consumer = AIOKafkaConsumer(**connection.client, **settings())
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        reading = asyncio.create_task(Reader(consumer, topic, worker.lanes, worker.place.room).run())
        try:
            await worker.assign([0])
            await done(worker)
            yield worker
        finally:
            reading.cancel()
            await consumer.stop()


async def done(worker: Worker) -> None:
    """Wait until a worker has done all there is."""
    upto = await worker.place.clients.ends(worker.connection.topic(INTERACTIONS), [0])
    async with asyncio.timeout(30):
        while not worker.done(upto):
            await asyncio.wait([worker.failed], timeout=0.02)


def test_what_is_in_no_checkpoint_grows_old_and_an_idle_partition_does_not(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    asyncio.run(apply_rulebook(connection, load_rulebook(make_shop(tmp_path / "shop") / "rulebook")))
    depot = tmp_path / "depot"
    depot.write_text("no folder")

    async def working() -> None:
        async with owning(connection, tmp_path / "w", depot) as worker:
            checkpoints, lane = worker.checkpoints, worker.lanes[0]
            assert checkpoints is not None
            first = checkpoints.age_s(lane)
            await checkpoints.leave_all()  # which a file in the depot's place makes fail
            assert checkpoints.age_s(lane) > first
            depot.unlink()
            await checkpoints.leave_all()
            assert (depot.exists(), checkpoints.age_s(lane), checkpoints.age_s(lane)) == (True, 0.0, 0.0)
            order = line(event("o1", "ann", wall_clock_ms()))
            await worker.place.clients.append(connection.topic(INTERACTIONS), 0, order, key=b"ann")
            await done(worker)
            newer = checkpoints.age_s(lane)
            assert 0 <= newer < checkpoints.age_s(lane)
            await checkpoints.leave_all()
            assert checkpoints.age_s(lane) == 0.0

    asyncio.run(working())


def test_large_records_wait_at_the_brokers_while_a_partition_has_no_turn(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    asyncio.run(apply_rulebook(connection, load_rulebook(make_shop(tmp_path / "shop") / "rulebook")))
    large = random.Random(1).randbytes(900_000)

    async def working() -> None:
        async with owning(connection, tmp_path / "w", tmp_path / "depot") as worker:
            lane, clients = worker.lanes[0], worker.place.clients
            with worker.place.bridge.turn:
                for _ in range(2 * ROOM_BYTES // len(large)):
                    await clients.append(connection.topic(INTERACTIONS), 0, large, key=b"ann")
                async with asyncio.timeout(30):
                    while lane.has_room:
                        await asyncio.wait([worker.failed], timeout=0.02)
                assert ROOM_BYTES <= lane._waiting_bytes < 1.2 * ROOM_BYTES
            await done(worker)
            assert worker.lanes[0].has_room
            assert lane._waiting_bytes == 0

    asyncio.run(working())
