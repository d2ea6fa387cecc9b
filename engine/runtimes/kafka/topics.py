"""The topics: what they must be like, what they are like, and how those that are missing are made.

Facts are kept for ever, at the times their publishers gave them, in as many partitions as there are shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, NewTopic, OffsetSpec
from kafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError

from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import ACTIVATIONS, DECISIONS, INTERACTIONS, TRANSITIONS, Connection
from events.admission import FUTURE_MS
from events.errors import OperatorError

DEAD_LETTERS = "dead_letters"
NAMES = (INTERACTIONS, DECISIONS, TRANSITIONS, ACTIVATIONS, DEAD_LETTERS)

MIN_IN_SYNC, MAX_BYTES = "min.insync.replicas", "max.message.bytes"
# With any other value records are dropped, replaced, refused or given other times.
KEPT: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
    "unclean.leader.election.enable": "false",
}
SETTINGS: Mapping[str, str] = {
    **KEPT,
    "message.timestamp.after.max.ms": str(FUTURE_MS),
    "message.timestamp.before.max.ms": str(2**63 - 1),  # history is imported at its own times
    MAX_BYTES: str(1_048_588),  # Kafka's default; a batch of decisions has nearly as many
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be, or as it is; `name` is the cluster's."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


def wanted_topics(connection: Connection, *, partitions: int, replication: int) -> list[Topic]:
    """The topics as they must be."""
    settings = {**SETTINGS, MIN_IN_SYNC: str(max(1, replication - 1))}
    return [
        Topic(connection.topic(name), 1 if name == ACTIVATIONS else partitions, replication, settings) for name in NAMES
    ]


def found_topics(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, Topic]:
    """The topics that are there, by name."""
    described = [topic for topic in admin.describe_topics(list(names)) if not topic["error_code"]]
    if not described:
        return {}
    resources = [ConfigResource("TOPIC", topic["name"]) for topic in described]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        topic["name"]: Topic(
            name=topic["name"],
            partitions=len(topic["partitions"]),
            replication=min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
            settings={key: str(found["value"]) for key, found in settings[topic["name"]].items()},
        )
        for topic in described
    }


def create_topics(connection: Connection, *, partitions: int, replication: int) -> list[str]:
    """Make the topics that are not there, and return their names; the others are left as they are.

    Raises OperatorError, also where there are fewer brokers than `replication`.
    """
    wanted = wanted_topics(connection, partitions=partitions, replication=replication)

    def create(admin: KafkaAdminClient) -> list[str]:
        there = found_topics(admin, [topic.name for topic in wanted])
        made = [topic for topic in wanted if topic.name not in there]
        brokers = len(admin.describe_cluster()["brokers"])
        new = [
            NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=dict(topic.settings))
            for topic in made
        ]
        try:
            if new:
                admin.create_topics(new)
                admin.wait_for_topics([topic.name for topic in made])
        except TopicAlreadyExistsError:
            pass  # another process makes them at this moment
        except InvalidReplicationFactorError as error:
            raise OperatorError(
                f"kafka.replication is {replication} and the cluster has {brokers} brokers",
                "add brokers; for a development cluster write `replication = 1` into the [kafka] table of strand.toml",
            ) from error
        return [topic.name for topic in made]

    return administer(connection, create)


def held_in(admin: KafkaAdminClient, topics: Iterable[Topic]) -> frozenset[str]:
    """The names of those in which something stands, or stood."""
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    asked = dict.fromkeys(places, OffsetSpec.LATEST)
    return frozenset(place.topic for place, end in admin.list_partition_offsets(asked).items() if end.offset > 0)
