"""Publishing to Kafka from Python systems upstream, which have no workspace:

    with KafkaPublisher("kafka://broker:9092", on_failure=keep_for_later) as publisher:
        publisher.publish(id="o-1", type="order_completed", customer_id="ann", occurred_at=now, data={"total": 12})

`publish` returns at once; the event is on its way. `flush` and `close` return when everything is durable.
"""

from __future__ import annotations

import atexit
import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Condition
from typing import Any, NotRequired, TypedDict, Unpack

from aiokafka.errors import KafkaError

from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.kafka.administration import refused_user
from engine.runtimes.kafka.appending import refuse_another_count
from engine.runtimes.kafka.connection import INTERACTIONS
from engine.runtimes.kafka.security import connection_of
from engine.runtimes.kafka.sending import Sender, Waiting
from engine.self_closing import SelfClosing, closed_on_failure
from engine.workspace.settings import Settings, settings_of_url
from events.admission import admit_value
from events.codec import encode_record
from events.envelope import Event
from events.errors import CalledWrongly, OperatorError
from events.partitioning import partition_of
from events.schema import Fields

MAX_WAITING_BYTES = 32 << 20
LINGER_MS = 5
AT_EXIT_S = 30.0
ENDING_S = 5.0
"""Of that, for clients to end."""

USER_ACTION = "check STRAND_KAFKA__SASL_USERNAME, STRAND_KAFKA__SASL_MECHANISM and STRAND_KAFKA__SASL_PASSWORD"
_TAKEN_TOGETHER = 500

log = logging.getLogger(__name__)

OnFailure = Callable[[Event, Exception], None]


class EventFields(TypedDict):
    """An event as publishers write it; times are datetimes, ISO 8601 or milliseconds since the epoch."""

    id: str
    type: str
    customer_id: str
    occurred_at: datetime | str | int
    data: NotRequired[Mapping[str, Any] | None]
    source: NotRequired[str | None]
    version: NotRequired[int | None]
    appended_at: NotRequired[datetime | str | int | None]


class NotAcknowledged(Exception):
    """The cluster did not answer in time: the event is published or not."""


class KafkaPublisher(SelfClosing):
    """Publishes events to the log that a url names; threads may share one, an open one must not cross a fork.

    An event is judged at once: `publish` raises InputRefused for one that no fold would take. It is keyed and placed by
    its customer, as Kafka's Java client would. While more than `max_waiting_bytes` are on their way `publish` waits.
    While the cluster is away events wait for it, and none is lost or doubled. One that the cluster refuses in the end
    goes to `on_failure`, in the publisher's own thread, or is raised by the next `flush` or `close` where there is
    none; it may be published again, for an id counts once. So does one that `close` gives up, with NotAcknowledged.

    `log` is the url; prefix and security come from the variables STRAND_KAFKA__*, or all from the settings of a
    workspace. Files that they name are relative to `folder`. `declared` are the types of the rulebook, if they shall be
    checked here. Raises OperatorError if the cluster cannot be reached, or the log has other partitions than it says.
    """

    def __init__(
        self,
        log: str | Settings,
        *,
        on_failure: OnFailure | None = None,
        folder: Path | str = ".",
        declared: Mapping[str, Fields] | None = None,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        linger_ms: int = LINGER_MS,
        clock: Clock = wall_clock_ms,
    ) -> None:
        settings = settings_of_url(log) if isinstance(log, str) else log
        if settings.embedded:
            raise CalledWrongly("a KafkaPublisher needs the url of a cluster; engine.publisher has one for workspaces")
        self._connection = connection_of(settings, Path(folder))
        self._on_failure, self._declared, self._clock = on_failure, declared, clock
        self._max_waiting_bytes = max_waiting_bytes
        self._room = Condition()
        self._queue: deque[Waiting] = deque()
        self._numbers = count()
        self._unanswered: dict[int, Waiting] = {}
        self._waiting_bytes = 0
        self._sending = self._closed = False
        self._failed: Exception | None = None
        topic = self._connection.topic(INTERACTIONS)
        self._sender = Sender(self._connection, topic, linger_ms=linger_ms, take=self._take, answered=self._answered)
        try:
            with closed_on_failure(self._end):
                self._partitions = self._sender.connect()
                refuse_another_count(topic, self._partitions, settings)
        except (KafkaError, TimeoutError) as error:
            action = "check that the brokers run, that the url names them, and the STRAND_KAFKA__* settings"
            away = OperatorError(f"no cluster answers at {self._connection.bootstrap}: {error!r}", action)
            raise refused_user(self._connection, USER_ACTION) or away from error
        atexit.register(self._close_at_exit)

    # ------------------------------------------------------------ publishing
    def publish(self, **event: Unpack[EventFields]) -> None:
        """Send one event; raises InputRefused if it is none. Waits while too much is on its way."""
        given = {key: value for key, value in event.items() if value is not None}
        now_ms = self._clock()
        admitted = admit_value(given, now_ms=now_ms, declared=self._declared)
        at_ms = now_ms if admitted.appended_at_ms is None else admitted.appended_at_ms
        partition = partition_of(admitted.event.customer_id, self._partitions)
        value = encode_record(admitted.event, at_ms)
        self._hand_over(Waiting(next(self._numbers), admitted.event, partition, value, at_ms))

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when everything that was published is durable, or was refused.

        Raises OperatorError if that takes longer, or if the cluster refused an event and nobody asked for it.
        """
        with self._room:
            if not self._room.wait_for(lambda: not self._unanswered, timeout_s):
                what = f"{len(self._unanswered):,} events are not acknowledged after {timeout_s} s"
                raise OperatorError(what, f"see to the cluster at {self._connection.bootstrap}")
            failed, self._failed = self._failed, None
        if failed is not None:
            raise OperatorError(f"the cluster refused an event: {failed!r}", "see to its topics") from failed

    def close(self, timeout_s: float | None = None) -> None:
        """Flush, and disconnect; done at exit at the latest, for half a minute.

        Raises as `flush` does. What is not acknowledged in time is given up, after `on_failure` had each such event.
        """
        with self._room:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self._close_at_exit)
        try:
            self.flush(timeout_s)
        finally:
            self._end()

    def _close_at_exit(self) -> None:
        """As `close`; nobody catches what it would raise."""
        try:
            self.close(AT_EXIT_S - ENDING_S)
        except OperatorError as error:
            log.error("%s", error)

    def _hand_over(self, waiting: Waiting) -> None:
        with self._room:
            self._room.wait_for(lambda: self._waiting_bytes < self._max_waiting_bytes)
            if self._closed:
                raise CalledWrongly("this publisher is closed")
            self._queue.append(waiting)
            self._unanswered[waiting.number] = waiting
            self._waiting_bytes += len(waiting.value)
            if not self._sending:
                self._sending = True
                self._sender.wake()

    def _end(self) -> None:
        """Disconnect. Whoever wants to hear of what is not acknowledged hears of each such event."""
        with self._room:
            self._queue.clear()
            left = [(each, NotAcknowledged(f"event {each.event.id}")) for each in self._unanswered.values()]
        self._sender.end(left, ENDING_S)

    # ------------------------------------------------------------ called in the sender's thread
    def _take(self) -> list[Waiting]:
        """What is sent next; after nothing, the next event wakes the sender."""
        with self._room:
            taken = [self._queue.popleft() for _ in range(min(len(self._queue), _TAKEN_TOGETHER))]
            self._sending = bool(taken)
            return taken

    def _answered(self, waiting: Waiting, error: BaseException | None) -> None:
        if waiting.number not in self._unanswered:  # given up
            return
        refused = error if isinstance(error, Exception) else None
        try:
            if refused is not None and self._on_failure is not None:
                self._on_failure(waiting.event, refused)
                refused = None
        finally:
            with self._room:
                self._failed = self._failed or refused
                del self._unanswered[waiting.number]
                self._waiting_bytes -= len(waiting.value)
                self._room.notify_all()
