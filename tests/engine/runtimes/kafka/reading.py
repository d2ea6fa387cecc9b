"""What stands in a topic, read as a test does: everything, and as the engine does: as records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.topics import found_topics
from engine.runtimes.kafka.values import Copying
from events.codec import read_record
from events.envelope import Event


class Record(NamedTuple):
    """An event in the log."""

    partition: int
    offset: int
    event: Event
    appended_at_ms: int


def in_topic(connection: Connection, name: str) -> dict[int, list[Any]]:
    """Every record of a topic as the client gives it, by partition."""
    topic = connection.topic(name)
    partitions = administer(connection, lambda admin: found_topics(admin, [topic]))[topic].partitions
    return asyncio.run(_read(connection, [TopicPartition(topic, partition) for partition in range(partitions)]))


def in_log(connection: Connection) -> Iterator[Record]:
    """Every record of the log, partition by partition, as a worker's copy has it."""
    found = in_topic(connection, INTERACTIONS)
    for partition, records in sorted(found.items()):
        copying = Copying(0, 0, -1, partition, len(found))
        copying.take(records)
        for offset, value in enumerate(copying.values):
            yield Record(partition, offset, *read_record(value))


async def _read(connection: Connection, places: list[TopicPartition]) -> dict[int, list[Any]]:
    async with AIOKafkaConsumer(**connection.client, enable_auto_commit=False) as consumer:
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        found: dict[int, list[Any]] = {place.partition: [] for place in places}
        while any(len(found[place.partition]) < ends[place] for place in places):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[place.partition] += records
        return found
