"""What is found out about a trial's topics and folders when it is over, in processes that are forked for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from pathlib import Path

from engine.adapters.rocksdb_storage import RocksStorage
from engine.outputs import decode_batch, kept
from engine.runtimes.embedded.report import RunReport
from engine.runtimes.kafka import claims
from engine.runtimes.kafka.claims import Claim, decode
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, TRANSITIONS, Connection, look
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.transitions import Heard
from engine.runtimes.kafka.until_idle import run_until_idle
from events.fold_version import FOLD_VERSION
from tests.chaos_kafka.planted import BOTH, PLANTED
from tests.chaos_kafka.worker import install
from tests.chaos_kafka.workload import Moved
from tests.simulation.protocol.oracle import Range, decide_again
from tests.simulation.protocol.partition import Library
from triggers.decisions import MARK, START

BATCH_RECORDS = 2_000

Settled = dict[tuple[int, int], int]
"""(partition, claim) -> the offset before which all was said to be done under it."""


def plant(name: str | None) -> None:
    """Have this process's reader make a planted fault, if it is one of readers."""
    if name in BOTH:
        PLANTED[name]()


def report(connection: Connection, folder: Path, build: int, planted: str | None) -> RunReport:
    """What a worker of a build reports that goes on from a folder, an empty one for nothing, until all is done."""
    plant(planted)
    install(build)
    return asyncio.run(run_until_idle(connection, folder, name=folder.name))


def need_settled(connection: Connection, settled: Settled, planted: str | None) -> tuple[int, int]:
    """How many claims there are in the decisions, and how many entries in all.

    Raises AssertionError where readers keep something later that lies before what an earlier claim's owner had done.
    """
    plant(planted)
    entries = claimed = 0
    for partition in range(look(connection).partitions):
        rule, done = claims.Rule(), {-1: START}  # claim -> all that earlier ones had done
        for offset, value in _read_all(connection, partition):
            entries += 1
            entry, highest = decode(value), rule.highest
            taken = rule.take(offset, value)
            if isinstance(entry, Claim):
                claimed += 1
                last = max(done)
                done[offset] = max(done[last], (settled.get((partition, last), 0) - 1, MARK, ""))
            elif isinstance(taken, bytes):
                first = next(output.position for output in decode_batch(taken) if output.position > highest)
                where = f"partition {partition}: {first} was decided under claim {entry.claim}"
                assert first > done[entry.claim], f"{where}, all up to {done[entry.claim]} was before"
    return claimed, entries


def need_as_decided(connection: Connection, folder: Path, partition: int, planted: str | None) -> None:
    """Raises AssertionError unless the partition's decisions are those of its claims' builds, each in its own range."""
    plant(planted)
    ranges, rule, build = list[Range](), claims.Rule(), 0
    for offset, value in _read_all(connection, partition):
        entry = decode(value)
        if isinstance(entry, Claim):
            build = entry.fold_version - FOLD_VERSION
        if isinstance(rule.take(offset, value), bytes):
            if ranges and ranges[-1].build == build:
                ranges[-1].upto = rule.highest
            else:
                ranges.append(Range(rule.highest, build))
    followed = Followed(folder, partition, look(connection), RocksStorage(owner=True))
    with closing(followed):
        asyncio.run(followed.read_topics(connection))
        recorded = [output for output in kept(followed.decisions.read()) if output.decisions]
        wanted = decide_again(followed.log, ranges, Library(), batch=BATCH_RECORDS, partition=partition)
    for want, found in zip(wanted, recorded, strict=False):
        assert want == found, f"partition {partition}: must be {want}, was {found}"
    assert len(wanted) == len(recorded), f"partition {partition}: {len(wanted)} steps decided, {len(recorded)} there"


def need_announced(connection: Connection, transitions: list[Moved], _planted: str | None) -> None:
    """Raises AssertionError unless readers keep these transitions, beside those that the activation made."""
    found: list[Moved] = []
    for partition in range(look(connection).partitions):
        reader = Heard()
        for _, value in _read_all(connection, partition, TRANSITIONS):
            step = reader.take(value)
            if step is not None and not step.cause.startswith("activation:"):
                found += [
                    (step.customer, moved.name, str(moved.after), step.at_ms, step.cause) for moved in step.transitions
                ]
    lost, more = Counter(transitions) - Counter(found), Counter(found) - Counter(transitions)
    assert not lost and not more, f"announced otherwise: missing {list(lost)[:3]}, too many {list(more)[:3]}"


def _read_all(connection: Connection, partition: int, name: str = DECISIONS) -> list[tuple[int, bytes]]:
    """(offset, value) of everything in a partition of a topic."""

    async def reading() -> list[tuple[int, bytes]]:
        clients = Clients(connection)
        await clients.start()
        try:
            topic = connection.topic(name)
            end = (await clients.ends(topic, [partition]))[partition]
            chunks = clients.read(topic, partition, 0, end)
            return [(record.offset, record.value or b"") async for chunk in chunks for record in chunk]
        finally:
            await clients.stop()

    return asyncio.run(reading())
