"""The development broker starts, takes records, survives what chaos does to it, and is what was pinned."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from deploy.kafka import jars
from deploy.kafka.cluster import Cluster, archive_classes, brokers_at, running
from deploy.kafka.node import JAVA_OPTIONS, waited
from events.errors import OperatorError
from tests.brokers import need_a_broker


@contextmanager
def putting(bootstrap: str) -> Iterator[Callable[[str, bytes], None]]:
    """What puts a value into partition 0 of a topic, durably."""
    producer = KafkaProducer(bootstrap_servers=bootstrap.split(","), acks="all", request_timeout_ms=5_000)
    yield lambda topic, value: producer.send(topic, value, partition=0).get(30)
    producer.close()


def found(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first `count` values of the topic's one partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, 0)])
    values = [next(consumer).value for _ in range(count)]
    consumer.close()
    return values


def test_a_broker_answers_and_keeps_what_it_acknowledged(bootstrap: str, prefix: str) -> None:
    topic = f"{prefix}kept"
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])
    with putting(bootstrap) as put:
        put(topic, b"a")
        put(topic, b"b")
    assert found(bootstrap, topic, 2) == [b"a", b"b"]


def test_a_node_comes_back_after_a_kill_and_after_a_clean_stop(tmp_path: Path) -> None:
    need_a_broker()
    with running(tmp_path) as cluster:
        (node,) = cluster.nodes
        with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
            admin.create_topics([NewTopic("kept", 1, 1)])
        with putting(cluster.bootstrap) as put:
            put("kept", b"before the kill")
        node.kill()
        assert node.pid is None
        assert brokers_at(cluster.bootstrap) == 0
        node.start()
        cluster.wait_ready()
        with putting(cluster.bootstrap) as put:
            put("kept", b"before the stop")
        node.stop()
        assert (node.folder / "data" / ".kafka_cleanshutdown").exists()
        cluster.start()
        assert found(cluster.bootstrap, "kept", 2) == [b"before the kill", b"before the stop"]


def test_two_of_three_nodes_go_on_and_the_third_comes_back(tmp_path: Path) -> None:
    need_a_broker()
    with running(tmp_path, nodes=3) as cluster, KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
        admin.create_topics([NewTopic("kept", 1, 3, topic_configs={"min.insync.replicas": "2"})])

        def in_sync() -> list[int]:
            try:
                ((partition,),) = (topic["partitions"] for topic in admin.describe_topics(["kept"]))
            except (KafkaError, ValueError):  # the one that was asked is away, or does not know yet
                return []
            return sorted(partition["isr_nodes"])

        assert waited(lambda: in_sync() == [1, 2, 3], 20)
        cluster.nodes[2].kill()
        assert waited(lambda: in_sync() == [1, 2], 20)
        cluster.wait_ready(2)
        cluster.nodes[2].start()
        cluster.wait_ready()
        assert waited(lambda: in_sync() == [1, 2, 3], 20)


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    need_a_broker()
    cluster = Cluster(tmp_path, properties={"log.retention.check.interval.ms": "none"})
    with pytest.raises(OperatorError, match=r"(?s)log.retention.check.interval.ms.*Operator action: "):
        cluster.start()
    assert cluster.nodes[0].pid is None


def test_java_takes_the_classes_that_were_archived() -> None:
    need_a_broker()
    archive_classes()
    options = [f"-XX:SharedArchiveFile={jars.ARCHIVE}", *JAVA_OPTIONS, "-Xlog:class+load"]
    command = ["java", *options, "-cp", jars.class_path(), "kafka.tools.StorageTool", "random-uuid"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "org.apache.kafka.common.Uuid source: shared objects file (top)" in said


def test_a_jar_that_is_not_as_pinned_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_a_broker()
    jars.class_path()
    folder = tmp_path / "jars"
    subprocess.run(["cp", "-r", str(jars.JARS), str(folder)], check=True)
    monkeypatch.setattr(jars, "JARS", folder)
    assert len(jars.class_path().split(":")) == len(jars.read_checksums())
    with (folder / "kafka-clients-4.1.0.jar").open("ab") as jar:
        jar.write(b"one byte more")
    with pytest.raises(OperatorError, match=r"pins: kafka-clients-4.1.0.jar\nOperator action: "):
        jars.class_path()
