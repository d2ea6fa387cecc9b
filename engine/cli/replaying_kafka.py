"""What `strand verify` and `strand rebuild` do where the log is on Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.output import progress
from events.errors import CalledWrongly, OperatorError

if TYPE_CHECKING:
    from engine.replay.rebuild import Rebuilt
    from engine.replay.verify import Verified


def verified_on_kafka(
    folder: Path, urls: Sequence[str], partition: int | None, jobs: int | None, *, redecide: bool
) -> Verified:
    """Fold the topics, and compare with what the workers at these URLs hold, if there are any."""
    from engine.replay.partition_jobs import jobs_for
    from engine.runtimes.kafka.asking import Workers
    from engine.runtimes.kafka.connection import look
    from engine.runtimes.kafka.security import connect
    from engine.runtimes.kafka.verifying import records_in, verify

    _, connection = connect(folder)
    there = look(connection).partitions
    if partition is not None and partition >= there:
        raise CalledWrongly(f"--partition must be below {there}, the number of partitions; found {partition}")
    partitions = range(there) if partition is None else [partition]
    live = Workers(urls).states(partitions) if urls else None
    total = records_in(connection, partitions)
    with progress("verifying", total * (2 if redecide else 1)) as advance:
        return verify(folder, partitions, jobs_for(total, jobs), live=live, redecide=redecide, advance=advance)


def prebuilt_on_kafka(folder: Path, urls: Sequence[str], into: str, jobs: int | None, *, accept: bool) -> Rebuilt:
    """Fold every partition into a depot, compared with what the workers at these URLs hold, if there are any."""
    from engine.replay.partition_jobs import jobs_for
    from engine.runtimes.kafka.asking import Workers
    from engine.runtimes.kafka.connection import look
    from engine.runtimes.kafka.prebuilding import prebuild
    from engine.runtimes.kafka.security import connect
    from engine.runtimes.kafka.verifying import records_in

    _, connection = connect(folder)
    partitions = range(look(connection).partitions)
    live = Workers(urls).states(partitions) if urls else None
    total = records_in(connection, partitions)
    with progress("folding", total) as advance:
        return prebuild(folder, partitions, jobs_for(total, jobs), into, live=live, accept=accept, advance=advance)


def rebuilt_on_kafka(folder: Path, urls: Sequence[str], *, accept: bool) -> Rebuilt:
    """Have the workers at these URLs fold every partition anew, one after another, and go on from that where it is
    equal (or `accept`); raises OperatorError for one that no worker has open."""
    from time import perf_counter

    from engine.replay.rebuild import Rebuilt
    from engine.runtimes.kafka.asking import Workers
    from engine.runtimes.kafka.connection import look
    from engine.runtimes.kafka.security import connect

    begun = perf_counter()
    _, connection = connect(folder)
    partitions = look(connection).partitions
    workers = Workers(urls)
    found = []
    with progress("rebuilding", partitions) as advance:
        for partition in range(partitions):
            one = workers.rebuild(partition, accept=accept)
            if one is None:
                raise OperatorError(
                    f"partition {partition} is open in none of {', '.join(workers.urls)}, or was given away meanwhile",
                    "name every worker with --worker, wait until each is ready (/readyz), and run it again",
                )
            found.append(one)
            advance(1)
    switched = any(each.switched for each in found)
    return Rebuilt([each.folded for each in found], switched, perf_counter() - begun)
