"""The messages decided on Kafka as files: each leaves the topic of decisions once, whatever ends whichever process.

chunk of a partition -> what readers keep of it -> a file for each message, on the disk -> how far it came, on the disk

A cursor of ours says how far it came: the offset, and the claim and highest position by which the next batch is kept or
dropped. The group's committed offset would say neither, and an agent's is moved on though its handler failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from engine.delivery.message_files import MessageFiles
from engine.kill_points import reach
from engine.outputs import decode_batch
from engine.rulebook.rulebook import Rulebook, unpack
from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.kafka.applying import announced
from engine.runtimes.kafka.claims import Owned, Rule, decode
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, Found
from engine.self_closing import closed_on_failure
from engine.workspace.durable_files import refused, replace_durably
from engine.workspace.lock import OwnerLock
from events.errors import FactsDamaged, OperatorError
from triggers.decisions import START, Decision, Position
from triggers.reasons import Kind

CURSOR = ".kafka-cursor"
CURSOR_VERSION = 1
BY_PARTITION = ("partition",)


class Place(msgspec.Struct, array_like=True):
    """How far a partition was read: the next offset, the newest claim before it, the highest position kept."""

    offset: int = 0
    claim: int = -1
    highest: Position = START


class _Cursor(msgspec.Struct):
    version: int
    cluster: str
    topic: str  # its id
    places: dict[int, Place]


_decode = msgspec.json.Decoder(_Cursor).decode


class KafkaOutbox:
    """A folder of messages that this process owns until `close`; a second one raises WorkspaceBusy.

    Raises OperatorError for a cursor that cannot be read, or is of other topics: to write everything anew is for a
    person to say, since files may have been taken away and sent. `written` counts this process's messages, `dropped`
    those among what it read that had been decided before, or were decided by a worker that was superseded.
    """

    def __init__(self, clients: Clients, found: Found, folder: Path, clock: Clock = wall_clock_ms) -> None:
        self.folder, self.partitions = folder, found.partitions
        self.written = self.dropped = 0
        self._clock = clock
        self._ends: dict[int, int] = {}
        self._read: dict[int, tuple[int, int]] = {}  # up to which offset, and the time before which all is read
        self._clients, self._topic = clients, clients.connection.topic(DECISIONS)
        self._cluster, self._topic_id = found.cluster, found.ids[DECISIONS]
        self._rulebooks: dict[str, Rulebook] = {}
        self._files = MessageFiles(folder, self._rulebooks.get)
        self._files.make_folder()
        self._lock = OwnerLock(folder, what="outbox", beside="one process writes all messages")
        with closed_on_failure(self._lock.release):
            self._places = self._read_cursor()

    async def round(self) -> int:
        """Write the messages that were decided since the last time, and return how many."""
        looked_ms = self._clock()
        self._ends = await self._clients.ends(self._topic, range(self.partitions))
        before = self.written
        for partition, end in self._ends.items():
            place = self._places.setdefault(partition, Place())
            if end < place.offset:
                what = f"partition {partition} of {self._topic} ends before offset {end}, {place.offset} were read"
                raise FactsDamaged(what, "restore the topic: the brokers lost records that they had acknowledged")
            async for chunk in self._clients.read(self._topic, partition, place.offset, end):
                await self._take(partition, chunk)
            self._read[partition] = end, looked_ms
        return self.written - before

    async def _take(self, partition: int, chunk: Iterable[Any]) -> None:
        place = self._places[partition]
        rule = Rule(place.claim, place.highest, named=f"partition {partition} of {self._topic}")
        offset, at_ms = place.offset, 0
        for record in chunk:
            highest, offset, at_ms = rule.highest, record.offset + 1, record.timestamp
            value = record.value or b""
            kept = rule.take(record.offset, value)
            if isinstance(kept, bytes):
                await self._write(kept, highest)
            elif kept is None:
                self.dropped += dropped_in(value)
        self._files.name()
        self._files.sync()
        self._places[partition] = Place(offset, rule.claim, rule.highest)
        reach("before-outbox-place")
        self._keep_places()
        reach("after-outbox-place")
        self._read[partition] = offset, at_ms

    async def _write(self, batch: bytes, after: Position) -> None:
        """Write the messages of a batch beyond a position."""
        for position, decision in messages_in(batch):
            if position <= after:
                self.dropped += 1
                continue
            if decision.rulebook not in self._rulebooks:
                await self._learn_rulebooks()
            self._files.write(position[2], decision)
            self.written += 1

    async def _learn_rulebooks(self) -> None:
        for activation in await announced(self._clients):
            if activation.hash not in self._rulebooks:
                self._rulebooks[activation.hash] = unpack(activation.rulebook)

    def collect(self) -> Iterator[Metric]:
        """What it has done and has yet to do, for Prometheus."""
        yield CounterMetricFamily("strand_outbox_messages", "Messages that were written here", self.written)
        yield CounterMetricFamily("strand_outbox_dropped", "Messages decided again, which were dropped", self.dropped)
        offsets = GaugeMetricFamily("strand_outbox_offset", "Decisions are read up to here", labels=BY_PARTITION)
        lags = GaugeMetricFamily("strand_outbox_lag_records", "Records of decisions to read", labels=BY_PARTITION)
        behind = GaugeMetricFamily("strand_outbox_lag_seconds", "How old those may be at most", labels=BY_PARTITION)
        now_ms = self._clock()
        for partition, end in sorted(self._ends.copy().items()):
            offset, read_ms = self._read.get(partition, (self._places.get(partition, Place()).offset, now_ms))
            labels = (str(partition),)
            offsets.add_metric(labels, offset)
            lags.add_metric(labels, max(end - offset, 0))
            behind.add_metric(labels, max(now_ms - read_ms, 0) / 1000 if end > offset else 0.0)
        yield from (offsets, lags, behind)

    # ------------------------------------------------------------ the cursor
    def _read_cursor(self) -> dict[int, Place]:
        path = self.folder / CURSOR
        action = f"to have every message written once more, remove {path}; else restore it"
        with refused(path):
            written = path.read_bytes() if path.exists() else b""
        if not written:
            return {}
        try:
            cursor = _decode(written)
        except (msgspec.MsgspecError, ValueError) as error:
            raise OperatorError(f"{path}, which says what was written, cannot be read: {error}", action) from None
        if cursor.version != CURSOR_VERSION:
            raise OperatorError(f"{path} is of version {cursor.version}; this release reads {CURSOR_VERSION}", action)
        if (cursor.cluster, cursor.topic) != (self._cluster, self._topic_id):
            raise OperatorError(f"the messages in {self.folder} are of another topic than {self._topic}", action)
        return cursor.places

    def _keep_places(self) -> None:
        cursor = _Cursor(CURSOR_VERSION, self._cluster, self._topic_id, self._places)
        replace_durably(self.folder / CURSOR, msgspec.json.encode(cursor) + b"\n")

    def close(self) -> None:
        """Let another process own the folder."""
        self._lock.release()


def messages_in(batch: bytes) -> Iterator[tuple[Position, Decision]]:
    """The messages of a batch of decisions, and where they stand."""
    for output in decode_batch(batch):
        for decision in output.decisions:
            if decision.kind == Kind.SEND:
                yield output.position, decision


def dropped_in(value: bytes) -> int:
    """How many messages are in an entry that is dropped."""
    entry = decode(value)
    return sum(1 for _ in messages_in(entry.batch)) if isinstance(entry, Owned) else 0
