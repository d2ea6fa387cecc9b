"""Topics are made as they must be, and what differs is told with the command that mends it."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient, NewTopic

from deploy.kafka.jars import class_path
from deploy.kafka.node import waited
from engine.runtimes.kafka import administration
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection, look
from engine.runtimes.kafka.partition_counts import HARMLESS, RAISED
from engine.runtimes.kafka.topic_differences import RESTORE, check_topics, differences, refuse_unsafe
from engine.runtimes.kafka.topics import Topic, create_topics, found_topics, wanted_topics
from events.errors import OperatorError
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import write_settings


@pytest.fixture
def connection(bootstrap: str, prefix: str) -> Connection:
    return Connection(bootstrap=bootstrap, prefix=prefix)


@pytest.fixture
def shop(connection: Connection, tmp_path: Path) -> Path:
    write_settings(tmp_path, connection.bootstrap, connection.prefix, partitions=3)
    return tmp_path


def alter(connection: Connection, name: str, **settings: str) -> None:
    """Change a topic's settings and wait until its broker says so."""
    topic = connection.topic(name)
    wanted = {key.replace("_", "."): value for key, value in settings.items()}
    administer(connection, lambda admin: admin.alter_configs([ConfigResource("TOPIC", topic, wanted)]))
    assert waited(lambda: wanted.items() <= found(connection, topic)[topic].settings.items(), 10)


def found(connection: Connection, *names: str) -> dict[str, Topic]:
    return administer(connection, lambda admin: found_topics(admin, names))


def test_what_was_created_is_as_it_must_be(shop: Path, connection: Connection) -> None:
    made = strand("topics", "create", "-w", shop)
    assert (made.code, made.err) == (0, "")
    for name in ("interactions", "decisions", "transitions", "activations", "dead_letters"):
        assert connection.topic(name) in made.out
    check = strand("topics", "check", "-w", shop)
    assert (check.code, check.out) == (0, "all topics are as they must be\n")
    refuse_unsafe(connection, partitions=3)
    again = strand("topics", "create", "-w", shop, "--json")
    assert (again.code, again.json()) == (0, {"created": []})
    there = found(connection, connection.topic("interactions"), connection.topic("activations"))
    partitions = [(topic.partitions, topic.settings["retention.ms"]) for topic in there.values()]
    assert sorted(partitions) == [(1, "-1"), (3, "-1")]


def test_each_difference_is_told_and_its_command_mends_it(shop: Path, connection: Connection) -> None:
    strand("topics", "create", "-w", shop)
    alter(connection, "interactions", retention_ms="604800000", cleanup_policy="compact,delete")
    alter(connection, "transitions", message_timestamp_after_max_ms="3600000")
    answer = strand("topics", "check", "-w", shop, "--json")
    assert answer.code == 1
    told = {(each["topic"].split(".")[-1], each["setting"]): each for each in answer.json_lines()}
    assert {key: (each["found"], each["wanted"], each["loses_facts"]) for key, each in told.items()} == {
        ("interactions", "cleanup.policy"): ("compact,delete", "delete", True),
        ("interactions", "retention.ms"): ("604800000", "-1", True),
        ("transitions", "message.timestamp.after.max.ms"): ("3600000", "60000", False),
    }
    for each in told.values():
        tool, *arguments = shlex.split(each["mend"])
        assert tool == "kafka-configs.sh"
        subprocess.run(
            ["java", "-cp", class_path(), "kafka.admin.ConfigCommand", *arguments], check=True, capture_output=True
        )
    assert waited(lambda: strand("topics", "check", "-w", shop).code == 0, 10)


def test_workers_refuse_topics_that_lose_facts(connection: Connection) -> None:
    create_topics(connection, partitions=3, replication=1)
    alter(connection, "transitions", message_timestamp_after_max_ms="3600000")  # unwise, and nothing is lost
    refuse_unsafe(connection, partitions=3)
    alter(connection, "decisions", cleanup_policy="compact")
    with pytest.raises(
        OperatorError, match=r"decisions: cleanup.policy must be delete; found compact\nOperator action: "
    ):
        refuse_unsafe(connection, partitions=3)
    with pytest.raises(
        OperatorError, match=r"interactions: partitions must be 4; found 3\n(.*\n)*Operator action: write"
    ):
        refuse_unsafe(connection, partitions=4)


def test_workers_refuse_missing_topics_and_partitions_that_differ(connection: Connection) -> None:
    with pytest.raises(OperatorError, match=r"interactions is not there\n(.*\n)*Operator action: strand topics create"):
        refuse_unsafe(connection, partitions=3)
    with KafkaAdminClient(bootstrap_servers=connection.bootstrap) as admin:
        admin.create_topics(
            [NewTopic(connection.topic("decisions"), 2, 1), NewTopic(connection.topic("activations"), 2, 1)]
        )
    create_topics(connection, partitions=3, replication=1)
    with pytest.raises(OperatorError, match=r"decisions: partitions must be 3; found 2") as caught:
        refuse_unsafe(connection, partitions=3)
    assert "activations: partitions" not in str(caught.value)  # what is not used of a topic does no harm


def test_what_is_empty_may_be_made_anew_and_nothing_else(shop: Path, connection: Connection) -> None:
    names = ("interactions", "transitions", "activations", "dead_letters")
    with KafkaAdminClient(bootstrap_servers=connection.bootstrap) as admin:
        admin.create_topics([NewTopic(connection.topic("decisions"), 2, 1)])
    strand("topics", "create", "-w", shop)
    (told,) = (each for each in check_topics(connection, partitions=3, replication=1) if each.setting == "partitions")
    assert f"nothing is in it: kafka-topics.sh --bootstrap-server {connection.bootstrap} --delete" in told.mend
    append_to(connection, "decisions")
    (told,) = (each for each in check_topics(connection, partitions=3, replication=1) if each.setting == "partitions")
    assert (told.topic, told.mend) == (connection.topic("decisions"), RAISED)  # the log has more than was decided on
    assert set(found(connection, *map(connection.topic, names))) == set(map(connection.topic, names))


def test_empty_topics_that_differ_are_made_anew_as_the_setting_says(connection: Connection) -> None:
    with KafkaAdminClient(bootstrap_servers=connection.bootstrap) as admin:
        admin.create_topics([NewTopic(connection.topic("interactions"), 2, 1)])
        create_topics(connection, partitions=3, replication=1)
    (told,) = (each for each in check_topics(connection, partitions=3, replication=1) if each.setting == "partitions")
    assert (told.topic, told.mend.startswith("nothing is in it: ")) == (connection.topic("interactions"), True)


def append_to(connection: Connection, *names: str) -> None:
    """A record in each of these topics."""

    async def append() -> None:
        clients = Clients(connection)
        await clients.start()
        for name in names:
            await clients.append(connection.topic(name), 0, b"x")
        await clients.stop()

    asyncio.run(append())


def raise_partitions(connection: Connection, count: int, *names: str) -> None:
    """Add partitions to topics and wait until the brokers know."""
    wanted = {connection.topic(name): count for name in names}
    administer(connection, lambda admin: admin.create_partitions(wanted))
    assert waited(lambda: all(each.partitions == count for each in found(connection, *wanted).values()), 10)


def mends(connection: Connection, partitions: int) -> dict[str, str]:
    told = check_topics(connection, partitions=partitions, replication=1)
    assert all(each.setting == "partitions" for each in told)
    return {each.topic.removeprefix(connection.prefix): each.mend for each in told}


def test_a_log_that_was_raised_is_not_made_worse(shop: Path, connection: Connection) -> None:
    create_topics(connection, partitions=3, replication=1)
    append_to(connection, "interactions", "decisions", "transitions", "activations", "dead_letters")
    raise_partitions(connection, 5, "interactions")
    assert mends(connection, 3) == {"interactions": RAISED}
    assert mends(connection, 5) == dict.fromkeys(["decisions", "transitions", "dead_letters"], RAISED)
    with pytest.raises(OperatorError, match=r"interactions: partitions must be 3; found 5\nOperator action: stop pub"):
        refuse_unsafe(connection, partitions=3)
    with pytest.raises(OperatorError, match="as many partitions as the log"):
        look(connection)
    answer = strand("topics", "check", "-w", shop)
    assert (answer.code, "--delete" in answer.out, "write `partitions" in answer.out) == (1, False, False)
    raise_partitions(connection, 5, "decisions", "transitions", "dead_letters")
    told = mends(connection, 3)["interactions"]
    assert told.startswith(
        "if the topics were made with 5 partitions, only the setting is wrong: write `partitions = 5`"
    )
    assert told.endswith(RAISED)
    assert "--delete" not in str(mends(connection, 3))


def test_a_setting_that_is_too_large_is_what_is_wrong(connection: Connection) -> None:
    create_topics(connection, partitions=3, replication=1)
    append_to(connection, "interactions", "decisions")
    told = mends(connection, 8)
    assert set(told) == {"interactions", "decisions", "transitions", "dead_letters"}
    assert {each.split(" (")[0] for each in told.values()} == {"write `partitions = 3` into strand.toml"}


def test_partitions_that_nobody_uses_do_no_harm(connection: Connection) -> None:
    create_topics(connection, partitions=3, replication=1)
    append_to(connection, "interactions", "decisions", "transitions", "activations", "dead_letters")
    raise_partitions(connection, 5, "decisions", "transitions", "dead_letters", "activations")
    assert set(mends(connection, 3).values()) == {HARMLESS}
    refuse_unsafe(connection, partitions=3)
    assert look(connection).partitions == 3


def test_what_is_gone_while_others_hold_facts_is_not_made_anew(connection: Connection) -> None:
    create_topics(connection, partitions=3, replication=1)
    append_to(connection, "decisions")
    gone = connection.topic("interactions")
    administer(connection, lambda admin: admin.delete_topics([gone]))
    assert waited(lambda: not found(connection, gone), 10)
    (told,) = check_topics(connection, partitions=3, replication=1)
    assert (told.topic, told.mend) == (gone, RESTORE)


def test_a_cluster_with_too_few_brokers_is_told(connection: Connection) -> None:
    with pytest.raises(
        OperatorError, match=r"replication is 3 and the cluster has 1 brokers\nOperator action: add brokers"
    ):
        create_topics(connection, partitions=1, replication=3)


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "CONNECT_MS", 1_000)
    with pytest.raises(
        OperatorError, match=r"127.0.0.1:1 refuses or does not answer(.*\n)*Operator action: check that"
    ):
        check_topics(Connection(bootstrap="127.0.0.1:1"), partitions=1, replication=1)


def test_more_copies_and_more_in_sync_are_no_difference() -> None:
    connection = Connection(bootstrap="broker:9092", admin={"security_protocol": "SSL"})
    (wanted, *_) = wanted_topics(connection, partitions=2, replication=3)
    assert wanted.settings["min.insync.replicas"] == "2"
    better = Topic(wanted.name, 2, 5, {**wanted.settings, "min.insync.replicas": "3", "max.message.bytes": "9000000"})
    worse = Topic(wanted.name, 2, 1, {**wanted.settings, "min.insync.replicas": "1"})
    assert differences(connection, [wanted], {wanted.name: better}, set()) == []
    replication, in_sync = differences(connection, [wanted], {wanted.name: worse}, set())
    assert (replication.setting, replication.found, replication.wanted) == ("replication", "1", "3")
    assert in_sync.mend == (
        "kafka-configs.sh --bootstrap-server broker:9092 --command-config FILE --alter --entity-type topics "
        "--entity-name interactions --add-config min.insync.replicas=2"
    )
