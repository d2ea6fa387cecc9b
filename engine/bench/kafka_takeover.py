"""A planned restart: how long a worker's partitions are without decisions, with a million customers in its store.

From the signal to end until an event that comes when the worker has ended is decided in every partition: the last
flush, a new interpreter, the group, the stores, the index of ids, the claims.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.bench.kafka_decided import Decided
from engine.bench.kafka_stand import PARTITIONS, Program, new_topics, publish
from engine.bench.stand import Scale, apart
from engine.bench.tuning import Tuned
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.kafka.appending import Appender
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.producing import Outgoing
from events.codec import encode_record
from events.durations import DAY_MS
from events.envelope import Event
from events.partitioning import partition_of

CUSTOMERS, FEW = 1_000_000, 20_000
PREPARING_S, PATIENCE_S = 1_800.0, 60.0


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds from the signal: until the old process had ended, until all partitions decided again."""

    ended_s: float
    decided_s: float


def customers_of(scale: Scale) -> int:
    """How many are in the store."""
    return FEW if scale.quick else CUSTOMERS


def measured(scale: Scale, rulebook: Tuned, bootstrap: str) -> list[Restart]:
    """At a million, or a few."""
    return restarts(rulebook, bootstrap, customers_of(scale), len(scale.rounds))


def restarts(rulebook: Tuned, bootstrap: str, customers: int, times: int) -> list[Restart]:
    """The same worker, restarted so many times."""
    at_ms = wall_clock_ms() - DAY_MS
    connection = apart(_filled, bootstrap, rulebook, customers, at_ms)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        lines = [f'log = "kafka://{connection.bootstrap}"', f"partitions = {PARTITIONS}", "[kafka]"]
        (home / "strand.toml").write_text("\n".join([*lines, f'prefix = "{connection.prefix}"', ""]))
        command = [sys.executable, "-m", "engine.cli", "worker", "--instance", "bench", "--workspace", folder]
        with Program(command, folder=home) as worker:
            return asyncio.run(_restarts(connection, worker, times))


def _filled(bootstrap: str, rulebook: Tuned, customers: int, at_ms: int) -> Connection:
    connection = new_topics(bootstrap, rulebook.packed, at_ms=at_ms)
    publish(connection, _profiles(customers, at_ms))
    return connection


def _profiles(customers: int, from_ms: int) -> Iterator[bytes]:
    """One event of each customer, all within a day: each has a state, and each id is one of the last 30 days."""
    for who in range(customers):
        at_ms = from_ms + 1 + who * (DAY_MS - 60_000) // customers
        name = f"c{who:07d}"
        data = {"city": f"city{who % 20}", "email": f"{name}@shop.example", "time_zone": "Europe/Riga"}
        event = Event(id=f"p{who}", type="profile_updated", customer_id=name, occurred_at_ms=at_ms, data=data)
        yield encode_record(event, at_ms)


async def _restarts(connection: Connection, worker: Program, times: int) -> list[Restart]:
    found = []
    async with Decided(connection) as decided:
        await decided.reaches(await asyncio.to_thread(_probe, connection, "before"), PREPARING_S)
        for number in range(times):
            began = time.perf_counter()
            await asyncio.to_thread(worker.stop)
            ended = time.perf_counter()
            probes = asyncio.create_task(asyncio.to_thread(_probe, connection, f"probe{number}"))
            worker.start()
            places = await probes
            await decided.reaches(places, PATIENCE_S)
            seen = [decided.at(partition, offset) for partition, offset in places.items()]
            found.append(Restart(ended - began, max(each for each in seen if each is not None) - began))
    return found


def _probe(connection: Connection, name: str) -> dict[int, int]:
    """Append an event to every partition; partition -> its offset."""
    topic, at_ms = connection.topic(INTERACTIONS), wall_clock_ms()
    named = {partition_of(f"{name}-{number}", PARTITIONS): f"{name}-{number}" for number in range(64)}
    records = {
        partition: [
            Outgoing(
                customer.encode(),
                encode_record(
                    Event(id=name, type="page_viewed", customer_id=customer, occurred_at_ms=at_ms, data={"url": "/"}),
                    at_ms,
                ),
                at_ms,
            )
        ]
        for partition, customer in named.items()
    }
    with Appender(connection, (topic,)) as appender:
        return {partition: offsets[0] for partition, offsets in appender.append(topic, records).items()}
