"""Appends records to topics for whoever waits for it: commands, which have no event loop of their own.

What is appended to a partition at once stands there in order, and a failure leaves a prefix.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.runtimes.kafka.administration import no_answer
from engine.runtimes.kafka.clients import AGAIN, DELIVERY_S, Clients, unanswered
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.ending import ended
from engine.runtimes.kafka.producing import Outgoing, append_in_order, producer_of
from engine.self_closing import SelfClosing, closed_on_failure
from engine.workspace.settings import Settings
from events.errors import OperatorError

T = TypeVar("T")


class Appender(SelfClosing):
    """A connection that appends; `partitions` has the number of each topic's. Use as a context manager, by one thread.

    Raises OperatorError where the cluster does not answer in time, has no such topic or refuses.
    """

    def __init__(self, connection: Connection, topics: Sequence[str], *, delivery_s: float = DELIVERY_S) -> None:
        self.connection = connection
        self.partitions: dict[str, int] = {}
        self._delivery_s = delivery_s
        self._runner = asyncio.Runner()
        self._producer: AIOKafkaProducer | None = None
        with closed_on_failure(self.close):
            self.run(self._in_time(self._connect(topics)))

    def append(self, topic: str, records: Mapping[int, Sequence[Outgoing]]) -> dict[int, list[int]]:
        """Append records to partitions, in order, and return their offsets once all replicas in sync have them."""
        return self.run(self._in_time(self._append(topic, records)))

    def with_clients(self, work: Callable[[Clients], Coroutine[Any, Any, T]]) -> T:
        """Do something that also reads."""

        async def working() -> T:
            clients = Clients(self.connection)
            await clients.start()
            try:
                return await work(clients)
            finally:
                await clients.stop()

        return self.run(working())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do what takes an event loop; the client's errors become OperatorErrors."""
        try:
            return self._runner.run(work)
        except TimeoutError as error:
            raise unanswered(self.connection, self._delivery_s) from error
        except KafkaError as error:
            raise no_answer(self.connection, repr(error), AGAIN) from error

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(self._delivery_s):
            return await work

    async def _connect(self, topics: Sequence[str]) -> None:
        self._producer = producer_of(self.connection)
        await self._producer.start()
        self.partitions = await partitions_of(self._producer, topics)

    async def _append(self, topic: str, records: Mapping[int, Sequence[Outgoing]]) -> dict[int, list[int]]:
        assert self._producer is not None
        sent = await asyncio.gather(
            *(append_in_order(self._producer, topic, partition, records[partition]) for partition in records)
        )
        return dict(zip(records, sent, strict=True))

    def close(self) -> None:
        """Disconnect."""
        try:
            if self._producer is not None:
                self._runner.run(ended(self._producer, "the connection"))
        finally:
            self._producer = None
            self._runner.close()


async def partitions_of(producer: AIOKafkaProducer, topics: Sequence[str]) -> dict[str, int]:
    """How many partitions topics have; raises OperatorError for one that is not there."""
    cluster = await producer.client.fetch_all_metadata()
    found = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
    missing = [topic for topic, count in found.items() if not count]
    if missing:
        raise OperatorError(f"the cluster has no topic {', '.join(missing)}", "run `strand topics create`")
    return found


def refuse_another_count(topic: str, found: int, settings: Settings) -> None:
    """Raise OperatorError where settings say another number of partitions than a topic has."""
    if "partitions" in settings.model_fields_set and settings.partitions != found:
        what = f"{topic} has {found} partitions, and the settings say {settings.partitions}"
        action = "`strand topics check` tells which is wrong: topic, or strand.toml, or STRAND_PARTITIONS"
        raise OperatorError(f"{what}: events would go where nobody looks for them", action)
