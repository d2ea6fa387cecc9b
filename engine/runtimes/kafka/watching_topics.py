"""Looks at the topics again while a worker runs: what it would not start on, it does not go on with.

A thread of its own asks, so that neither the loop nor a worker's end waits for brokers; those that do not answer are
asked again the next time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec

from engine.runtimes.kafka.administration import NoAnswer, administer
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, Connection, Found, ids_of
from engine.runtimes.kafka.partition_counts import RAISED
from engine.runtimes.kafka.topic_differences import found_differences, refuse
from engine.runtimes.kafka.topic_ends import check_begin
from events.errors import FactsDamaged, OperatorError

EVERY_S = 60.0
AGAIN_S = 3.0
"""An error must be there twice: a broker that has just begun may not have heard of everything."""

log = logging.getLogger(__name__)


@contextmanager
def watched_topics(
    connection: Connection, found: Found, failed: Callable[[OperatorError], None], every_s: float = EVERY_S
) -> Iterator[None]:
    """In the body, look at the topics now and then; `failed` hears, in the thread that looks, why not to go on."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            if fault(connection, found) is not None and not over.wait(AGAIN_S):
                error = fault(connection, found)
                if error is not None and not over.is_set():
                    with suppress(RuntimeError):  # the loop has ended meanwhile
                        failed(error)
                    return

    threading.Thread(target=watch, name="strand-topics", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def fault(connection: Connection, found: Found) -> OperatorError | None:
    """Why a worker that found these topics at its start must not go on; None also where nobody answers."""
    try:
        administer(connection, lambda admin: refuse_changed(admin, connection, found), patience_s=0.0)
    except NoAnswer as error:
        log.warning("the topics could not be looked at: %s", error.message)
    except OperatorError as error:
        return error
    return None


def refuse_changed(admin: KafkaAdminClient, connection: Connection, found: Found) -> None:
    """Raise OperatorError where topics are others than were found at the start, would lose facts, or have."""
    ids, counts = ids_of(admin, connection)
    if INTERACTIONS in counts and counts[INTERACTIONS] != found.partitions:
        raise raised(connection, found.partitions, counts[INTERACTIONS])
    refuse(found_differences(admin, connection, found.partitions, 1))
    for name, topic_id in found.ids.items():
        if ids.get(name) != topic_id:
            raise made_anew(connection.topic(name))
    for topic in map(connection.topic, (INTERACTIONS, DECISIONS)):
        places = [TopicPartition(topic, partition) for partition in range(found.partitions)]
        for place, begin in admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST)).items():
            check_begin(f"partition {place.partition} of {topic}", begin.offset)


def raised(connection: Connection, before: int, now: int) -> OperatorError:
    """What a person is told where partitions were added to a log that is worked on."""
    return OperatorError(f"{connection.topic(INTERACTIONS)} had {before} partitions, and has {now} now", RAISED)


def made_anew(topic: str) -> FactsDamaged:
    """What a person is told where a topic of that name is another one than before."""
    action = (
        "stop every worker and keep a copy of their folders, which have what the old topic held; restore it from a "
        "backup, then start them"
    )
    return FactsDamaged(f"{topic} was deleted, and made anew, while this worker ran", action)
