"""One trial: records come, workers are struck, and in the end all is as if nothing had happened.

What is compared with a run without faults: what readers keep of the transitions and of the decisions, a fold of
everything from nothing, and the states that the workers have on their disks.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiokafka.errors import KafkaError

from deploy.kafka.cluster import Cluster
from engine.runtimes.embedded.report import RunReport
from engine.runtimes.kafka.claims import Claim, decode
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, TRANSITIONS, Connection
from engine.runtimes.kafka.transitions import Heard
from engine.runtimes.kafka.until_idle import run_until_idle
from tests.chaos_kafka.faults import FAULTS, Stage
from tests.chaos_kafka.processes import Slot
from tests.chaos_kafka.workload import PARTITIONS, Moved, Workload, publish
from tests.engine.runtimes.kafka.clusters import make_topics

CATCH_UP_S = 240.0
PASSING = frozenset({"processed", "seconds", "events_per_second"})
ARRIVALS = frozenset({"events", "duplicates"})
"""A publisher whose broker died may append an event twice, as any publisher may; it counts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`strikes` overlapped work in flight; `claims` were made in all, `entries` appended to the decisions."""

    fault: str
    seed: int
    strikes: int
    deaths: int
    claims: int
    entries: int
    seconds: float


async def trial(
    fault: str,
    seed: int,
    workload: Workload,
    folder: Path,
    *,
    cluster: Cluster,
    prefix: str,
    per_second: float,
    planted: str | None = None,
) -> Outcome:
    """Run one; raises AssertionError where something differs."""
    began = time.monotonic()
    rng = random.Random(seed)
    connection = make_topics(cluster.bootstrap, prefix, PARTITIONS, replication=min(3, len(cluster.nodes)))
    slots = [
        Slot(folder / f"w{number}", number, cluster.bootstrap, prefix, static=seed % 2 == 1, planted=planted)
        for number in range(3)
    ]
    clients = Clients(connection)
    await clients.start()
    try:
        publishing = asyncio.create_task(_publish(slots, clients, workload, per_second))
        ends = dict.fromkeys(workload.records, 0)

        def going() -> bool:
            return not publishing.done()

        def busy(slot: Slot) -> bool:
            return slot.alive and any(offset < ends[partition] for partition, offset in slot.done().items())

        watching = asyncio.create_task(_watch(clients, connection, ends))
        strikes = await FAULTS[fault](Stage(slots, cluster, rng, going, busy))
        await publishing
        watching.cancel()
        for slot in slots:
            if not slot.alive:
                slot.start()
        await _caught_up(slots, clients)
        owners = {partition: slot for slot in slots for partition in slot.done()}
        for slot in slots:
            await asyncio.to_thread(_stop, slot)
        claims, entries = await _appended(clients, connection)
        heard = await _heard(clients, connection)
    finally:
        for slot in slots:
            if slot.alive:
                slot.kill()
        await clients.stop()
    assert heard == workload.transitions, "announced otherwise than without faults"
    passing = PASSING | ARRIVALS if fault == "broker" else PASSING
    await _compare(workload, connection, folder, owners, passing)
    return Outcome(
        fault=fault,
        seed=seed,
        strikes=strikes,
        deaths=sum(slot.deaths for slot in slots),
        claims=claims,
        entries=entries,
        seconds=round(time.monotonic() - began, 1),
    )


async def _publish(slots: Sequence[Slot], clients: Clients, workload: Workload, per_second: float) -> None:
    """Publish once a worker works, so that faults meet work in flight."""
    while True:
        if any(slot.done() for slot in slots):
            break
        await asyncio.sleep(0.1)
    await publish(clients, workload, per_second=per_second)


def _stop(slot: Slot) -> None:
    """End it in order: again where it dies at a place that its last start named."""
    code = slot.stop()
    if code == -signal.SIGKILL:
        slot.start()
        while not slot.said:
            time.sleep(0.1)
        code = slot.stop()
    young = code == -signal.SIGTERM and not slot.said  # it did not listen to signals yet
    assert code == 0 or young, f"w{slot.number} ended with {code}: {slot.last_words()}"


async def _watch(clients: Clients, connection: Connection, ends: dict[int, int]) -> None:
    while True:
        with suppress(KafkaError):
            ends.update(await clients.ends(connection.topic(INTERACTIONS), range(PARTITIONS)))
        await asyncio.sleep(0.1)


async def _caught_up(slots: Sequence[Slot], clients: Clients) -> None:
    """Wait until each partition is with one worker that has done all of it."""
    topic = clients.connection.topic(INTERACTIONS)
    until = time.monotonic() + CATCH_UP_S
    while True:
        ends = await clients.ends(topic, range(PARTITIONS))  # grows where an owner completes an activation
        done = [(partition, offset) for slot in slots for partition, offset in slot.done().items()]
        if sorted(done) == sorted(ends.items()):
            return
        if time.monotonic() > until:
            words = "\n".join(f"w{slot.number}: {slot.last_words()}" for slot in slots)
            raise AssertionError(f"not caught up: {sorted(done)}, must be {sorted(ends.items())}\n{words}")
        for slot in slots:
            if not slot.alive:  # a place to die at that was reached only now
                slot.start()
        await asyncio.sleep(0.2)


async def _appended(clients: Clients, connection: Connection) -> tuple[int, int]:
    """How many claims there are, and how many entries in all."""
    topic = connection.topic(DECISIONS)
    claims = entries = 0
    for partition, end in (await clients.ends(topic, range(PARTITIONS))).items():
        async for chunk in clients.read(topic, partition, 0, end):
            entries += len(chunk)
            claims += sum(isinstance(decode(record.value), Claim) for record in chunk)
    return claims, entries


async def _heard(clients: Clients, connection: Connection) -> list[Moved]:
    """What readers keep of the transitions that were announced, but for those that the activation made."""
    topic = connection.topic(TRANSITIONS)
    found: list[Moved] = []
    for partition, end in (await clients.ends(topic, range(PARTITIONS))).items():
        reader = Heard()
        async for chunk in clients.read(topic, partition, 0, end):
            steps = [step for record in chunk if (step := reader.take(record.value)) is not None]
            found += [
                (step.customer, moved.name, str(moved.after), step.at_ms, step.cause)
                for step in steps
                for moved in step.transitions
                if not step.cause.startswith("activation:")
            ]
    return sorted(found)


async def _compare(
    workload: Workload, connection: Connection, folder: Path, owners: dict[int, Slot], passing: frozenset[str]
) -> None:
    """From the workers' disks, and from nothing."""
    for partition, slot in owners.items():
        shutil.copytree(slot.folder / f"p{partition}", folder / "live" / f"p{partition}")
    live = await run_until_idle(connection, folder / "live", name="live")
    assert live.processed < live.events / 2, "the states on the workers' disks lag far behind"
    folded = await run_until_idle(connection, folder / "folded", name="folded")
    for name, report in (("live", live), ("folded", folded)):
        differences = {
            field: (getattr(report, field), getattr(workload.expected, field))
            for field in RunReport.__dataclass_fields__
            if field not in passing and getattr(report, field) != getattr(workload.expected, field)
        }
        assert not differences, f"{name}: {differences}"
