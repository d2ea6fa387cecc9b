"""A worker that takes every partition, processes all there is, and reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.hashes import MODULUS, as_text
from engine.runtimes.collector import calm_collector
from engine.runtimes.embedded.report import RunReport, added_up, report_of
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.ending import ended
from engine.runtimes.kafka.reader import Reader, settings
from engine.runtimes.kafka.turn import quick_loop
from engine.runtimes.kafka.worker import Worker

POLL_S = 0.02


async def run_until_idle(connection: Connection, folder: Path, *, name: str, depot: str | None = None) -> RunReport:
    """Process every record that was there at the start, write what gathered, and report over all partitions.

    With a `depot`, partitions that are not in `folder` are taken from there, and checkpoints are left at the end.

    Raises RecordFailed where a partition stands before a record, once the others are done.
    Reads no clock and writes no ticks: `applying.tick` lets time pass before.
    """
    began = time.perf_counter()
    with calm_collector(), quick_loop():
        async with Worker(connection, folder, name=name, live=False, depot=depot) as worker:
            return await _processed(worker, connection, began)


async def _processed(worker: Worker, connection: Connection, began: float) -> RunReport:
    topic = connection.topic(INTERACTIONS)
    consumer = AIOKafkaConsumer(**connection.client, **settings())
    await consumer.start()
    reading = asyncio.create_task(Reader(consumer, topic, worker.lanes, worker.place.room).run())
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(worker.partitions)])
        upto = await worker.place.clients.ends(topic, range(worker.partitions))
        await worker.assign(range(worker.partitions))
        while not worker.done(upto):
            await asyncio.wait([worker.failed, reading], timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            for each in (worker.failed, reading):
                if each.done():
                    each.result()
        for standing in worker.standing.values():
            raise standing
        report = await report_over(worker, began=began)
        if worker.checkpoints is not None:
            await worker.checkpoints.leave_all()
        return report
    finally:
        reading.cancel()
        await ended(consumer, "the reader")


async def report_over(worker: Worker, *, began: float) -> RunReport:
    """The report over a worker's partitions, at the largest journey time among them."""
    lanes = list(worker.lanes.values())
    asked = [lane.ask(lambda shard: 0 if shard.world is None else shard.world.meta.journey_ms) for lane in lanes]
    as_of_ms = max([await asyncio.wrap_future(each) for each in asked], default=0)
    processed = sum(lane.processed for lane in lanes)
    seconds = time.perf_counter() - began
    reports = [
        await asyncio.wrap_future(
            lane.ask(lambda shard: report_of([shard], as_of_ms=as_of_ms, processed=processed, seconds=seconds))
        )
        for lane in lanes
    ]
    return summed(reports)


def summed(reports: Sequence[RunReport]) -> RunReport:
    """One report over the partitions of several, which agree on the time."""
    decisions: dict[str, dict[str, int]] = {}
    for report in reports:
        for kind, reasons in report.decisions.items():
            counts = decisions.setdefault(kind, {})
            for reason, count in reasons.items():
                counts[reason] = counts.get(reason, 0) + count
    return replace(
        reports[0],
        events=sum(report.events for report in reports),
        duplicates=sum(report.duplicates for report in reports),
        dead_letters=sum(report.dead_letters for report in reports),
        unknown_types=added_up(report.unknown_types for report in reports),
        customers=sum(report.customers for report in reports),
        transitions=sum(report.transitions for report in reports),
        messages=sum(report.messages for report in reports),
        decisions={kind: dict(sorted(reasons.items())) for kind, reasons in sorted(decisions.items())},
        state_hash=added(report.state_hash for report in reports),
        decisions_hash=added(report.decisions_hash for report in reports),
    )


def added(hashes: Iterable[str]) -> str:
    """The sum of hashes, as text."""
    return as_text(sum(int(each, 16) for each in hashes) % MODULUS)
