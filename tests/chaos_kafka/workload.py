"""The history of a trial, what an engine without faults makes of it, and its way into the topics."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

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
from tests.engine.runtimes.shop import DAY_MS, HOUR_MS, START_MS, event, make_shop, write_lines

PARTITIONS = 6
Moved = tuple[str, str, str, int, str]


@dataclass(frozen=True, slots=True)
class Workload:
    """Each partition's records in order, and the report of a run without faults.

    `transitions` are those after the activation: (customer, segment, to, at_ms, cause), sorted.
    """

    records: dict[int, list[bytes]]
    expected: RunReport
    transitions: list[Moved]


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
    import_files(shop, [write_lines(folder / "history.jsonl", lines)], live_from="2025-01-03")
    with EmbeddedEngine.open(shop) as engine:
        expected = engine.run_until_idle()
    with Workspace.open(shop, owner=False) as workspace:
        records = {facts.partition: facts.log.read(0, 1 << 40) for facts in workspace.facts}
        views = Views(workspace)
        active = views.active()
        assert active is not None
        transitions = [
            (row["customer"], row["name"], row["to"], row["at_ms"], row["cause"])
            for view in views.partitions
            for row in transition_rows(view)
            if row["at_ms"] > active.at_ms
        ]
    return Workload(records, expected, sorted(transitions))


async def publish(clients: Clients, workload: Workload, *, per_second: float) -> None:
    """Append everything in the order of its times, at so many records a second; an activation everywhere at once."""
    topic = clients.connection.topic(INTERACTIONS)
    loop = asyncio.get_running_loop()
    began, total = loop.time(), 0
    waiting: list[asyncio.Future[int]] = []
    activated: set[str] = set()

    async def sent() -> None:
        await asyncio.gather(*waiting)
        waiting.clear()
        await asyncio.sleep(max(0.0, began + total / per_second - loop.time()))

    for at_ms, partition, value in in_order(workload):
        head = head_of(value)
        if head.type == RULEBOOK_ACTIVATED:
            activation = activation_of(read_record(value)[0])
            if activation.id not in activated:
                activated.add(activation.id)
                await sent()
                await append_everywhere(
                    clients, await announce(clients, activation), dict.fromkeys(workload.records, 0)
                )
            continue
        key = head.customer_id.encode() or None
        waiting.append(asyncio.ensure_future(clients.append(topic, partition, value, key=key, at_ms=at_ms)))
        total += 1
        if len(waiting) == 100:
            await sent()
    await sent()


def in_order(workload: Workload) -> list[tuple[int, int, bytes]]:
    """(time, partition, record) of everything, in order of time; within a partition as they stand."""
    merged = [
        (head_of(value).appended_at_ms, partition, value)
        for partition, values in workload.records.items()
        for value in values
    ]
    return sorted(merged, key=lambda each: each[0])
