"""The history of a trial, what an engine without faults makes of it, and its way into the topics."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from engine.importing.importer import import_files
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.report import RunReport
from engine.runtimes.kafka.applying import announce, append_everywhere
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS
from engine.views.partition import Views
from engine.views.rows import transition_rows
from engine.workspace.workspace import Workspace
from events.codec import activation_of, head_of, read_record
from events.envelope import RULEBOOK_ACTIVATED
from tests.engine.runtimes.kafka.clusters import records_of
from tests.engine.runtimes.shop import DAY_MS, HOUR_MS, START_MS, event, make_shop, outbox, write_lines

PARTITIONS = 6
Moved = tuple[str, str, str, int, str]
SLOWER = 5
SENT_RECORDS = 60
"""Records that are sent together: a few of each partition, less than a batch of a producer holds."""


@dataclass(frozen=True)
class Workload:
    """Each partition's records in order; the report of a run without faults, and the shop that it was made in.

    `transitions` are those after the activation: (customer, segment, to, at_ms, cause), sorted.
    """

    records: dict[int, list[bytes]]
    expected: RunReport
    transitions: list[Moved]
    shop: Path

    @cached_property
    def messages(self) -> dict[str, bytes]:
        """The messages of that run, by file name: made when they are asked for, since they take as long as the run."""
        (self.shop / "strand.toml").write_text(f"partitions = {PARTITIONS}\n")
        with EmbeddedEngine.open(self.shop) as engine:
            engine.drive.deliver()
        return outbox(self.shop)

    @cached_property
    def ordered(self) -> list[tuple[int, int, bytes]]:
        """(time, partition, record) of everything, in order of time; within a partition as they stand."""
        merged = [
            (head_of(value).appended_at_ms, partition, value)
            for partition, values in self.records.items()
            for value in values
        ]
        return sorted(merged, key=lambda each: each[0])


def make_workload(folder: Path, *, events: int, seed: int) -> Workload:
    """A shop's history of about so many events: orders at random, some of them twice; every order is answered."""
    rng = random.Random(seed)
    customers = [f"c{number}" for number in range(400)]
    lines = [
        event(f"profile-{name}", name, START_MS, "profile_updated", email=f"{name}@mail.example") for name in customers
    ]
    at_ms = START_MS + HOUR_MS
    while len(lines) < events:
        at_ms += rng.randrange(40 * DAY_MS * 2 // events)
        name = rng.choice(customers)
        order = event(f"o{len(lines)}", name, at_ms, total=rng.randrange(1, 50))
        lines += [order, order] if rng.random() < 0.03 else [order]
    shop = make_shop(folder / "shop", partitions=PARTITIONS)
    with (shop / "strand.toml").open("a") as settings:
        settings.write('[delivery]\noutbox = ""\n')
    import_files(shop, [write_lines(folder / "history.jsonl", lines)], live_from="2025-01-03")
    with EmbeddedEngine.open(shop) as engine:
        expected = engine.run_until_idle()
    with Workspace.open(shop, owner=False) as workspace:
        records = {facts.partition: records_of(facts.log) for facts in workspace.facts}
        views = Views(workspace)
        active = views.active()
        assert active is not None
        transitions = [
            (row["customer"], row["name"], row["to"], row["at_ms"], row["cause"])
            for view in views.partitions
            for row in transition_rows(view)
            if row["at_ms"] > active.at_ms
        ]
    return Workload(records, expected, sorted(transitions), shop)


async def publish(clients: Clients, workload: Workload, *, seconds: float, enough: Callable[[], bool]) -> None:
    """Append everything in the order of its times within so many seconds; an activation everywhere at once.

    The second half comes slower for as long as there is not `enough` of what a trial is for: a busy machine is slow.
    """
    loop = asyncio.get_running_loop()
    began, total, each = loop.time(), 0, seconds / len(workload.ordered)
    activated: set[str] = set()
    producer = AIOKafkaProducer(**clients.connection.client, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        batches = _Batches(producer, clients.connection.topic(INTERACTIONS))
        for at_ms, partition, value in workload.ordered:
            head = head_of(value)
            if head.type == RULEBOOK_ACTIVATED:
                activation = activation_of(read_record(value)[0])
                if activation.id not in activated:
                    activated.add(activation.id)
                    await batches.send()
                    await append_everywhere(
                        clients, await announce(clients, activation), dict.fromkeys(workload.records, 0)
                    )
                continue
            total += 1
            if batches.add(partition, value, key=head.customer_id.encode() or None, at_ms=at_ms):
                await batches.send()
                if total > len(workload.ordered) / 2 and not enough():
                    began += SLOWER * SENT_RECORDS * each
                await asyncio.sleep(max(0.0, began + total * each - loop.time()))
        await batches.send()
    finally:
        await producer.stop()


class _Batches:
    """Records that wait to be sent together: one batch a partition."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic
        self._batches: dict[int, Any] = {}
        self._waiting = 0

    def add(self, partition: int, value: bytes, *, key: bytes | None, at_ms: int) -> bool:
        """Add one; whether so many wait that they should be sent."""
        if partition not in self._batches:
            self._batches[partition] = self._producer.create_batch()
        taken = self._batches[partition].append(timestamp=at_ms, key=key, value=value)
        assert taken is not None, "more than a batch may hold"
        self._waiting += 1
        return self._waiting == SENT_RECORDS

    async def send(self) -> None:
        """Send what waits, and return once all replicas in sync have it."""
        waiting, self._batches, self._waiting = self._batches, {}, 0
        sent = [
            await self._producer.send_batch(batch, self._topic, partition=partition)
            for partition, batch in waiting.items()
        ]
        await asyncio.gather(*sent)
