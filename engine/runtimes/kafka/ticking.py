"""Ticks by a partition's owner: where nothing comes, what is due by the clock is due by the log."""

from __future__ import annotations

from engine.leaps import check_leap
from engine.runtimes.kafka.clients import PartitionTopic
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.workplace import Workplace
from events.codec import encode_tick


class Ticking:
    """How long a partition's world stays as it is by the clock, and the ticks that have it move.

    `next_due_ms` is when something is due next, NEVER if nothing is.
    """

    def __init__(self, place: Workplace, log: KafkaLog, events: PartitionTopic, partition: int) -> None:
        self.place, self.log, self.events = place, log, events
        self.partition = partition
        self._ticked = -1  # the offset of the last one
        self._watched_ms = 0  # up to when the clock was seen to find nothing due

    def seconds_left(self, next_due_ms: int, most: float) -> float:
        """How long nothing is due by the clock, if it is no longer than so many seconds."""
        if not self.place.live:
            return most
        left_ms = next_due_ms - self.place.clock()
        return min(max(left_ms, 1) / 1000, most)

    def tick(self, next_due_ms: int, log_end: int) -> bool:
        """Append a tick if the log is read to its end and something is due by the clock; whether it did.

        Raises OperatorError where journey time would leap.
        """
        if not self.place.live or self.log.end() < max(log_end, self._ticked + 1):
            return False
        now_ms = self.place.clock()
        due = next_due_ms <= now_ms
        if due:
            if not self.place.catch_up:
                check_leap(max(self.log.journey_ms, self._watched_ms), now_ms, f"partition {self.partition}: ")
            self._ticked = self.events.append(encode_tick(now_ms), at_ms=now_ms)
        self._watched_ms = now_ms
        return due
