"""What `strand verify` and `strand rebuild` do where the log is on Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.output import progress
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.replay.verify import Verified


def verified_on_kafka(
    folder: Path, urls: Sequence[str], partition: int | None, jobs: int | None, *, redecide: bool
) -> Verified:
    """Fold the topics, and compare with what the workers at these URLs hold, if there are any."""
    from engine.replay.partition_jobs import jobs_for
    from engine.runtimes.kafka.asking import Workers
    from engine.runtimes.kafka.connection import look
    from engine.runtimes.kafka.security import connect
    from engine.runtimes.kafka.verifying import live_states, records_in, verify

    _, connection = connect(folder)
    there = look(connection).partitions
    if partition is not None and partition >= there:
        raise CalledWrongly(f"--partition must be below {there}, the number of partitions; found {partition}")
    partitions = range(there) if partition is None else [partition]
    live = live_states(Workers(urls), partitions) if urls else None
    total = records_in(connection, partitions)
    with progress("verifying", total * (2 if redecide else 1)) as advance:
        return verify(folder, partitions, jobs_for(total, jobs), live=live, redecide=redecide, advance=advance)
