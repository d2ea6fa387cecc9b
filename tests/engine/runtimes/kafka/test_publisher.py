"""A publisher upstream: every event that it took is in the log once, in its customer's partition, whatever happens."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import NewTopic

from deploy.kafka.cluster import running
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.publisher import KafkaPublisher
from engine.runtimes.kafka.topics import create_topics
from engine.workspace.kafka_settings import Kafka
from engine.workspace.settings import Settings
from events.envelope import Event
from events.errors import CalledWrongly, InputRefused, OperatorError
from events.partitioning import partition_of
from tests.brokers import need_a_broker
from tests.engine.runtimes.kafka.reading import in_log, in_topic
from tests.tidy.tree import ROOT

PARTITIONS = 3
NOW_MS = 1_750_000_000_000


@pytest.fixture
def connection(bootstrap: str, prefix: str) -> Connection:
    connection = Connection(bootstrap=bootstrap, prefix=prefix)
    create_topics(connection, partitions=PARTITIONS, replication=1)
    return connection


def settings(connection: Connection) -> Settings:
    return Settings(log=f"kafka://{connection.bootstrap}", kafka=Kafka(prefix=connection.prefix))


def order(publisher: KafkaPublisher, number: int, **more: object) -> None:
    data = {"order_id": f"o{number}", "total": number, **more}
    customer = f"customer-{number % 50}"
    publisher.publish(id=f"o{number}", type="order_completed", customer_id=customer, occurred_at=NOW_MS, data=data)


def test_events_stand_in_their_customers_partitions_as_the_worker_reads_them(connection: Connection) -> None:
    with KafkaPublisher(settings(connection), clock=lambda: NOW_MS + 5) as publisher:
        for number in range(500):
            order(publisher, number)
        publisher.publish(id="e", type="city_changed", customer_id="ann", occurred_at=NOW_MS, appended_at=NOW_MS - 9)
    records = list(in_log(connection))
    assert Counter(each.event.id for each in records) == Counter([*(f"o{number}" for number in range(500)), "e"])
    assert all(each.partition == partition_of(each.event.customer_id, PARTITIONS) for each in records)
    assert {each.event.data["total"] for each in records if each.event.id != "e"} == set(range(500))
    raw = [each for found in in_topic(connection, INTERACTIONS).values() for each in found]
    assert {each.timestamp for each in raw} == {NOW_MS + 5, NOW_MS - 9}
    assert {each.key.decode() for each in raw} == {each.event.customer_id for each in records}


def test_what_no_fold_would_take_is_refused_at_once(connection: Connection) -> None:
    with KafkaPublisher(settings(connection), clock=lambda: NOW_MS) as publisher:
        with pytest.raises(InputRefused, match="customer_id"):
            publisher.publish(id="a", type="order_completed", customer_id="", occurred_at=NOW_MS)
        with pytest.raises(InputRefused, match="total"):
            publisher.publish(
                id="a",
                type="order_completed",
                customer_id="ann",
                occurred_at=NOW_MS,
                data={"order_id": "a", "total": "x"},
            )
        with pytest.raises(InputRefused, match="future"):
            publisher.publish(id="a", type="city_changed", customer_id="ann", occurred_at=NOW_MS + 61_000)
    assert list(in_log(connection)) == []


@pytest.fixture
def narrow(bootstrap: str, prefix: str) -> Connection:
    """A log that takes no large events."""
    connection = Connection(bootstrap=bootstrap, prefix=prefix)
    name = connection.topic(INTERACTIONS)
    small = NewTopic(name, PARTITIONS, 1, topic_configs={"max.message.bytes": "2000"})
    administer(connection, lambda admin: (admin.create_topics([small]), admin.wait_for_topics([name])))
    return connection


NOISE = random.Random(5).randbytes(4_000).hex()  # lz4 cannot make it small


def test_what_the_cluster_refuses_is_told_and_the_rest_goes_on(narrow: Connection) -> None:
    failed: list[tuple[Event, Exception]] = []
    with KafkaPublisher(settings(narrow), on_failure=lambda *failure: failed.append(failure)) as publisher:
        order(publisher, 1)
        publisher.flush()
        order(publisher, 2, note=NOISE)
        publisher.flush()
        for number in range(3, 9):
            order(publisher, number)
    assert [event.id for event, _ in failed] == ["o2"]
    assert "MessageSizeTooLarge" in repr(failed[0][1])
    assert {each.event.id for each in in_log(narrow)} == {"o1", *(f"o{number}" for number in range(3, 9))}


def test_what_the_cluster_refuses_is_never_silent(narrow: Connection) -> None:
    publisher = KafkaPublisher(settings(narrow))
    order(publisher, 1, note=NOISE)
    with pytest.raises(OperatorError, match=r"refused an event: MessageSizeTooLarge"):
        publisher.flush()
    publisher.flush()  # told once
    order(publisher, 2, note=NOISE)
    with pytest.raises(OperatorError, match=r"refused an event: "):
        publisher.close()
    with pytest.raises(CalledWrongly, match="closed"):
        order(publisher, 3)


def test_a_process_that_just_ends_has_published_everything(connection: Connection) -> None:
    script = f"""
from engine.runtimes.kafka.publisher import KafkaPublisher
publisher = KafkaPublisher("kafka://{connection.bootstrap}", linger_ms=500)
for number in range(100):
    publisher.publish(id=f"o{{number}}", type="city_changed", customer_id=f"c{{number}}", occurred_at={NOW_MS})
"""
    environment = {"STRAND_KAFKA__PREFIX": connection.prefix}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert len(list(in_log(connection))) == 100


def test_a_process_that_ends_while_the_broker_is_away_says_what_became_of_its_events(tmp_path: Path) -> None:
    need_a_broker()
    script = """
import logging, sys
from engine.runtimes.kafka import publisher as module
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
module.AT_EXIT_S, module.ENDING_S = 6.0, 2.0
publisher = module.KafkaPublisher(sys.argv[1], on_failure=lambda event, why: print(event.id, type(why).__name__))
print("connected", flush=True)
sys.stdin.readline()
for number in range(3):
    publisher.publish(id=f"o{number}", type="city_changed", customer_id=f"c{number}", occurred_at=1_750_000_000_000)
"""
    with running(tmp_path) as cluster:
        create_topics(Connection(bootstrap=cluster.bootstrap), partitions=PARTITIONS, replication=1)
        command = [sys.executable, "-c", script, f"kafka://{cluster.bootstrap}"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "connected\n"
            cluster.kill()
            begun = time.monotonic()
            out, err = process.communicate("go\n", timeout=30)
            assert time.monotonic() - begun < 10
    assert out.split("\n") == ["o0 NotAcknowledged", "o1 NotAcknowledged", "o2 NotAcknowledged", ""]
    assert err.splitlines() == [
        "3 events are not acknowledged after 4.0 s",
        f"Operator action: see to the cluster at {cluster.bootstrap}",
    ]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[KafkaPublisher, Connection, threading.Thread]]:
    """A publisher on a broker of the test's own, which is killed, started, stopped and started meanwhile."""
    need_a_broker()
    with running(tmp_path) as cluster:
        connection = Connection(bootstrap=cluster.bootstrap)
        create_topics(connection, partitions=PARTITIONS, replication=1)
        (node,) = cluster.nodes

        def trouble() -> None:
            node.kill()
            node.start()
            cluster.wait_ready()
            node.stop()
            node.start()
            cluster.wait_ready()

        with KafkaPublisher(settings(connection), max_waiting_bytes=20_000) as publisher:
            yield publisher, connection, threading.Thread(target=trouble)


def test_a_broker_that_goes_and_comes_back_costs_nothing_but_time(
    own: tuple[KafkaPublisher, Connection, threading.Thread],
) -> None:
    publisher, connection, trouble = own
    for number in range(2_000):
        if number == 500:
            trouble.start()
        order(publisher, number)
        if number > 500 and trouble.is_alive() and number % 10 == 0:
            publisher.flush()  # slowly enough to meet all of the trouble
            trouble.join(0.05)
    trouble.join()
    publisher.flush(60)
    assert Counter(each.event.id for each in in_log(connection)) == Counter(f"o{number}" for number in range(2_000))


def test_a_publisher_waits_while_too_much_is_on_its_way(connection: Connection) -> None:
    publisher = KafkaPublisher(settings(connection), max_waiting_bytes=5_000, linger_ms=400)
    most = 0
    for number in range(300):
        order(publisher, number)
        most = max(most, publisher._waiting_bytes)
    publisher.close()
    assert 4_000 < most < 6_000
    assert len(list(in_log(connection))) == 300


def test_a_cluster_that_is_not_there_or_has_no_log_is_told(bootstrap: str, prefix: str) -> None:
    with pytest.raises(OperatorError, match=r"no cluster answers at 127.0.0.1:1: (.*\n)*Operator action: check"):
        KafkaPublisher("kafka://127.0.0.1:1")
    with pytest.raises(OperatorError, match=rf"has no topic {prefix}interactions\nOperator action: run `strand topics"):
        KafkaPublisher(settings(Connection(bootstrap=bootstrap, prefix=prefix)))
    with pytest.raises(CalledWrongly, match="the log url must be"):
        KafkaPublisher("http://broker")
    with pytest.raises(CalledWrongly, match="needs the url of a cluster"):
        KafkaPublisher("embedded:")


def test_a_log_of_another_number_of_partitions_than_is_said_is_refused(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = rf"interactions has {PARTITIONS} partitions, and the settings say 8: (.*\n)*Operator action: `strand topics"
    with pytest.raises(OperatorError, match=words):
        KafkaPublisher(settings(connection).model_copy(update={"partitions": 8}))
    monkeypatch.setenv("STRAND_KAFKA__PREFIX", connection.prefix)
    monkeypatch.setenv("STRAND_PARTITIONS", "8")
    with pytest.raises(OperatorError, match=words):
        KafkaPublisher(f"kafka://{connection.bootstrap}")
    monkeypatch.setenv("STRAND_PARTITIONS", str(PARTITIONS))
    KafkaPublisher(f"kafka://{connection.bootstrap}").close()
