"""How many events a second one worker and two take, beside what counts the same topic and the shards embedded.

All read the same topic of the same broker, from its beginning; what counts is the second half. The broker has the
same cores as they.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory

from engine.bench import kafka_worker
from engine.bench.kafka_stand import PARTITIONS, Program, new_topics, publish, rate, wait_until
from engine.bench.live import drive
from engine.bench.rebuild import TURNS, bare_seconds
from engine.bench.stand import Scale, Stand, Watch, apart, groups
from engine.bench.tuning import Tuned
from engine.runtimes.collector import calm_collector
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from events.codec import head_of
from events.errors import OperatorError
from events.partitioning import partition_of

CUSTOMERS, EVENTS = 16_000, 160_000
SLOW_PART = 0.1
"""Stock Faust takes so much of the topic for one measurement; the others all of it."""

QUIX_PYTHON = "QUIX_PYTHON"
QUIX_HERE = Path(".quix/bin/python")


@dataclass(slots=True)
class Rates:
    """Events a second, by round; `usual` is one worker's over usual traffic.

    `quix` is empty where it is not installed; `bare` how two loops scale.
    """

    one: list[float] = field(default_factory=list)
    usual: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)
    faust: list[float] = field(default_factory=list)
    quix: list[float] = field(default_factory=list)
    embedded: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def measured(scale: Scale, rulebook: Tuned, usual: Tuned, bootstrap: str) -> Rates:
    """Every contestant once a round, in turn."""
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    python = quix_python()
    rates = Rates()
    for _ in scale.rounds:
        with TemporaryDirectory() as folder:
            topics = [apart(filled, bootstrap, each, customers, events) for each in (rulebook, rulebook, usual)]
            one, two = [Path(folder) / "one"], [Path(folder) / "a", Path(folder) / "b"]
            rates.one.append(taken_by_workers(topics[0], one, events))
            rates.faust.append(counted_by_faust(topics[0], Path(folder) / "faust", events))
            if python is not None:
                rates.quix.append(counted_by_quix(python, topics[0], Path(folder) / "quix", events))
            rates.usual.append(taken_by_workers(topics[2], [Path(folder) / "usual"], events))
            rates.two.append(taken_by_workers(topics[1], two, events))
        rates.embedded.append(apart(embedded, rulebook, customers, events))
        loop, loops = (bare_seconds(scale.of(TURNS), count) for count in (1, 2))
        rates.bare.append(2 * loop / loops)
    return rates


def filled(bootstrap: str, rulebook: Tuned, customers: int, events: int) -> Connection:
    """New topics with a shop's events in them."""
    connection = new_topics(bootstrap, rulebook.packed)
    publish(connection, rulebook.records(customers, events))
    return connection


def taken_by_workers(connection: Connection, folders: Sequence[Path], events: int) -> float:
    """Of a group with a worker in each folder."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                Program(kafka_worker.command(connection, folder, folder.name), folder=folder)
            )
            for folder in folders
        ]  # fmt: skip
        return rate(wait_until(workers, events), events // 2, events)


def counted_by_faust(connection: Connection, folder: Path, events: int) -> float:
    """Of a stock Faust worker, over the first part of the topic."""
    first = connection.bootstrap.split(",")[0]
    arguments = [first, connection.topic(INTERACTIONS), str(PARTITIONS), str(folder)]
    enough = int(events * SLOW_PART)
    return _counted([sys.executable, "-m", "engine.bench.kafka_faust", *arguments], folder, enough)


def counted_by_quix(python: Path, connection: Connection, folder: Path, events: int) -> float:
    """Of Quix Streams, whose state is a folder of its own."""
    script = Path(__file__).with_name("kafka_quix.py")
    arguments = [connection.bootstrap, connection.topic(INTERACTIONS), str(folder)]
    return _counted([str(python), str(script), *arguments], folder, events - PARTITIONS * 250)


def _counted(command: list[str], folder: Path, enough: int) -> float:
    program = Program(command, folder=folder)
    program.start()
    try:
        return rate(wait_until([program], enough), enough // 2, enough)
    finally:
        program.stop(SIGKILL)


def embedded(rulebook: Tuned, customers: int, events: int) -> float:
    """Of the same shards in one process, each with its own log, a batch at a time in turn."""
    parts: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for record in rulebook.records(customers, events):
        parts[partition_of(head_of(record).customer_id, PARTITIONS)].append(record)
    with TemporaryDirectory() as folder, ExitStack() as stack, calm_collector():
        shards = []
        for partition in range(PARTITIONS):
            (Path(folder) / f"p{partition}").mkdir()
            stand = stack.enter_context(Stand(Path(folder) / f"p{partition}", rulebook.packed))
            shards.append(stand.on_disk())
        batches = [list(groups(iter(part))) for part in parts]
        turns = [
            (shard, batch)
            for number in range(max(map(len, batches)))
            for shard, own in zip(shards, batches, strict=True)
            for batch in own[number : number + 1]
        ]
        watch, counted = Watch(), 0
        for number, (shard, batch) in enumerate(turns):
            if number < len(turns) // 2:
                drive(shard, [batch])
                continue
            counted += len(batch)
            with watch:
                drive(shard, [batch])
        with watch:
            for shard in shards:
                shard.flush()
    return counted / watch.seconds


def quix_python() -> Path | None:
    """The interpreter that has quixstreams; None where there is none."""
    named = os.environ.get(QUIX_PYTHON)
    if named and not Path(named).is_file():
        raise OperatorError(f"{QUIX_PYTHON} names {named}, which is no file", "run `make quix`, or unset it")
    found = Path(named) if named else QUIX_HERE
    return found.absolute() if found.is_file() else None
