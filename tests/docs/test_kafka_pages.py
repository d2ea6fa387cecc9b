"""What the pages about Kafka show works on a broker: commands, settings, programs that publish."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.kafka.jars import class_path
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.topic_differences import REPLICATION
from engine.runtimes.kafka.topics import MIN_IN_SYNC, SETTINGS, create_topics
from engine.runtimes.kafka.values import RECORD_BYTE
from engine.workspace.settings import load_settings
from events.admission import admit
from events.codec import encode_record
from events.partitioning import partition_of
from tests.brokers import need_a_broker
from tests.docs.blocks import Block, blocks, commands
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.reading import in_log
from tests.tidy.tree import ROOT

KAFKA, PUBLISHING = ROOT / "docs/kafka.md", ROOT / "docs/publishing.md"
SHOWN_BROKER = "127.0.0.1:9092"
PARTITIONS = 5


def only(page: Path, language: str) -> Block:
    (found,) = (block for block in blocks(page) if block.language == language)
    return found


def environment(prefix: str, home: Path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "STRAND_KAFKA__PREFIX": prefix}


@pytest.fixture
def connection(bootstrap: str, prefix: str) -> Connection:
    connection = Connection(bootstrap=bootstrap, prefix=prefix)
    create_topics(connection, partitions=PARTITIONS, replication=1)
    return connection


@pytest.mark.slow
def test_the_commands_run(bootstrap: str, prefix: str, tmp_path: Path) -> None:
    script = "\n".join(["set -euo pipefail", *commands(KAFKA, "kafka")]).replace(SHOWN_BROKER, bootstrap)
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment(prefix, tmp_path),
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    records = list(in_log(Connection(bootstrap=bootstrap, prefix=prefix)))
    assert sum(1 for each in records if each.event.customer_id) == 13


def test_the_settings_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strand.toml").write_text(only(KAFKA, "toml").text)
    monkeypatch.setenv("STRAND_KAFKA__SASL_PASSWORD", "hush")
    settings = load_settings(tmp_path)
    assert (settings.brokers, settings.partitions) == (["one.kafka.example:9093", "two.kafka.example:9093"], 12)
    assert settings.kafka.uses_sasl and settings.kafka.uses_tls


def test_every_setting_that_is_checked_is_told() -> None:
    page = KAFKA.read_text(encoding="utf-8")
    assert [name for name in (*SETTINGS, MIN_IN_SYNC, REPLICATION) if name not in page] == []


def test_what_is_for_an_embedded_log_exits_2(tmp_path: Path) -> None:
    section = KAFKA.read_text(encoding="utf-8").split("## Commands that are for an embedded log")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `strand")]
    named = [found for row in rows for found in re.findall(r"`strand ([^`]+)`", row)]
    assert len(named) == 9
    shop = tmp_path / "shop"
    assert strand("init", shop).code == 0
    (shop / "strand.toml").write_text('log = "kafka://127.0.0.1:1"\n')
    more: dict[str, list[object]] = {"customer": ["ann"], "backup": [tmp_path / "there"]}
    for command in named:
        answer = strand(*command.split(), *more.get(command, []), "-w", shop)
        assert (command, answer.code) == (command, 2), answer.err


@pytest.mark.slow
def test_the_java_program_publishes(connection: Connection, tmp_path: Path) -> None:
    need_a_broker()
    text = only(PUBLISHING, "java").text.replace(SHOWN_BROKER, connection.bootstrap)
    source = tmp_path / "Checkout.java"
    source.write_text(text.replace('"interactions"', json.dumps(connection.topic("interactions"))))
    subprocess.run(["java", "-cp", class_path(), str(source)], check=True, capture_output=True)
    (record,) = in_log(connection)
    assert (record.event.id, record.event.data["total"]) == ("java-1", 12.5)
    assert record.partition == partition_of("bob", PARTITIONS)


@pytest.mark.slow
def test_the_python_program_publishes(connection: Connection, prefix: str, tmp_path: Path) -> None:
    text = only(PUBLISHING, "python").text.replace(SHOWN_BROKER, connection.bootstrap)
    ran = subprocess.run(
        [sys.executable, "-c", text], env=environment(prefix, tmp_path), check=True, capture_output=True, text=True
    )
    assert ran.stdout == "bad_id: customer_id must not be empty\n"
    (record,) = in_log(connection)
    assert (record.event.id, record.event.source, record.partition) == (
        "python-1",
        "checkout",
        partition_of("bob", PARTITIONS),
    )


def test_the_event_that_is_shown_is_one() -> None:
    event = admit(only(PUBLISHING, "json").text.encode(), now_ms=None).event
    assert (event.id, event.source) == ("o-1008", "checkout")
    assert encode_record(event, 0)[0] == RECORD_BYTE == 0x9A
