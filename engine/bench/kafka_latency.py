"""Latency on Kafka: from an event's arrival at its publisher until a reader of the decisions sees it decided.

Arrivals are open-loop, as in `latency.py`. Whoever publishes and whoever reads the decisions is one process, so both
ways to the broker and back are in it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.bench import kafka_worker
from engine.bench.kafka_decided import Decided
from engine.bench.kafka_stand import PARTITIONS, Program, new_topics, publish, wait_until
from engine.bench.latency import Waits, arrivals_at
from engine.bench.stand import Scale, apart
from engine.bench.tuning import Tuned
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.producing import producer_of
from events.codec import head_of
from events.partitioning import partition_of

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
class Sent:
    """Events that went to a partition together, by their numbers; `answer` will say where the first one stands."""

    partition: int
    numbers: list[int]
    answer: Any


async def _arriving(connection: Connection, records: list[bytes], arrivals: list[float]) -> Waits:
    producer = producer_of(connection)
    await producer.start()
    try:
        async with Decided(connection) as decided:
            began = time.perf_counter()
            sent = await _publish(producer, connection.topic(INTERACTIONS), records, arrivals)
            places = [(each.partition, (await each.answer).offset, each.numbers) for each in sent]
            last = {partition: first + len(numbers) - 1 for partition, first, numbers in places}
            await decided.reaches(last, PATIENCE_S)
    finally:
        await producer.stop()
    waits = []
    for partition, first, numbers in places:
        for place, number in enumerate(numbers):
            seen = decided.at(partition, first + place)
            assert seen is not None
            waits.append(seen - began - arrivals[number])
    return Waits.of(waits)


async def _publish(producer: Any, topic: str, records: list[bytes], arrivals: list[float]) -> list[Sent]:
    """Send what has arrived, again and again, without waiting for answers, until all is sent."""
    heads = [head_of(record) for record in records]
    homes = [partition_of(head.customer_id, PARTITIONS) for head in heads]
    sent: list[Sent] = []
    began, taken = time.perf_counter(), 0
    while taken < len(records):
        now = time.perf_counter() - began
        if arrivals[taken] > now:
            await asyncio.sleep(max(arrivals[taken] - now, TICK_S))
            continue
        numbers: dict[int, list[int]] = {}
        batches: dict[int, Any] = {}
        while taken < len(records) and arrivals[taken] <= now:
            home, head = homes[taken], heads[taken]
            if home not in batches:
                batches[home], numbers[home] = producer.create_batch(), []
            key = head.customer_id.encode()
            if not batches[home].append(key=key, value=records[taken], timestamp=head.appended_at_ms):
                break  # full; the rest goes with the next
            numbers[home].append(taken)
            taken += 1
        for home, batch in batches.items():
            batch.close()
            sent.append(Sent(home, numbers[home], await producer.send_batch(batch, topic, partition=home)))
        await asyncio.sleep(0)
    return sent
