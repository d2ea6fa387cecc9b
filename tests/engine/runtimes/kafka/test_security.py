"""TLS and passwords reach every client, and a password reaches nobody else."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from engine.runtimes.kafka import administration
from engine.runtimes.kafka.appending import Appender
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.publisher import KafkaPublisher
from engine.runtimes.kafka.security import Password, connect
from events.errors import CalledWrongly, OperatorError
from tests.brokers import need_a_broker
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.secured import KEY_PASSWORD, PASSWORD, USER, Secured, secured
from tests.engine.runtimes.shop import history, make_shop, write_lines

VARIABLE, OF_KEY = "STRAND_KAFKA__SASL_PASSWORD", "STRAND_KAFKA__KEY_PASSWORD"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    need_a_broker()
    with secured(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture
def shop(broker: Secured, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace on that broker, with the right password in the environment."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    monkeypatch.setenv(OF_KEY, KEY_PASSWORD)
    folder = make_shop(tmp_path / "shop")
    shutil.copy(broker.ca_file, folder / "ca.pem")
    shutil.copy(broker.key_file, folder / "client.key")
    (folder / "strand.toml").write_text(f"""
partitions = 2
log = "kafka://{broker.cluster.bootstrap}"
[kafka]
prefix = "{prefix}"
replication = 1
security_protocol = "SASL_SSL"
sasl_username = "{USER}"
ca_file = "ca.pem"
certificate_file = "ca.pem"
key_file = "client.key"
""")
    return folder


def test_every_client_says_who_it_is_over_tls_and_no_log_has_the_password(
    shop: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    made = strand("topics", "create", "-w", shop, "--json")
    assert (made.code, len(made.json()["created"])) == (0, 5)
    assert strand("topics", "check", "-w", shop).code == 0
    file = write_lines(shop / "h.jsonl", history())
    imported = strand("import", file, "--live-from", "2025-01-03", "-w", shop)
    assert imported.code == 0, imported.err
    ran = strand("worker", "--until-idle", "--json", "-w", shop)
    assert ran.json()["events"] == len(history()), ran.err
    settings, connection = connect(shop)
    with KafkaPublisher(settings, folder=shop) as publisher:
        publisher.publish(id="e1", type="city_changed", customer_id="ann", occurred_at=1_750_000_000_000)
    (shop / "more.jsonl").write_text(
        '{"id": "e2", "type": "city_changed", "customer_id": "ann", "occurred_at": "2025-07-01T00:00:00Z"}\n'
    )
    published = strand("publish", shop / "more.jsonl", "--json", "--catch-up", "-w", shop)
    assert published.code == 0, published.err
    topic = connection.topic("interactions")

    async def there_and_back() -> bytes:
        async with AIOKafkaProducer(**connection.client) as producer:
            sent = await producer.send_and_wait(topic, b"hello")
        async with AIOKafkaConsumer(**connection.client, auto_offset_reset="earliest") as consumer:
            consumer.assign([TopicPartition(topic, sent.partition)])
            consumer.seek(TopicPartition(topic, sent.partition), sent.offset)
            return bytes((await consumer.getone()).value)

    assert asyncio.run(there_and_back()) == b"hello"
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if PASSWORD in line or KEY_PASSWORD in line] == []
    assert len(lines) > 100  # the clients did write into these logs
    assert PASSWORD not in "".join(capfd.readouterr()) + imported.err + ran.err + published.err + repr(connection)


def test_a_wrong_password_is_told_and_not_shown(
    shop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(administration, "CONNECT_MS", 2_000)
    monkeypatch.setenv(VARIABLE, "wr0ng-horse")
    settings, connection = connect(shop)
    told = []
    for command in ("topics check", "worker --until-idle", "publish /dev/null", "tick"):
        answer = strand(*command.split(), "-w", shop)
        assert answer.code == 1
        told.append(answer.err + answer.out)
    for client in (
        lambda: asyncio.run(Clients(connection).start()),
        lambda: Appender(connection, [connection.topic("interactions")]),
        lambda: KafkaPublisher(settings, folder=shop),
    ):
        with pytest.raises(OperatorError) as refused:
            client()
        told.append(str(refused.value))
    for each in told:
        assert "refused the user's name or password\nOperator action: check " in each
    assert "wr0ng" not in "".join(told) + caplog.text
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # aiokafka does not wait until a connection whose user was refused has ended


def test_a_broker_that_no_authority_vouches_for_is_refused(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "CONNECT_MS", 2_000)
    settings = shop / "strand.toml"
    settings.write_text(settings.read_text().replace('ca_file = "ca.pem"', ""))
    answer = strand("topics", "check", "-w", shop)
    assert answer.code == 1
    assert "Operator action: " in answer.err


def test_a_client_without_its_certificate_is_refused(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "CONNECT_MS", 2_000)
    settings = shop / "strand.toml"
    settings.write_text(settings.read_text().split("certificate_file")[0])
    answer = strand("topics", "check", "-w", shop)
    assert answer.code == 1
    assert "Operator action: " in answer.err


def test_files_that_cannot_be_used_are_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OF_KEY, "wr0ng-secret")
    with pytest.raises(
        OperatorError, match=r"kafka.key_file cannot be used(.*\n)*.*set STRAND_KAFKA__KEY_PASSWORD"
    ) as told:
        connect(shop)
    assert "wr0ng" not in str(told.value)
    (shop / "ca.pem").write_text("no certificate")
    with pytest.raises(OperatorError, match=r"kafka.ca_file .*ca.pem cannot be used"):
        connect(shop)
    (shop / "ca.pem").unlink()
    with pytest.raises(OperatorError, match=r"kafka.ca_file .*No such file"):
        connect(shop)


def test_an_embedded_log_has_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "strand.toml").write_text("")
    with pytest.raises(CalledWrongly, match=r"is embedded: .*\nOperator action: write"):
        connect(tmp_path)


def test_a_password_is_not_shown_by_what_holds_it() -> None:
    password = Password("hush")
    assert "hush" not in f"{password}{password!r}{[password]}{password!s:>9}"
    assert b"".join((b"ann", b"\0", password.encode())) == b"ann\0hush"
    assert "".join(["ann ", password]) == "ann hush"  # noqa: FLY002 -- how clients put it into a request
