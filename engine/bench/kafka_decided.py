"""Up to where the decisions of each partition are durable, as somebody who reads the topic sees it."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.bench.kafka_stand import PARTITIONS
from engine.outputs import decode_batch
from engine.runtimes.kafka.claims import Owned, decode
from engine.runtimes.kafka.connection import DECISIONS, Connection
from triggers.decisions import MARK

POLL_MS = 200


class Decided:
    """Reads the decisions from now on; `marks` has (offset, seconds on the wall) by partition: when it was seen that
    all records up to that offset are decided."""

    def __init__(self, connection: Connection) -> None:
        self._places = [TopicPartition(connection.topic(DECISIONS), each) for each in range(PARTITIONS)]
        self._consumer: Any = AIOKafkaConsumer(
            **connection.client, enable_auto_commit=False, auto_offset_reset="latest", fetch_max_wait_ms=POLL_MS
        )
        self.marks: dict[int, list[tuple[int, float]]] = {partition: [] for partition in range(PARTITIONS)}
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_end(*self._places)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._consumer.stop()

    async def _listen(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=POLL_MS)
            now = time.perf_counter()
            for place, records in found.items():
                for record in records:
                    entry = decode(record.value)
                    if isinstance(entry, Owned):
                        offset, kind, *_ = decode_batch(entry.batch)[-1].position
                        if kind == MARK:
                            self.marks[place.partition].append((offset, now))
            self._news.set()

    async def reaches(self, offsets: Mapping[int, int], timeout_s: float) -> None:
        """Wait until all of these records are decided; raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while any(self.at(partition, offset) is None for partition, offset in offsets.items()):
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait([news, self._listening], return_when=asyncio.FIRST_COMPLETED)
                if self._listening.done():
                    self._listening.result()

    def at(self, partition: int, offset: int) -> float | None:
        """When a record was seen to be decided, None so far."""
        marks = self.marks[partition]
        place = bisect_left(marks, offset, key=lambda mark: mark[0])
        return marks[place][1] if place < len(marks) else None
