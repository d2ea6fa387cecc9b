"""Latency on Kafka: from an event's arrival at its publisher until a reader of the decisions sees it decided.

Arrivals are open-loop, as in `latency.py`. Whoever publishes and whoever reads the decisions is one process, so both
ways to the broker and back are in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.bench import kafka_worker
from engine.bench.kafka_decided import Decided
from engine.bench.kafka_stand import PARTITIONS, Program, new_topics, placed, publish, wait_until
from engine.bench.latency import Waits, arrivals_at
from engine.bench.stand import Scale, apart
from engine.bench.tuning import Tuned
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.producing import Outgoing, append_in_order, producer_of

CUSTOMERS, EVENTS = 8_000, 80_000
TICK_S = 0.002
PATIENCE_S = 60.0


def measured(scale: Scale, rulebook: Tuned, bootstrap: str, rate: float) -> list[Waits]:
    """A worker that has taken the first half of a shop's events, at so many a second of the second half."""
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    return [
        one_round(rulebook, bootstrap, customers, events, arrivals_at(rate, events - events // 2, number))
        for number in scale.rounds
    ]


def one_round(rulebook: Tuned, bootstrap: str, customers: int, events: int, arrivals: list[float]) -> Waits:
    """A worker that takes the first half of the events, however quickly, and then the second as it arrives."""
    connection = apart(_half, bootstrap, rulebook, customers, events)
    with TemporaryDirectory() as folder:
        worker = Program(kafka_worker.command(connection, Path(folder), "bench"), folder=Path(folder))
        with worker:
            wait_until([worker], events // 2 + PARTITIONS)
            return apart(arriving, connection, rulebook, customers, events, arrivals)


def _half(bootstrap: str, rulebook: Tuned, customers: int, events: int) -> Connection:
    connection = new_topics(bootstrap, rulebook.packed)
    records = rulebook.records(customers, events)
    publish(connection, (next(records) for _ in range(events // 2)))
    return connection


def arriving(connection: Connection, rulebook: Tuned, customers: int, events: int, arrivals: list[float]) -> Waits:
    """Publish the second half as it arrives (in seconds from now), and see when it is decided."""
    records = list(rulebook.records(customers, events))[events // 2 :]
    return asyncio.run(_arriving(connection, records, arrivals))


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that arrives so many seconds after the beginning."""

    at_s: float
    record: Outgoing


@dataclass(frozen=True, slots=True)
class Sent:
    """Events that went to a partition together, by when they arrived; `first` is the offset of the first."""

    partition: int
    first: int
    arrived_s: list[float]


async def _arriving(connection: Connection, records: list[bytes], arrivals: list[float]) -> Waits:
    parts: list[list[Arrival]] = [[] for _ in range(PARTITIONS)]
    for record, at_s in zip(records, arrivals, strict=True):
        partition, outgoing = placed(record)
        parts[partition].append(Arrival(at_s, outgoing))
    producer = producer_of(connection)
    await producer.start()
    try:
        async with Decided(connection) as decided:
            began, topic = time.perf_counter(), connection.topic(INTERACTIONS)
            publishing = (_publish(producer, topic, number, part, began) for number, part in enumerate(parts))
            sent = [each for found in await asyncio.gather(*publishing) for each in found]
            last = {each.partition: each.first + len(each.arrived_s) - 1 for each in sent}
            await decided.reaches(last, PATIENCE_S)
    finally:
        await producer.stop()
    waits = []
    for each in sent:
        for place, arrived_s in enumerate(each.arrived_s):
            seen = decided.at(each.partition, each.first + place)
            assert seen is not None
            waits.append(seen - began - arrived_s)
    return Waits.of(waits)


async def _publish(producer: Any, topic: str, partition: int, arrivals: Sequence[Arrival], began: float) -> list[Sent]:
    """Send what has arrived at a partition, wait for the answer, and again, until all is sent; as `KafkaPublisher`
    does, whose batches are what came while the one before was on its way."""
    sent: list[Sent] = []
    taken = 0
    while taken < len(arrivals):
        now_s = time.perf_counter() - began
        if arrivals[taken].at_s > now_s:
            await asyncio.sleep(max(arrivals[taken].at_s - now_s, TICK_S))
            continue
        end = taken + 1
        while end < len(arrivals) and arrivals[end].at_s <= now_s:
            end += 1
        batch = arrivals[taken:end]
        offsets = await append_in_order(producer, topic, partition, [each.record for each in batch])
        sent.append(Sent(partition, offsets[0], [each.at_s for each in batch]))
        taken = end
    return sent
