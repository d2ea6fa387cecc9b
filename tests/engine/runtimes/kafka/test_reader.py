"""Whatever happens to the client between two fetches, each lane gets every record once, in order, and no false gap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.reader import Reader
from events.errors import FactsDamaged
from tests.engine.runtimes.kafka.topics import Fetched

PLACE = TopicPartition("events", 0)


@dataclass
class Copy:
    """What a lane takes: a record's offset, or None where a partition holds nothing."""

    partition: int = 0
    next_offset: int | None = 0
    log_end: int = 0
    has_room: bool = True
    taken: list[int | None] = field(default_factory=list)

    def offer(self, records: Sequence[Fetched], upto: int) -> None:
        assert self.next_offset is not None
        there = {record.offset for record in records}
        self.taken += [offset if offset in there else None for offset in range(self.next_offset, upto)]
        self.next_offset = upto


class Client:
    """A partition whose records stand at `offsets`, read as aiokafka does: it begins at the committed offset."""

    def __init__(self, offsets: Sequence[int], end: int, *, begin: int = 0) -> None:
        self.offsets, self.end, self.begin = offsets, end, begin
        self.at: int | None = 0
        self.committed = 0
        self.changing = False
        self.during: Callable[[], None] = lambda: None

    def assignment(self) -> set[TopicPartition]:
        if self.at is None:  # until the next look
            self.at = self.committed
            return set()
        return {PLACE}

    async def position(self, place: TopicPartition) -> int:
        if self.at is None:
            raise IllegalStateError
        return self.at

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at = offset

    def last_stable_offset(self, place: TopicPartition) -> int:
        return self.end

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {PLACE: self.begin}

    async def getmany(self, *places: TopicPartition, **_: Any) -> dict[TopicPartition, list[Fetched]]:
        await asyncio.sleep(0)
        self.during()
        if self.at is None:
            return {}
        start = max(self.at, self.begin)
        found = [offset for offset in self.offsets if start <= offset < start + 3]
        self.at = min(start + 3, self.end)
        self.during()
        return {PLACE: [Fetched(offset, 0, None, b"") for offset in found]} if found else {}


class AlwaysSet(asyncio.Event):
    """Nobody waits; the client goes on meanwhile."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.set()

    def clear(self) -> None:
        self.client.during()


def reading(client: Client, lane: Copy) -> Reader:
    return Reader(client, PLACE.topic, {0: cast("Lane", lane)}, AlwaysSet(client))


async def read_all(reader: Reader, lane: Copy, end: int) -> None:
    for _ in range(1_000):
        if lane.next_offset == end:
            return
        await reader.fetch()
    raise AssertionError(f"stuck at {lane.next_offset}")


OFFSETS = [offset for offset in range(60) if offset % 7 not in (3, 4)]
WHOLE = [offset if offset in OFFSETS else None for offset in range(60)]


def test_gaps_of_the_partition_are_handed_over_as_such() -> None:
    client, lane = Client(OFFSETS, 60), Copy()
    asyncio.run(read_all(reading(client, lane), lane, 60))
    assert lane.taken == WHOLE


@pytest.mark.parametrize("seed", range(200))
def test_changes_of_the_group_leave_no_false_gap(seed: int) -> None:
    rng = Random(seed)
    client, lane = Client(OFFSETS, 60), Copy()
    reader = reading(client, lane)

    def change() -> None:
        if client.changing:  # the new partitions come later than the group's first word, and at any time
            if rng.random() < 0.5:
                client.committed = rng.randrange(60)
                client.at = rng.choice([None, client.committed])
                client.changing = False
                reader.resume()
        elif rng.random() < 0.3:
            client.changing = True
            reader.pause()

    client.during = change
    asyncio.run(read_all(reader, lane, 60))
    assert lane.taken == WHOLE


def test_records_that_were_removed_are_no_gap() -> None:
    client, lane = Client(OFFSETS, 60, begin=20), Copy()
    with pytest.raises(FactsDamaged, match="records from offset 0 to 20 are gone"):
        asyncio.run(read_all(reading(client, lane), lane, 60))
