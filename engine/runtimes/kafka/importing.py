"""A Kafka cluster as an import's destination. The log itself tells how far an import came: each of its records has a
header with the input's identity and its row, and a partition's rows stand in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kafka import TopicPartition

from engine.importing.destination import Progress, Row
from engine.importing.judged import Judged
from engine.importing.report import ImportReport
from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.appending import Appender
from engine.runtimes.kafka.applying import announced, append_everywhere, apply_rulebook, latest_by_partition
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import ACTIVATIONS, INTERACTIONS
from engine.runtimes.kafka.door import declared_types
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.topic_differences import refuse_unsafe
from engine.runtimes.kafka.topics import DEAD_LETTERS
from engine.self_closing import SelfClosing, closed_on_failure
from events.codec import Activation, head_of
from events.schema import Fields

HEADER = "import"
IDENTITY_BYTES, ROW_BYTES = 16, 8
CHUNK_OFFSETS = 5_000


class KafkaDestination(SelfClosing):
    """A `Destination`; raises OperatorError where the topics would lose facts or the cluster does not answer.

    Two processes must not import the same input at the same time.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        settings, self.connection = connect(folder)
        refuse_unsafe(self.connection, partitions=settings.partitions)
        self._clock = clock
        self._events, self._letters = self.connection.topic(INTERACTIONS), self.connection.topic(DEAD_LETTERS)
        self._mark = b""
        self._appender = Appender(self.connection, (self._events, self._letters, self.connection.topic(ACTIVATIONS)))
        with closed_on_failure(self.close):
            latest = latest_by_partition(self.connection, settings.partitions)
            self.declared: Mapping[str, Fields] | None = declared_types(self._appender)
        self.journey_ms = [latest[partition] for partition in range(settings.partitions)]

    # ------------------------------------------------------------ activations
    def first_active_ms(self) -> int | None:
        there = self._appender.with_clients(announced)
        return there[0].at_ms if there else None

    def activate(self, rulebook: Rulebook, at_ms: int) -> Activation:
        activation = self._appender.run(apply_rulebook(self.connection, rulebook, at_ms, clock=self._clock))
        self.journey_ms = [max(journey_ms, at_ms) for journey_ms in self.journey_ms]
        return activation

    def complete_activation(self) -> None:
        """One that is there already counts as a tick the second time."""

        async def complete(clients: Clients) -> None:
            for activation in (await announced(clients))[-1:]:
                await append_everywhere(clients, activation, dict(enumerate(self.journey_ms)))

        self._appender.with_clients(complete)

    # ------------------------------------------------------------ how far it came
    def known(self, files: str, began: float) -> ImportReport | None:
        return None

    def remember(self, files: str, report: ImportReport) -> None:
        """The records tell."""

    def progress(self, judged: Judged) -> Progress:
        total, partitions = len(judged), len(self.journey_ms)
        self._mark = bytes.fromhex(judged.identity)[:IDENTITY_BYTES]
        if not total:
            return Progress(begun=False, next=[0] * partitions)
        begins = self._first_not_before(int(judged.times_ms[0]))
        found = [self._last_marked(self._events, partition, begins[partition]) for partition in range(partitions)]
        if not any(found):
            return Progress(begun=False, next=found)
        last = {partition: row + 1 for row, partition in enumerate(judged.partition_of_row.tolist())}
        return Progress(
            begun=True,
            next=[total if there >= last.get(partition, 0) else there for partition, there in enumerate(found)],
        )

    def _first_not_before(self, at_ms: int) -> list[int | None]:
        """For each partition the offset of the first record of that time or later, None without one."""
        places = [TopicPartition(self._events, partition) for partition in range(len(self.journey_ms))]
        asked = dict.fromkeys(places, at_ms)
        found = administer(self.connection, lambda admin: admin.list_partition_offsets(asked))
        return [found[place].offset if found[place].offset >= 0 else None for place in places]

    def _last_marked(self, topic: str, partition: int, begin: int | None) -> int:
        """The row after the last one of this input between an offset and the end, 0 if there is none."""
        if begin is None:
            return 0

        async def search(clients: Clients) -> int:
            stop = (await clients.ends(topic, [partition]))[partition]
            while stop > begin:
                start = max(begin, stop - CHUNK_OFFSETS)
                rows = [
                    self._next_row(each)
                    async for chunk in clients.read(topic, partition, start, stop)
                    for each in chunk
                ]
                if any(rows):
                    return max(rows)
                stop = start
            return 0

        return self._appender.with_clients(search)

    def _next_row(self, record: Any) -> int:
        """The row after a record's, 0 if it is not of this input."""
        return next(
            (
                int.from_bytes(value[IDENTITY_BYTES:]) + 1
                for name, value in record.headers
                if name == HEADER and value.startswith(self._mark) and len(value) == IDENTITY_BYTES + ROW_BYTES
            ),
            0,
        )

    # ------------------------------------------------------------ appending
    def keep(self, letters: Sequence[tuple[int, bytes]]) -> None:
        numbered: dict[int, list[tuple[int, bytes]]] = {}
        for number, (partition, letter) in enumerate(letters):
            numbered.setdefault(partition, []).append((number, letter))
        for partition, each in numbered.items():
            there = self._last_marked(self._letters, partition, 0)
            now_ms = self._clock()
            left = [self._outgoing(number, None, letter, now_ms) for number, letter in each if number >= there]
            self._appender.append(self._letters, {partition: left})

    def append(self, rows: Mapping[int, Sequence[Row]], end: int) -> None:
        self._appender.append(self._events, {partition: list(self._keyed(each)) for partition, each in rows.items()})

    def _keyed(self, rows: Sequence[Row]) -> Iterable[Outgoing]:
        for row, record, at_ms in rows:
            yield self._outgoing(row, head_of(record).customer_id.encode(), record, at_ms)

    def _outgoing(self, row: int, key: bytes | None, value: bytes, at_ms: int) -> Outgoing:
        return Outgoing(key, value, at_ms, [(HEADER, self._mark + row.to_bytes(ROW_BYTES))])

    def finish(self, total: int) -> None:
        """The records tell."""

    # ------------------------------------------------------------ the connection
    def close(self) -> None:
        self._appender.close()
