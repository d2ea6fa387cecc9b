"""A worker does not go on with topics that it would not start on, and goes on while nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import TopicPartition

from deploy.kafka.node import waited
from engine.runtimes.kafka import administration, watching_topics
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import INTERACTIONS, Connection, Found, look
from engine.runtimes.kafka.topics import create_topics
from engine.runtimes.kafka.watching_topics import fault, watched_topics
from engine.runtimes.kafka.worker import Worker
from events.errors import OperatorError
from tests.engine.runtimes.kafka.test_topics import alter, append_to, found, raise_partitions

PARTITIONS = 2


@pytest.fixture
def connection(bootstrap: str, prefix: str) -> Connection:
    connection = Connection(bootstrap=bootstrap, prefix=prefix)
    create_topics(connection, partitions=PARTITIONS, replication=1)
    append_to(connection, "interactions", "transitions", "dead_letters")
    return connection


def add_partitions(connection: Connection) -> None:
    raise_partitions(connection, PARTITIONS + 1, "interactions")


def make_anew(connection: Connection) -> None:
    topic = connection.topic(INTERACTIONS)
    administer(connection, lambda admin: admin.delete_topics([topic]))
    assert waited(lambda: not found(connection, topic), 10)
    create_topics(connection, partitions=PARTITIONS, replication=1)


def delete_records(connection: Connection) -> None:
    place = TopicPartition(connection.topic(INTERACTIONS), 0)
    administer(connection, lambda admin: admin.delete_records({place: 1}))


def keep_less(connection: Connection) -> None:
    alter(connection, INTERACTIONS, retention_ms="604800000")


CHANGES = [
    (add_partitions, "interactions had 2 partitions, and has 3 now\nOperator action: stop publishers and workers"),
    (make_anew, "interactions was deleted, and made anew, while this worker ran\nOperator action: stop every worker"),
    (delete_records, "partition 0 of .*interactions begins at offset 1: records .* gone\nOperator action: restore the"),
    (
        keep_less,
        "lose facts:\n.*interactions: retention.ms must be -1; found 604800000\nOperator action: kafka-",
    ),
]


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=lambda each: getattr(each, "__name__", ""))
def test_each_change_is_told(change: Callable[[Connection], None], words: str, connection: Connection) -> None:
    before = look(connection)
    assert fault(connection, before) is None
    change(connection)
    with pytest.raises(OperatorError, match=words):
        raise fault(connection, before) or AssertionError("nothing was noticed")


def test_a_worker_ends_where_topics_change(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching_topics, "AGAIN_S", 0.05)

    async def work() -> None:
        async with Worker(connection, tmp_path, name="w", live=False, watch_s=0.1) as worker:
            await worker.assign(range(PARTITIONS))
            await asyncio.to_thread(keep_less, connection)
            async with asyncio.timeout(30):
                await worker.failed

    with pytest.raises(OperatorError, match="retention.ms must be -1"):
        asyncio.run(work())


def test_a_partition_that_was_added_is_not_worked_on(connection: Connection, tmp_path: Path) -> None:
    async def work() -> None:
        async with Worker(connection, tmp_path, name="w", live=False) as worker:
            await worker.assign(range(PARTITIONS + 1))

    with pytest.raises(OperatorError, match=r"had 2 partitions, and has 3 now\nOperator action: stop publishers"):
        asyncio.run(work())


def test_brokers_that_do_not_answer_are_no_reason(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(administration, "CONNECT_MS", 300)
    away = Connection(bootstrap="127.0.0.1:1", prefix=connection.prefix)
    assert fault(away, look(connection)) is None
    assert "could not be looked at: the cluster at 127.0.0.1:1" in caplog.text


def test_what_is_not_there_twice_is_no_fault(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[OperatorError | None] = [OperatorError("a", "b"), None, None, OperatorError("c", "d"), None]
    failed: list[OperatorError] = []

    def one(*_: object) -> OperatorError | None:
        return looks.pop() if looks else None

    monkeypatch.setattr(watching_topics, "AGAIN_S", 0.001)
    monkeypatch.setattr(watching_topics, "fault", one)
    with watched_topics(connection, Found(cluster="c", ids={}, partitions=1), failed.append, 0.001):
        assert waited(lambda: not looks, 10)
    assert failed == []
