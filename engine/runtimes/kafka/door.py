"""`strand publish` on Kafka: judges events as every door does, and answers each once all replicas in sync have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.leaps import check_leap
from engine.rulebook.rulebook import unpack
from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.embedded.intake import names_in
from engine.runtimes.kafka.appending import Appender
from engine.runtimes.kafka.applying import announced, latest_by_partition
from engine.runtimes.kafka.connection import ACTIVATIONS, INTERACTIONS
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.topic_differences import refuse_unsafe
from engine.runtimes.kafka.topics import DEAD_LETTERS
from engine.self_closing import SelfClosing, closed_on_failure
from events.admission import MAX_EVENT_BYTES, Admitted, admit
from events.codec import encode_record
from events.dead_letters import Door, dead_letter, encode_dead_letter
from events.errors import InputRefused, OperatorError
from events.partitioning import partition_of
from events.schema import Fields


class KafkaDoor(SelfClosing):
    """Publishes lines to the cluster of the workspace in a folder; what is refused goes to the topic `dead_letters`.

    The types of the newest activated rulebook are known; nothing is activated here. Raises OperatorError where the
    topics would lose facts or have other partitions than the settings say, and where the cluster cannot be reached or
    does not answer: then what was sent may be appended or not, and may be sent again.
    """

    handed_over = True  # workers take what is in the log

    def __init__(self, folder: Path, *, catch_up: bool = False, clock: Clock = wall_clock_ms) -> None:
        settings, self.connection = connect(folder)
        refuse_unsafe(self.connection, partitions=settings.partitions)
        self._catch_up = catch_up
        self._clock = clock
        self._events, self._letters = self.connection.topic(INTERACTIONS), self.connection.topic(DEAD_LETTERS)
        topics = (self._events, self._letters, self.connection.topic(ACTIVATIONS))
        self._appender = Appender(self.connection, topics)
        with closed_on_failure(self.close):
            self._declared = declared_types(self._appender)
            self._latest_ms = self._look_at_the_log()

    def publish_group(self, lines: Sequence[bytes]) -> list[Answer]:
        """Publish events, each one JSON object or MessagePack map; all are durable when this returns.

        Raises OperatorError where journey time would leap: then none of the lines was appended.
        """
        now_ms = self._clock()
        judged = [self._judge(line[: MAX_EVENT_BYTES + 1], now_ms) for line in lines]
        taken = [each for each in judged if isinstance(each, Admitted)]
        self._check_leap(max((_time(each, now_ms) for each in taken), default=0))
        events: dict[int, list[Outgoing]] = {}
        letters: dict[int, list[Outgoing]] = {}
        places: list[tuple[int, int]] = []  # (partition, place among those sent to it) of each line
        for line, each in zip(lines, judged, strict=True):
            partition, outgoing = self._event(each, now_ms) if isinstance(each, Admitted) else self._letter(each, line)
            waiting = (events if isinstance(each, Admitted) else letters).setdefault(partition, [])
            places.append((partition, len(waiting)))
            waiting.append(outgoing)
        self._appender.append(self._letters, letters)
        offsets = self._appender.append(self._events, events)
        return [
            Answer(id=each.event.id, partition=partition, offset=offsets[partition][place])
            if isinstance(each, Admitted)
            else each
            for each, (partition, place) in zip(judged, places, strict=True)
        ]

    def _judge(self, line: bytes, now_ms: int) -> Admitted | Answer:
        try:
            return admit(line, now_ms=now_ms, declared=self._declared)
        except InputRefused as refused:
            name, customer = names_in(line)
            partition = 0 if customer is None else partition_of(customer, self._appender.partitions[self._events])
            return Answer(id=name, partition=partition, reason=refused.reason, detail=refused.detail)

    def _event(self, admitted: Admitted, now_ms: int) -> tuple[int, Outgoing]:
        event, at_ms = admitted.event, _time(admitted, now_ms)
        partition = partition_of(event.customer_id, self._appender.partitions[self._events])
        return partition, Outgoing(event.customer_id.encode(), encode_record(event, at_ms), at_ms)

    def _letter(self, answer: Answer, line: bytes) -> tuple[int, Outgoing]:
        assert answer.reason is not None
        now_ms = self._clock()
        refused = InputRefused(answer.reason, answer.detail)
        letter = dead_letter(
            refused, line[: MAX_EVENT_BYTES + 1], door=Door.PUBLISH, at_ms=now_ms, partition=answer.partition
        )
        return answer.partition, Outgoing(None, encode_dead_letter(letter), now_ms)

    def _check_leap(self, to_ms: int) -> None:
        if self._catch_up or not self._latest_ms:
            self._latest_ms = max(self._latest_ms, to_ms)
            return
        try:
            check_leap(self._latest_ms, to_ms)
        except OperatorError:  # unless others have moved it meanwhile
            self._latest_ms = self._look_at_the_log()
            check_leap(self._latest_ms, to_ms)
        self._latest_ms = max(self._latest_ms, to_ms)

    def _look_at_the_log(self) -> int:
        return max(latest_by_partition(self.connection, self._appender.partitions[self._events]).values())

    def close(self) -> None:
        """Disconnect."""
        self._appender.close()


def declared_types(appender: Appender) -> Mapping[str, Fields] | None:
    """The event types of the rulebook that was activated last, None without one."""
    found = appender.with_clients(announced)[-1:]
    return unpack(found[0].rulebook).declared if found else None


def _time(admitted: Admitted, now_ms: int) -> int:
    return now_ms if admitted.appended_at_ms is None else admitted.appended_at_ms
