"""Fetches for a worker's lanes, in slices of one partition.

A slice is handed over if and only if it goes on where the lane's copy ends: before each fetch the client's position
must be there, else it is asked to seek. While partitions change hands nothing is fetched, and what was being fetched
is dropped, since the client then begins anew at the group's committed offset, wherever that is. So no record is passed
over or taken twice, and a gap is one that the partition has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.topic_ends import REMOVED
from events.errors import FactsDamaged

FETCH_MS = 100
WAIT_S = 0.2
SLICE_RECORDS = 4_000
AGAIN_S = 1.0

GATHER_S, MANY_RECORDS = 0.03, 1_000
"""For how long records gather at the brokers after a fetch that brought fewer than so many. A fetch, a batch and its
two appends take some 10 ms of a core, however few records they are for, and would be all that a worker does: without
this, 99 of 100 events were decided within 2.4 s instead of 0.4, at half of what a worker can take."""

log = logging.getLogger(__name__)


def settings() -> dict[str, Any]:
    """What a consumer needs so that a `Reader` can use it."""
    return {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # to get a first position; where we stand is for us to say
        "isolation_level": "read_committed",
        "fetch_max_wait_ms": FETCH_MS,
    }


class Reader:
    """Reads one topic with a consumer for the lanes of the moment, by partition; `room` is set when one has room."""

    def __init__(self, consumer: Any, topic: str, lanes: Mapping[int, Lane], room: asyncio.Event) -> None:
        self.consumer, self.topic, self.lanes, self.room = consumer, topic, lanes, room
        self.seeks = 0
        self.changes = 0  # of assignments, each counted before it takes effect
        self.paused = False

    async def run(self) -> None:
        """Fetch until cancelled; raises FactsDamaged if the topic has lost its beginning."""
        while True:
            try:
                if 0 < await self.fetch() < MANY_RECORDS:
                    await asyncio.sleep(GATHER_S)
            except KafkaError as error:  # the brokers will answer again; where we stand is looked at before each fetch
                log.warning("nothing is fetched: %r", error)
                await asyncio.sleep(AGAIN_S)

    def pause(self) -> None:
        """The client's partitions begin to change: what is being fetched is dropped, and nothing else begun."""
        self.changes += 1
        self.paused = True

    def resume(self) -> None:
        """The client has its new partitions."""
        self.paused = False

    async def fetch(self) -> int:
        """One fetch for every lane that has room, of so many records; waits a little if none has."""
        asked = {}
        changes = self.changes
        self.room.clear()
        for lane in [] if self.paused else list(self.lanes.values()):
            place = TopicPartition(self.topic, lane.partition)
            if lane.has_room and place in self.consumer.assignment():
                try:
                    await self._stand(place, lane)
                except IllegalStateError:  # taken away meanwhile
                    continue
                asked[place] = lane
        if not asked:  # to ask for none would mean all
            await _set_within(self.room, WAIT_S)
            return 0
        try:
            found = await self.consumer.getmany(*asked, timeout_ms=FETCH_MS, max_records=SLICE_RECORDS)
        except IllegalStateError:
            return 0
        for place, lane in asked.items():
            if self.changes != changes:
                return 0
            if self.lanes.get(place.partition) is lane and lane.next_offset is not None:
                await self._hand_over(place, lane, found.get(place, []), changes)
        return sum(map(len, found.values()))

    async def _stand(self, place: TopicPartition, lane: Lane) -> None:
        """Have the client read on where the lane's copy ends."""
        if await self.consumer.position(place) != lane.next_offset:
            self.consumer.seek(place, lane.next_offset)
            self.seeks += 1

    async def _hand_over(self, place: TopicPartition, lane: Lane, records: list[Any], changes: int) -> None:
        start = lane.next_offset
        assert start is not None
        try:
            position = await self.consumer.position(place)
            heard = self.consumer.last_stable_offset(place)
        except (IllegalStateError, AssertionError):
            return
        if self.changes != changes or (records and records[0].offset < start):
            return
        lane.log_end = max(lane.log_end, heard or 0)
        if (records[0].offset if records else position) > start:
            await self._check_gap(place, start)
        if position > start == lane.next_offset:
            lane.offer(records, position)

    async def _check_gap(self, place: TopicPartition, offset: int) -> None:
        """A gap is where transactions end; not where records were removed, from which the client would read on."""
        begins = await self.consumer.beginning_offsets([place])
        if begins[place] > 0:
            where = f"partition {place.partition} of {place.topic}"
            raise FactsDamaged(f"{where}: records from offset {offset} to {begins[place]} are gone", REMOVED)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
