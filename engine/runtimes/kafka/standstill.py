"""A record that our own code fails at: its partition stands before it, and nothing is skipped; the others go on.

The log is the truth and whoever folds it again comes to the same record, so only another release gets past it. Records
that failed together are taken again one by one: all before the one are decided, as ever.
"""

from __future__ import annotations

from concurrent.futures import CancelledError

from aiokafka.errors import KafkaError

from engine.runtimes.kafka.clients import AppendUnknown
from engine.runtimes.kafka.decisions import Superseded
from engine.runtimes.kafka.shard import ClaimedShard
from events.codec import head_of
from events.errors import InputRefused, OperatorError

NONE = range(0)

PASSING = (Superseded, KafkaError, AppendUnknown)
"""What ends a lane and not the worker: another owner, or brokers that will answer again."""

KNOWN = (OperatorError, OSError, MemoryError, CancelledError, *PASSING)
"""What is no fault of a record: it says itself what to do, or passes."""


class RecordFailed(OperatorError):
    """Our code failed at one of these records of a partition; `__cause__` is how."""

    def __init__(self, partition: int, records: range, record: str, error: Exception) -> None:
        action = (
            "give the makers what the log says of it, install a release that can fold it, and start again; nothing was "
            "skipped, and the other partitions go on"
        )
        place = f"partition {partition} stands before offset {records.start}"
        super().__init__(f"{place}, {record}: {type(error).__name__}: {error}", action)
        self.partition = partition
        self.records = records

    @property
    def alone(self) -> bool:
        """Whether it is known which record it is."""
        return len(self.records) == 1


def process(shard: ClaimedShard, most: int, failed: range) -> int:
    """`Shard.process` of at most so many records, one by one where they `failed` together before; raises RecordFailed
    for an error that is no known one."""
    first = following(shard)
    if first in failed:
        most = 1
    elif first < failed.start:
        most = min(most, failed.start - first)
    try:
        return shard.process(most)
    except KNOWN:
        raise
    except Exception as error:
        if shard.sending:
            raise
        first = following(shard)
        count = 1 if shard.world is None else min(most, shard.log.end() - first)
        raise RecordFailed(shard.partition, range(first, first + count), said_of(shard, first), error) from error


def open_shard(shard: ClaimedShard) -> None:
    """`Shard.open`; raises RecordFailed for an error that is no known one."""
    try:
        shard.open()
    except KNOWN:
        raise
    except Exception as error:
        first = following(shard)
        what = f"while it is folded up to offset {shard.position[0]}"
        raise RecordFailed(shard.partition, range(first, first + 1), what, error) from error


def following(shard: ClaimedShard) -> int:
    """The offset of the next record that is processed; the first activation's before any."""
    if shard.world is not None:
        return shard.world.meta.applied + 1
    return next(iter(shard.activations.offsets()), 0)


def said_of(shard: ClaimedShard, offset: int) -> str:
    """Which record it is, for people."""
    try:
        head = head_of(shard.log.get(offset))
    except InputRefused:
        return "which is no event"
    return f"{head.type} {head.id} of customer {head.customer_id}" if head.customer_id else head.type
