"""A reader's own copy of a partition, from the topics alone: it claims nothing, decides nothing and asks no worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, Connection, Found
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.local import LocalPartition, binding_of
from engine.runtimes.kafka.log import KafkaLog
from events.errors import CalledWrongly, FactsDamaged

if TYPE_CHECKING:
    from engine.adapters.rocksdb_storage import RocksStorage


class Followed:
    """One partition as a reader has it: `log` and `decisions` go as far as it has caught up. One thread at a time.

    `between` is called before each read of the log in a row.
    """

    def __init__(
        self,
        folder: Path,
        partition: int,
        found: Found,
        storage: RocksStorage,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self.partition = partition
        self.binding = binding_of(found)
        self.local = LocalPartition(folder, partition, self.binding, storage)
        self._arrived = _Arrived()
        self.log = KafkaLog(self.local.copy, between, partition=partition, partitions=found.partitions)
        self.decisions = KafkaDecisions(self._arrived, self.local.copy, named=f"partition {partition} of decisions")

    async def catch_up(self, clients: Clients) -> None:
        """Read both topics to their present ends: the decisions first, so that the log holds all that was decided on.

        Raises FactsDamaged if a topic has lost its beginning or its end.
        """
        topic = clients.connection.topic(DECISIONS)
        end = await self._checked_end(clients, topic, self.decisions.count())
        async for chunk in clients.read(topic, self.partition, self.decisions.count(), end):
            self._arrived.entries = [(record.offset, record.value or b"") for record in chunk]
            self.decisions.catch_up(chunk[-1].offset + 1)
        self._arrived.entries = []
        self.decisions.catch_up(end)
        topic = clients.connection.topic(INTERACTIONS)
        end = await self._checked_end(clients, topic, self.log.end())
        async for chunk in clients.read(topic, self.partition, self.log.end(), end):
            self.log.take(chunk)
        self.log.take((), upto=end)

    async def _checked_end(self, clients: Clients, topic: str, known: int) -> int:
        begin = (await clients.begins(topic, [self.partition]))[self.partition]
        end = (await clients.ends(topic, [self.partition]))[self.partition]
        if begin > 0 or end < known:
            what = (
                f"begins at offset {begin}" if begin else f"ends before offset {end}, records before {known} were read"
            )
            raise FactsDamaged(
                f"partition {self.partition} of {topic} {what}", "restore the topic: records that were kept are gone"
            )
        return end

    async def read_topics(self, connection: Connection) -> None:
        """As `catch_up`, with clients of its own."""
        clients = Clients(connection)
        await clients.start()
        try:
            await self.catch_up(clients)
        finally:
            await clients.stop()

    def close(self) -> None:
        """Release the copy."""
        self.local.close()


class _Arrived:
    """What was fetched of a topic last, as a `Topic` to read only."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, bytes]] = []

    def append(self, value: bytes) -> int:
        raise CalledWrongly("a reader appends nothing")

    def read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return (entry for entry in self.entries if start <= entry[0] < stop)

    def end(self) -> int:
        raise CalledWrongly("a reader asks the brokers where a topic ends")
