"""The topics, what they must be like, and what is said about those that are not.

Facts are kept for ever, at the times their publishers gave them, in as many partitions as there are shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from kafka import TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, NewTopic, OffsetSpec
from kafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError

from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import ACTIVATIONS, DECISIONS, INTERACTIONS, TRANSITIONS, Connection
from engine.runtimes.kafka.partition_counts import Counts
from engine.runtimes.kafka.security import connect
from events.admission import FUTURE_MS
from events.errors import OperatorError

DEAD_LETTERS = "dead_letters"
NAMES = (INTERACTIONS, DECISIONS, TRANSITIONS, ACTIVATIONS, DEAD_LETTERS)

REPLICATION, PARTITIONS, EXISTS = "replication", "partitions", "exists"
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
AT_LEAST = frozenset({MIN_IN_SYNC, MAX_BYTES})
LOSES_FACTS = frozenset({*KEPT, PARTITIONS, EXISTS})
CREATE_COMMAND = "strand topics create"
RESTORE = "restore it from a backup: other topics hold what belongs to what stood in it"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be, or as it is; `name` is the cluster's."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What of a topic is not as it must be, and the command that mends it; facts may be lost by some."""

    topic: str
    setting: str
    found: str
    wanted: str
    mend: str
    harmless: bool = False

    @property
    def loses_facts(self) -> bool:
        """Whether workers must not run on it."""
        return self.setting in LOSES_FACTS and not self.harmless

    def __str__(self) -> str:
        if self.setting == EXISTS:
            return f"{self.topic} is not there"
        return f"{self.topic}: {self.setting} must be {self.wanted}; found {self.found}"


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


def check_topics(connection: Connection, *, partitions: int, replication: int) -> list[Difference]:
    """How the cluster's topics differ from what they must be; raises OperatorError where it does not answer."""
    return administer(connection, lambda admin: found_differences(admin, connection, partitions, replication))


def found_differences(
    admin: KafkaAdminClient, connection: Connection, partitions: int, replication: int
) -> list[Difference]:
    """As `check_topics`, with an admin client that is there."""
    wanted = wanted_topics(connection, partitions=partitions, replication=replication)
    found = found_topics(admin, [topic.name for topic in wanted])
    alike = all(topic.name in found and found[topic.name].partitions == topic.partitions for topic in wanted)
    holding = frozenset[str]() if alike else held_in(admin, found.values())
    return differences(connection, wanted, found, holding)


def safe_connection(folder: Path) -> Connection:
    """How to reach the cluster of the workspace in a folder; raises OperatorError where its topics would lose facts, or
    have not as many partitions as the settings say, and what `connect` raises."""
    settings, connection = connect(folder)
    refuse_unsafe(connection, partitions=settings.partitions)
    return connection


def refuse_unsafe(connection: Connection, *, partitions: int) -> None:
    """Raise OperatorError if the topics would lose facts: by retention, compaction, times, or their partitions."""
    refuse(check_topics(connection, partitions=partitions, replication=1))


def refuse(found: Iterable[Difference]) -> None:
    """Raise OperatorError if facts are lost by one of these differences."""
    unsafe = [each for each in found if each.loses_facts]
    if unsafe:
        said = "\n".join(str(each) for each in unsafe)
        mends = "; ".join(dict.fromkeys(each.mend for each in unsafe))
        raise OperatorError(f"these topics would lose facts:\n{said}", f"{mends} (`strand topics check` tells all)")


def differences(
    connection: Connection, wanted: Iterable[Topic], found: Mapping[str, Topic], holding: Set[str]
) -> list[Difference]:
    """How topics differ from what they must be, in the order wanted; in those `holding` something stands, or stood."""
    as_wanted = {topic.name: topic for topic in wanted}
    counts = Counts(
        log=connection.topic(INTERACTIONS),
        single=connection.topic(ACTIVATIONS),
        wanted=as_wanted[connection.topic(INTERACTIONS)].partitions,
        found={name: topic.partitions for name, topic in found.items()},
        holding=holding,
        delete=lambda name: f"{_tool('kafka-topics.sh', connection)} --delete --topic {name}",
        create=CREATE_COMMAND,
    )
    return [each for topic in as_wanted.values() for each in _of_topic(connection, topic, found, counts)]


def _of_topic(
    connection: Connection, wanted: Topic, found: Mapping[str, Topic], counts: Counts
) -> Iterator[Difference]:  # fmt: skip
    there = found.get(wanted.name)
    if there is None:
        facts = {connection.topic(name) for name in (INTERACTIONS, DECISIONS, ACTIVATIONS)}
        lost = wanted.name in facts and facts & counts.holding
        mend = RESTORE if lost else CREATE_COMMAND
        yield Difference(topic=wanted.name, setting=EXISTS, found="no", wanted="yes", mend=mend)
        return
    if there.partitions != wanted.partitions:
        mend, harmless = counts.mend(wanted.name), counts.harmless(wanted.name)
        yield _difference(wanted, PARTITIONS, there.partitions, wanted.partitions, mend, harmless=harmless)
    if there.replication < wanted.replication:
        plan = f"a plan that gives each partition of {wanted.name} {wanted.replication} brokers"
        mend = f"{_tool('kafka-reassign-partitions.sh', connection)} --execute --reassignment-json-file FILE, {plan}"
        yield _difference(wanted, REPLICATION, there.replication, wanted.replication, mend)
    for setting, value in wanted.settings.items():
        is_ = there.settings.get(setting, "unknown")
        if is_ != value and not (setting in AT_LEAST and is_.isdigit() and int(is_) > int(value)):
            entity = f"--alter --entity-type topics --entity-name {wanted.name}"
            mend = f"{_tool('kafka-configs.sh', connection)} {entity} --add-config {setting}={value}"
            yield _difference(wanted, setting, is_, value, mend)


def _difference(
    topic: Topic, setting: str, found: object, wanted: object, mend: str, *, harmless: bool = False
) -> Difference:
    return Difference(
        topic=topic.name, setting=setting, found=str(found), wanted=str(wanted), mend=mend, harmless=harmless
    )


def _tool(name: str, connection: Connection) -> str:
    """The beginning of a command of Kafka's own tools."""
    secured = connection.admin.get("security_protocol", "PLAINTEXT") != "PLAINTEXT"
    return f"{name} --bootstrap-server {connection.bootstrap}" + (" --command-config FILE" if secured else "")
