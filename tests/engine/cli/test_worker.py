"""The petshop on Kafka, by commands alone, is the petshop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.runtimes.kafka.security import connect
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import write_settings
from tests.engine.runtimes.kafka.reading import in_topic
from tests.engine.runtimes.kafka.test_topics import append_to
from tests.engine.runtimes.shop import ROOT

PASSING = ("processed", "seconds", "events_per_second")


def petshop(folder: Path, url: str = "", prefix: str = "") -> Path:
    assert strand("init", folder, "--example", "petshop").code == 0
    if url:
        write_settings(folder, url, prefix, partitions=4)
    return folder


def lasting(report: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in report.items() if name not in PASSING}


def test_the_petshop_by_commands_alone(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = petshop(tmp_path / "embedded")
    history = str(next(shop.glob("*.jsonl")))
    assert strand("import", history, "--live-from", "2025-03-01", "-w", shop).code == 0
    expected = strand("run", "--until-idle", "--json", "-w", shop).json()
    assert expected["messages"] > 0

    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    assert strand("topics", "check", "-w", shop).code == 0
    assert strand("import", history, "--live-from", "2025-03-01", "-w", shop).code == 0
    assert strand("tick", "-w", shop, "--json").json() == {"as_of_ms": expected["as_of_ms"]}
    found = strand("worker", "--until-idle", "--json", "-w", shop)
    assert lasting(found.json()) == lasting(expected), found.err


def test_applying_on_kafka_is_not_tried_out_before(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    refused = strand("apply", "-w", shop)
    assert (refused.code, "say --yes" in refused.err) == (2, True)
    applied = strand("apply", "--yes", "--json", "-w", shop).json()
    assert applied["applied"] is True
    again = strand("apply", "--yes", "--json", "-w", shop).json()
    assert again == {"applied": False, "active": applied["hash"], "already_active": True}
    assert "is active already" in strand("apply", "--yes", "-w", shop).out
    assert sum(map(len, in_topic(connect(shop)[1], "activations").values())) == 1
    assert strand("tick", "--as-of", "1999-01-01", "-w", shop).code == 2
    report = strand("worker", "--until-idle", "--json", "-w", shop).json()
    assert report["as_of_ms"] == applied["at_ms"]


def test_a_worker_needs_a_log_on_kafka_and_topics_that_keep_everything(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    shop = petshop(tmp_path / "embedded")
    assert strand("worker", "-w", shop).code == 2
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    refused = strand("worker", "-w", shop)
    assert (refused.code, "Operator action:" in refused.err) == (1, True)
    wrong = strand("worker", "--json", "-w", shop)
    assert (wrong.code, "--until-idle" in wrong.err) == (2, True)


@pytest.mark.parametrize("command", [["worker", "--until-idle"], ["tick"], ["apply", "--yes"]])
def test_nothing_is_written_where_the_settings_say_another_number_of_partitions(
    tmp_path: Path, bootstrap: str, prefix: str, command: list[str]
) -> None:
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    append_to(connect(shop)[1], "interactions")
    settings = shop / "strand.toml"
    settings.write_text(settings.read_text().replace("partitions = 4", "partitions = 3"))
    refused = strand(*command, "-w", shop)
    assert (refused.code, f"{prefix}interactions: partitions must be 3; found 4" in refused.err) == (1, True)
    assert "only the setting is wrong: write `partitions = 4` into strand.toml" in refused.err
    assert not in_topic(connect(shop)[1], "activations").get(0)


def test_without_a_rulebook_it_is_said_how_to_apply_one(
    tmp_path: Path, bootstrap: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    assert strand("publish", next(shop.glob("*.jsonl")), "--catch-up", "-w", shop).code == 0
    ran = strand("worker", "--until-idle", "-w", shop)
    assert (ran.code, "no rulebook is active, so nothing was folded" in ran.err) == (0, True)
    assert "partition 1 has no rulebook: `strand apply` activates one" in caplog.messages
    assert "strand apply --yes" in ran.err
    assert "as of           no time: no rulebook is active\n" in ran.out
    verified = strand("verify", "-w", shop)
    assert "no time: no rulebook is active, or nothing is decided under it yet\n" in verified.out
    (shop / "file").touch()
    wrong = strand("worker", "--until-idle", "--folder", shop / "file", "-w", shop)
    assert (wrong.code, "must be a folder" in wrong.err) == (1, True)
    assert "Operator action: name a folder" in wrong.err
    wrong = strand("worker", "--until-idle", "--web", "127.0.0.1:1", "-w", shop)
    assert (wrong.code, "--web is for a worker that goes on" in wrong.err) == (2, True)


def test_a_foreign_record_among_activations_is_named(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    history = str(next(shop.glob("*.jsonl")))
    assert strand("topics", "create", "-w", shop).code == 0
    append_to(connect(shop)[1], "activations")
    for command in (
        ["apply", "--yes"],
        ["publish", history],
        ["import", history, "--live-from", "2025-03-01"],
        ["worker", "--until-idle"],
    ):
        answer = strand(*command, "-w", shop)
        assert (answer.code, f"at offset 0 of {prefix}activations is no activation: syntax" in answer.err) == (1, True)
        assert "Operator action: have nobody but workers" in answer.err


@pytest.mark.slow
def test_a_worker_runs_until_it_is_told_to_end(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    assert strand("apply", "--yes", "-w", shop).code == 0
    command = [sys.executable, "-m", "engine.cli", "worker", "--log", "json", "-w", str(shop)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as running:
        until = time.monotonic() + 60
        while not (shop / "worker" / "p3" / "derived" / "CURRENT").exists():
            assert time.monotonic() < until and running.poll() is None
            time.sleep(0.1)
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        said = running.stderr.read()
        assert running.wait(20) == 0, said
    assert "everything is on the disk" in said


def test_a_name_that_is_empty_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = petshop(tmp_path / "kafka", "127.0.0.1:1")
    elsewhere = strand("worker", "--folder", "", "-w", shop)
    assert (elsewhere.code, "--folder must name a folder of its own; found nothing" in elsewhere.err) == (2, True)
    monkeypatch.chdir(shop)
    for command, told in (
        (("worker", "--folder", ""), "--folder must name a folder of its own; found nothing"),
        (("worker", "--folder", shop), "--folder must name a folder of its own; found nothing"),
        (("outbox", "--folder", ""), "--folder must name a folder of its own; found nothing"),
        (("worker", "--instance", ""), "--instance must name this worker in the group; found nothing"),
        (("worker", "--depot", ""), "--depot must name a folder or a bucket; found nothing"),
        (("rebuild", "--into", ""), "--into must name a folder or a bucket; found nothing"),
    ):
        refused = strand(*command)
        assert (refused.code, told in refused.err) == (2, True), refused.err
    assert not (shop / "lock").exists()
