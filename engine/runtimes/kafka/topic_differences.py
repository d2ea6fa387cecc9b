"""How topics differ from what they must be, what a person does about it, and which differences lose facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient

from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.connection import ACTIVATIONS, DECISIONS, INTERACTIONS, Connection
from engine.runtimes.kafka.partition_counts import Counts
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.topics import KEPT, MAX_BYTES, MIN_IN_SYNC, Topic, found_topics, held_in, wanted_topics
from events.errors import OperatorError

REPLICATION, PARTITIONS, EXISTS = "replication", "partitions", "exists"
AT_LEAST = frozenset({MIN_IN_SYNC, MAX_BYTES})
LOSES_FACTS = frozenset({*KEPT, PARTITIONS, EXISTS})
CREATE_COMMAND = "strand topics create"
RESTORE = "restore it from a backup: other topics hold what belongs to what stood in it"


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
