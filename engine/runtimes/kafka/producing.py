"""The producer that everything is appended with, and how several records are appended in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.kill_points import reach
from engine.runtimes.kafka.connection import Connection

BATCH_BYTES = 512 * 1024  # brokers take a megabyte by default


class Outgoing(NamedTuple):
    """A record to append."""

    key: bytes | None
    value: bytes
    at_ms: int
    headers: Sequence[tuple[str, bytes]] = ()


def producer_of(connection: Connection, *, linger_ms: int = 0) -> AIOKafkaProducer:
    """A producer that loses and doubles nothing: acknowledged by all replicas in sync, idempotent."""
    return AIOKafkaProducer(
        **connection.client,
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",  # a fifth less to keep than lz4, and a fifth of its time as aiokafka compresses
        max_batch_size=BATCH_BYTES,
        linger_ms=linger_ms,
    )


async def append_in_order(producer: Any, topic: str, partition: int, records: Sequence[Outgoing]) -> list[int]:
    """Append records to a partition in one batch or a few, each acknowledged before the next is sent, so that a failure
    leaves a prefix; returns their offsets. Raises KafkaError."""
    offsets: list[int] = []
    while len(offsets) < len(records):
        batch = producer.create_batch()
        count = 0
        for record in records[len(offsets) :]:
            if not batch.append(
                key=record.key, value=record.value, timestamp=record.at_ms, headers=list(record.headers)
            ):
                break
            count += 1
        assert count, "a batch holds any event"
        reach("before-send")
        first = (await (await producer.send_batch(batch, topic, partition=partition))).offset
        reach("after-send")
        if first < 0:  # sent twice, and the broker no longer knows where the first stands
            raise KafkaError(f"{topic} {partition}: appended at an unknown offset")
        offsets += range(first, first + count)
    return offsets
