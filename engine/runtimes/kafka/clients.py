"""The clients of a worker beside its group's reader: one that appends, one that reads any range."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from engine.runtimes.kafka.administration import no_answer
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.ending import PATIENCE_S, ended
from engine.runtimes.kafka.producing import Outgoing, append_in_order, producer_of
from engine.runtimes.kafka.turn import Bridge
from events.errors import OperatorError

READ_MS = 500
LONGEST_POLL_MS = 10
"""A range ends where it ends; the client's next request, which waits for more, would keep the next range waiting."""

CHUNK_RECORDS = 5_000
SILENT_S = 20.0
"""Without a record of a range that has some, brokers are asked whether they are there."""

DELIVERY_S = 120.0
AGAIN = "see to the cluster and try again; what was appended already is recognised and counts once"


class AppendUnknown(Exception):
    """The broker took an append and does not say where it stands."""


class Clients:
    """Appends durably, in the order asked within a partition if one waits for each; reads ranges.

    `patient` is for what goes on for ever: an append waits until brokers answer, and errors are aiokafka's and
    AppendUnknown. For a person all are OperatorErrors, and an append takes `DELIVERY_S` at most. After one that failed
    the producer is replaced: what it still holds is sent or not.
    """

    def __init__(self, connection: Connection, *, patient: bool = False) -> None:
        self.connection, self._patient = connection, patient
        self._asked_s: dict[object, float] = {}  # since when each append is under way, of the monotonic clock
        self._producer: Any = None
        self._ending: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._reader: Any = None

    async def start(self) -> None:
        """Connect; raises OperatorError where the cluster refuses or does not answer."""
        self._reader = AIOKafkaConsumer(
            **self.connection.client,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=LONGEST_POLL_MS,
        )
        try:
            await answered(self.connection, self._reader.start())
            await answered(self.connection, self._started())
        except BaseException:  # whatever ends the start, clients would go on by themselves
            await self.stop()
            raise

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = producer_of(self.connection)
                await producer.start()
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Send what waits, and disconnect; what brokers that are away do not take in a while is left."""
        ending = [ended(self._producer, "the producer")] if self._producer is not None else []
        if self._reader is not None:
            ending.append(ended(self._reader, "the reader"))
        await asyncio.gather(*ending)
        if self._ending:
            await asyncio.wait(self._ending, timeout=PATIENCE_S)

    def waits_s(self) -> float:
        """For how long the oldest append that is under way has been."""
        return time.monotonic() - min(self._asked_s.values(), default=time.monotonic())

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """The body appends; for a person in time or not at all, and errors are told in words."""
        this = object()
        self._asked_s[this] = time.monotonic()
        try:
            async with asyncio.timeout(None if self._patient else DELIVERY_S):
                with self._told():
                    yield
        except TimeoutError as error:
            raise unanswered(self.connection, DELIVERY_S) from error
        finally:
            del self._asked_s[this]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (KafkaError, AppendUnknown) as error:
            if self._patient:
                raise
            raise no_answer(self.connection, repr(error)) from error

    # ------------------------------------------------------------ appending
    async def append(
        self, topic: str, partition: int, value: bytes, *, key: bytes | None = None, at_ms: int | None = None
    ) -> int:
        """Append one record and return its offset once all replicas in sync have it."""
        async with self._in_time():
            producer = await self._started()
            try:
                sent = await producer.send(topic, value, key=key, partition=partition, timestamp_ms=at_ms)
                offset: int = (await sent).offset
            except KafkaError:
                self._replace(producer)
                raise
            if offset < 0:
                raise AppendUnknown(f"{topic} {partition}: appended at an unknown offset")
            return offset

    async def append_all(self, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
        """Append records in order; after an error a prefix of them is there."""
        async with self._in_time():
            producer = await self._started()
            try:
                await append_in_order(producer, topic, partition, records)
            except KafkaError:
                self._replace(producer)
                raise

    def _replace(self, producer: Any) -> None:
        if self._producer is producer:
            self._producer = None
            ending = asyncio.create_task(_end(producer))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    # ------------------------------------------------------------ reading
    async def ends(self, topic: str, partitions: Sequence[int]) -> dict[int, int]:
        """The offset of the next record of each partition, past whatever transactions are open."""
        with self._told():
            found = await self._reader.end_offsets([TopicPartition(topic, partition) for partition in partitions])
        return {place.partition: offset for place, offset in found.items()}

    async def has(self, topic: str) -> bool:
        """Whether the cluster has a topic."""
        with self._told():
            return topic in await self._reader.topics()

    async def begins(self, topic: str, partitions: Sequence[int]) -> dict[int, int]:
        """The offset of the first record that is still there, of each partition."""
        with self._told():
            found = await self._reader.beginning_offsets([TopicPartition(topic, partition) for partition in partitions])
        return {place.partition: offset for place, offset in found.items()}

    async def read(self, topic: str, partition: int, start: int, stop: int) -> AsyncIterator[list[Any]]:
        """The records of a range in chunks; raises OffsetOutOfRangeError if its beginning is gone.

        A transaction that is open is waited for; brokers that do not answer are not.
        """
        place = TopicPartition(topic, partition)
        while start < stop:
            async with self._reading:  # others may read other ranges between two chunks
                self._reader.assign([place])
                self._reader.seek(place, start)
                found: list[Any] = []
                asked_s = time.monotonic()
                while not found and start < stop:
                    with self._told():
                        fetched = await self._reader.getmany(place, timeout_ms=READ_MS, max_records=CHUNK_RECORDS)
                        found = fetched.get(place, [])
                        start = await self._reader.position(place)
                    if not found and time.monotonic() - asked_s > SILENT_S:
                        await self.ends(topic, [partition])
                        asked_s = time.monotonic()
            chunk = [record for record in found if record.offset < stop]
            if chunk:
                yield chunk


async def answered(connection: Connection, starting: Awaitable[object]) -> None:
    """Wait for a client to start; raises OperatorError where the cluster refuses or does not answer."""
    try:
        await starting
    except KafkaError as error:
        raise no_answer(connection, repr(error)) from error


def unanswered(connection: Connection, seconds: float) -> OperatorError:
    """What a person is told whose append was not acknowledged in time."""
    what = f"no answer from {connection.bootstrap} in {seconds:.0f} s; what was sent may be appended or not"
    return OperatorError(what, AGAIN)


async def _end(producer: Any) -> None:
    """Send what a producer still holds, or give it up: whoever waits for it hears."""
    with suppress(KafkaError):
        await producer.stop()


class PartitionTopic:
    """One partition of a topic to a thread that waits: `engine.runtimes.kafka.decisions.Topic`."""

    def __init__(self, clients: Clients, bridge: Bridge, topic: str, partition: int) -> None:
        self._clients, self._bridge = clients, bridge
        self._topic, self._partition = topic, partition

    def append(self, value: bytes, *, at_ms: int | None = None) -> int:
        """Append one value, and return its offset once it is durable; `at_ms` is its timestamp."""
        return self._bridge.wait(self._clients.append(self._topic, self._partition, value, at_ms=at_ms))

    def append_all(self, records: Sequence[Outgoing]) -> None:
        """Append records in order, and return once all are durable."""
        self._bridge.wait(self._clients.append_all(self._topic, self._partition, records))

    def read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(offset, value) of everything from `start` on, before `stop`."""
        chunks = self._clients.read(self._topic, self._partition, start, stop)

        async def following() -> list[Any] | None:
            return await anext(chunks, None)

        while (chunk := self._bridge.wait(following())) is not None:
            for record in chunk:
                yield record.offset, record.value or b""

    def begin(self) -> int:
        """The offset of the first value that is still there."""
        return self._bridge.wait(self._clients.begins(self._topic, [self._partition]))[self._partition]

    def end(self) -> int:
        """The offset that the next value will have."""
        return self._bridge.wait(self._clients.ends(self._topic, [self._partition]))[self._partition]
