"""What a worker keeps: bytes an event and a customer on disks, and memory; for whoever orders machines.

The shop's events are those of every benchmark: page views, messages opened, orders of two items.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from engine import disk_usage
from engine.bench import kafka_worker
from engine.bench.figures import Figure
from engine.bench.kafka_stand import PARTITIONS, Program, broker, new_topics, publish, wait_until
from engine.bench.machine import resident_mb
from engine.bench.stand import Scale, apart
from engine.bench.tuning import Tuned, tuned, untuned
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import ACTIVATIONS, DECISIONS, INTERACTIONS, TRANSITIONS, Connection

CUSTOMERS, EVENTS = 16_000, 160_000
SEGMENTS = 100
MANY = 36
"""Partitions of a worker that is compared with one of `PARTITIONS`, both without events."""


def bench(scale: Scale) -> list[Figure]:
    """One worker with all of a shop, and two that have partitions and nothing in them."""
    rulebook = untuned(SEGMENTS) if scale.quick else tuned(SEGMENTS)
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    with broker() as bootstrap:
        connection = new_topics(bootstrap, rulebook.packed)
        lengths = apart(_filled, connection, rulebook, customers, events)
        with TemporaryDirectory() as folder:
            memory_mb = taken(connection, Path(folder), events + PARTITIONS)
            copy, states = (bytes_in(Path(folder), part) for part in ("copy", "derived"))
        topics = topic_bytes(connection)
        few_mb, many_mb = (_idle_mb(bootstrap, rulebook, count) for count in (PARTITIONS, MANY))
    log, decisions, transitions = (topics[name] / events for name in (INTERACTIONS, DECISIONS, TRANSITIONS))
    note = f"{events:,} events of {customers:,} customers, {PARTITIONS} partitions, {SEGMENTS} segments, 20 triggers"
    return [
        _figure("an event in the log", log, "bytes", f"{note}; zstd, on each broker; {lengths:.0f} as sent"),
        _figure("its decisions in the stream", decisions, "bytes", "on each broker that has them"),
        _figure("its transitions in their topic", transitions, "bytes", "likewise"),
        _figure("an event in a worker's copy", copy / events, "bytes", "its decisions too"),
        _figure("a customer in a worker's store", states / customers, "bytes", "state, timers, its transitions"),
        _figure(
            "a partition's memory", (many_mb - few_mb) / (MANY - PARTITIONS), "MB",
            f"{few_mb:.0f} MB with {PARTITIONS} and {many_mb:.0f} MB with {MANY} partitions without events; "
            f"{memory_mb:.0f} MB at the end of the shop",
        ),
    ]  # fmt: skip


def _figure(name: str, value: float, unit: str, note: str) -> Figure:
    return Figure(bench="sizes", name=name, value=value, unit=unit, note=note)


def _filled(connection: Connection, rulebook: Tuned, customers: int, events: int) -> float:
    publish(connection, rulebook.records(customers, events))
    return sum(map(len, rulebook.records(customers, events))) / events


def taken(connection: Connection, folder: Path, records: int) -> float:
    """A worker takes everything and ends; its memory before that, in MB."""
    with Program(kafka_worker.command(connection, folder, "sizes"), folder=folder) as worker:
        wait_until([worker], records)
        return resident_mb(worker.pid)[0]


def _idle_mb(bootstrap: str, rulebook: Tuned, partitions: int) -> float:
    connection = new_topics(bootstrap, rulebook.packed, partitions=partitions)
    with TemporaryDirectory() as folder:
        return taken(connection, Path(folder), partitions)


def bytes_in(folder: Path, part: str) -> int:
    """What a part of every partition takes in a worker's folder."""
    return sum(map(disk_usage.bytes_in, folder.glob(f"p*/{part}")))


def topic_bytes(connection: Connection) -> dict[str, int]:
    """What each topic takes on all brokers' disks, as they say."""
    wanted = {connection.topic(name): name for name in (INTERACTIONS, DECISIONS, TRANSITIONS, ACTIVATIONS)}
    found = dict.fromkeys(wanted.values(), 0)
    brokers = administer(connection, lambda admin: admin.describe_log_dirs())
    directories = [directory for broker in brokers for directory in broker["log_dirs"]]
    for topic in (topic for directory in directories for topic in directory["topics"]):
        if topic["name"] in wanted:
            found[wanted[topic["name"]]] += sum(partition["partition_size"] for partition in topic["partitions"])
    return found
