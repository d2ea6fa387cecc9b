"""What the cluster is asked is answered while a broker is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from deploy.kafka.cluster import running
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.applying import latest_by_partition
from engine.runtimes.kafka.connection import Connection, look
from engine.runtimes.kafka.topic_differences import check_topics
from engine.runtimes.kafka.topics import create_topics
from events.errors import OperatorError
from tests.brokers import need_a_broker

PARTITIONS = 4


def test_one_broker_of_three_is_away(tmp_path: Path, prefix: str) -> None:
    need_a_broker()
    with running(tmp_path, nodes=3) as cluster:
        connection = Connection(bootstrap=cluster.bootstrap, prefix=prefix)
        create_topics(connection, partitions=PARTITIONS, replication=3)
        cluster.nodes[1].kill()
        for _ in range(3):  # the client asks a broker that it chooses at random
            assert look(connection).partitions == PARTITIONS
            assert latest_by_partition(connection, PARTITIONS) == dict.fromkeys(range(PARTITIONS), 0)
            assert check_topics(connection, partitions=PARTITIONS, replication=3) == []


def test_what_passes_is_asked_again_and_what_does_not_is_told(bootstrap: str) -> None:
    asked = []

    def away_twice(admin: KafkaAdminClient) -> int:
        asked.append(admin)
        if len(asked) < 3:
            raise KafkaConnectionError("away")
        return len(set(asked))

    connection = Connection(bootstrap=bootstrap)
    assert administer(connection, away_twice) == 3

    def refused(admin: KafkaAdminClient) -> None:
        asked.append(admin)
        raise TopicAuthorizationFailedError("not yours")

    with pytest.raises(OperatorError, match="not yours"):
        administer(connection, refused)
    assert len(asked) == 4

    def away(admin: KafkaAdminClient) -> None:
        raise KafkaConnectionError("away")

    with pytest.raises(OperatorError, match=r"away\nOperator action: check that"):
        administer(connection, away, patience_s=0.0)
