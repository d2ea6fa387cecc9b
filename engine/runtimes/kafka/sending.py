"""The client that a publisher sends with, in a thread with an event loop of its own.

A client that the cluster refused something is replaced; what waits is sent by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from threading import Thread
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.runtimes.kafka.appending import partitions_of
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.producing import producer_of
from events.envelope import Event

CONNECT_S = 30.0
RECONNECT_S = 1.0


class Waiting(NamedTuple):
    """An event on its way; `value` is its record, `number` tells it from others with its id."""

    number: int
    event: Event
    partition: int
    value: bytes
    at_ms: int


class Sender:
    """Sends to a topic what `take` gives, a few at a time, until it gives nothing; `wake` has it asked again.

    `answered` is told of each, with the error unless it is durable. Both are called in the sender's thread.
    """

    def __init__(
        self,
        connection: Connection,
        topic: str,
        *,
        linger_ms: int,
        take: Callable[[], list[Waiting]],
        answered: Callable[[Waiting, BaseException | None], None],
    ) -> None:
        self._connection, self._topic, self._linger_ms = connection, topic, linger_ms
        self._take, self._answered = take, answered
        self._ending = False
        self._producer: AIOKafkaProducer | None = None
        self._replacing: asyncio.Task[None] | None = None
        self._usable = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="strand-publisher", daemon=True)
        self._thread.start()

    def connect(self) -> int:
        """How many partitions the topic has; raises KafkaError or TimeoutError where no cluster says so."""
        return asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result()

    def wake(self) -> None:
        """Have what waits sent."""
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._send()))

    def end(self, left: Iterable[tuple[Waiting, Exception]], within_s: float) -> None:
        """Disconnect, after `answered` had what is given up; a client that does not come to an end, since the cluster
        is away, is dropped."""

        async def give_up() -> None:
            for waiting, error in left:
                self._loop.call_soon(self._answered, waiting, error)
            await asyncio.sleep(0)  # until they were all called

        async def stop() -> None:
            if self._replacing is not None:
                await self._replacing
            if self._producer is not None:
                await self._producer.stop()

        async def drop() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for each in others:
                each.cancel()
            if others:
                await asyncio.wait(others, timeout=1)

        self._ending = True
        asyncio.run_coroutine_threadsafe(give_up(), self._loop).result()
        try:
            asyncio.run_coroutine_threadsafe(stop(), self._loop).result(within_s)
        except TimeoutError:
            asyncio.run_coroutine_threadsafe(drop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # ------------------------------------------------------------ in the thread
    async def _connect(self) -> int:
        async with asyncio.timeout(CONNECT_S):
            self._producer = await self._started()
            return (await partitions_of(self._producer, [self._topic]))[self._topic]

    async def _started(self) -> AIOKafkaProducer:
        producer = producer_of(self._connection, linger_ms=self._linger_ms)
        try:
            await producer.start()
        except BaseException:  # whatever ends the start, the client would go on by itself
            await producer.stop()
            raise
        self._usable.set()
        return producer

    async def _send(self) -> None:
        """Give the client what waits, until nothing does."""
        while taken := self._take():
            for waiting in taken:
                await self._send_one(waiting)

    async def _send_one(self, waiting: Waiting) -> None:
        await self._usable.wait()
        key = waiting.event.customer_id.encode()
        producer = self._producer
        assert producer is not None
        try:
            sent = await producer.send(
                self._topic, waiting.value, key, partition=waiting.partition, timestamp_ms=waiting.at_ms
            )
        except KafkaError as error:
            self._answered(waiting, error)
            return
        sent.add_done_callback(lambda future: self._acknowledged(producer, waiting, future.exception()))

    def _acknowledged(self, producer: AIOKafkaProducer, waiting: Waiting, error: BaseException | None) -> None:
        if error is not None and producer is self._producer and self._usable.is_set():
            self._usable.clear()
            self._replacing = self._loop.create_task(self._replace(producer))
        self._answered(waiting, error)

    async def _replace(self, producer: AIOKafkaProducer) -> None:
        """A new client: the old one's numbered batches have a hole, after which a broker takes no more of them."""
        await producer.stop()
        while not self._usable.is_set() and not self._ending:
            try:
                self._producer = await self._started()
            except KafkaError:
                await asyncio.sleep(RECONNECT_S)
