"""Ticks by a partition's owner: where nothing comes, what is due by the clock is due by the log."""

from __future__ import annotations

from engine.leaps import check_leap
from engine.runtimes.embedded.due import next_due_ms
from engine.runtimes.kafka.clients import PartitionTopic
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.workplace import Workplace
from engine.world import World
from events.codec import encode_tick
from projections.expressions.runtime import NEVER


class Ticking:
    """When a partition's world moves by itself next (`next_due_ms`), and the ticks that have it do so."""

    def __init__(self, place: Workplace, log: KafkaLog, events: PartitionTopic, partition: int) -> None:
        self.place, self.log, self.events = place, log, events
        self.partition = partition
        self.next_due_ms = NEVER
        self._ticked = -1  # the offset of the last one
        self._watched_ms = 0  # up to when the clock was seen to find nothing due

    def look(self, world: World | None) -> int:
        """See when something is due next, in ms; NEVER if nothing is."""
        self.next_due_ms = NEVER if world is None else next_due_ms(world)
        return self.next_due_ms

    def seconds_left(self, most: float) -> float:
        """How long nothing is due by the clock, if it is no longer than so many seconds."""
        if not self.place.live:
            return most
        left_ms = self.next_due_ms - self.place.clock()
        return min(max(left_ms, 1) / 1000, most)

    def tick(self, log_end: int) -> bool:
        """Append a tick if the log is read to its end and something is due by the clock; whether it did.

        Raises OperatorError where journey time would leap.
        """
        if not self.place.live or self.log.end() < max(log_end, self._ticked + 1):
            return False
        now_ms = self.place.clock()
        due = self.next_due_ms <= now_ms
        if due:
            if not self.place.catch_up:
                check_leap(max(self.log.journey_ms, self._watched_ms), now_ms, f"partition {self.partition}: ")
            self._ticked = self.events.append(encode_tick(now_ms), at_ms=now_ms)
        self._watched_ms = now_ms
        return due
