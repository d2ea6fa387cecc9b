"""`make kafka-up` and `make kafka-down`, with ports and a folder of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.kafka import __main__ as command
from deploy.kafka.cluster import brokers_at, free_ports
from tests.brokers import need_a_broker

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the command; whatever it leaves running is stopped."""
    need_a_broker()
    ports = free_ports(3)
    monkeypatch.setattr(command, "FOLDER", tmp_path / "data")
    monkeypatch.setattr(command, "fixed_ports", lambda nodes: ports[:nodes])
    monkeypatch.delenv(command.ELSEWHERE, raising=False)

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["kafka", *words])
        return command.main()

    yield run
    monkeypatch.delenv(command.ELSEWHERE, raising=False)
    run("down", "--wipe")


def test_a_broker_outlives_the_command_that_starts_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("up") == 0
    said = capsys.readouterr().out
    bootstrap = said.removeprefix("Kafka answers at ").split(";")[0]
    assert brokers_at(bootstrap) == 1
    assert run("up") == 0  # nothing is started twice
    assert run("up", "--nodes", "3") == 1
    assert "is that of a cluster with 1 nodes, not 3\nOperator action: " in capsys.readouterr().err
    assert run("down") == 0
    assert capsys.readouterr().out == "Kafka is stopped; its topics stay\n"
    assert brokers_at(bootstrap) == 0
    assert command.FOLDER.exists()
    assert run("down", "--wipe") == 0
    assert not command.FOLDER.exists()


def test_another_cluster_is_left_alone(
    run: Run, bootstrap: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(command.ELSEWHERE, bootstrap)
    assert (run("up"), run("down")) == (0, 0)
    assert "where 1 answer; nothing was started" in capsys.readouterr().out
    assert brokers_at(bootstrap) == 1
    monkeypatch.setenv(command.ELSEWHERE, "127.0.0.1:1")
    assert run("up") == 1
    assert "no broker answers at 127.0.0.1:1\nOperator action: " in capsys.readouterr().err


def test_a_cluster_that_is_named_wrongly_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kafka", "up"])
    for named, words in (
        ("localhost", "KAFKA_BOOTSTRAP must be host:port, or several with commas between; found localhost"),
        ("localhost:x", "KAFKA_BOOTSTRAP must be host:port, or several with commas between; found localhost:x"),
        ("nosuch.invalid:9092", "no broker answers at nosuch.invalid:9092"),
    ):
        monkeypatch.setenv(command.ELSEWHERE, named)
        assert command.main() == 1
        assert f"{words}\nOperator action: " in capsys.readouterr().err
