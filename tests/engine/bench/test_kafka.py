"""The parts of `strand bench kafka`, at sizes that measure nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.bench import kafka_latency, kafka_sizes, kafka_takeover, kafka_throughput
from engine.bench.figures import Figure
from engine.bench.kafka import _to_quix
from engine.bench.kafka_stand import Program, broker, progress, rate, wait_until
from engine.bench.kafka_throughput import QUIX_PYTHON, Rates, quix_python
from engine.bench.latency import arrivals_at
from engine.bench.tuning import Tuned, untuned
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, Connection
from events.errors import OperatorError

CUSTOMERS, EVENTS = 400, 4_000


@pytest.fixture(scope="module")
def rulebook() -> Tuned:
    return untuned(10)


@pytest.fixture(scope="module")
def filled(bootstrap: str, rulebook: Tuned) -> Connection:
    return kafka_throughput.filled(bootstrap, rulebook, CUSTOMERS, EVENTS)


def test_workers_and_faust_take_the_same_topic(filled: Connection, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    assert kafka_throughput.taken_by_workers(filled, folders, EVENTS) > 0
    assert all(list(folder.glob("p*/copy")) for folder in folders)
    assert kafka_throughput.counted_by_faust(filled, tmp_path / "faust", EVENTS) > 0
    assert list((tmp_path / "faust").rglob("*.db"))


def test_quix_takes_it_too_where_it_is_there(filled: Connection, tmp_path: Path) -> None:
    """With another interpreter's program in its place: only `make quix` brings quixstreams."""
    python = tmp_path / "python"
    said = json.dumps({"t": 1.0, "done": {"all": EVENTS // 2}}), json.dumps({"t": 2.0, "done": {"all": EVENTS}})
    python.write_text(f"#!/bin/sh\necho '{said[0]}'\necho '{said[1]}'\nexec sleep 60\n")
    python.chmod(0o755)
    assert kafka_throughput.counted_by_quix(python, filled, tmp_path / "quix", EVENTS) == EVENTS / 2


def test_the_same_shards_are_driven_embedded(rulebook: Tuned) -> None:
    assert kafka_throughput.embedded(rulebook, CUSTOMERS, EVENTS) > 0


def test_every_event_that_arrives_is_waited_for(bootstrap: str, rulebook: Tuned) -> None:
    arrivals = arrivals_at(2_000.0, EVENTS - EVENTS // 2, 1)
    waits = kafka_latency.one_round(rulebook, bootstrap, CUSTOMERS, EVENTS, arrivals)
    assert 0 < waits.p50_ms <= waits.p99_ms <= waits.worst_ms


def test_a_restarted_worker_decides_again_in_every_partition(bootstrap: str, rulebook: Tuned) -> None:
    (restart,) = kafka_takeover.restarts(rulebook, bootstrap, 500, 1)
    assert 0 < restart.ended_s < restart.decided_s


def test_a_program_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = Program([sys.executable, "-c", "print('no such topic'); raise SystemExit(1)"], folder=tmp_path)
    with program, pytest.raises(OperatorError, match="no such topic"):
        wait_until([program], 1)


def test_what_several_have_done_is_added_up_by_partition(tmp_path: Path) -> None:
    both = Program([], folder=tmp_path), Program([], folder=tmp_path)
    both[0].samples += [(1.0, {"0": 10, "1": 10}), (3.0, {"0": 30})]
    both[1].samples += [(2.0, {"1": 5}), (4.0, {"1": 50})]  # it took partition 1 over, and began again
    grown = progress(both)
    assert grown == [(1.0, 20), (2.0, 20), (3.0, 40), (4.0, 80)]
    assert rate(grown, 20, 80) == 20.0


def test_what_was_not_measured_says_so_and_is_not_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(QUIX_PYTHON, raising=False)
    assert quix_python() is None
    figure: Figure = _to_quix(Rates(one=[1.0]), "one worker", [1.0], "1 event/s")
    assert (figure.verdict, figure.missed) == ("not measured", True)
    assert "make quix" in figure.note
    monkeypatch.setenv(QUIX_PYTHON, str(tmp_path / "python"))
    with pytest.raises(OperatorError, match="which is no file"):
        quix_python()


def test_another_broker_is_used_where_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "kafka.example:9092")
    with broker() as found:
        assert found == "kafka.example:9092"


def test_a_shop_s_sizes_are_asked_of_the_broker_and_the_disk(
    bootstrap: str, rulebook: Tuned, filled: Connection, tmp_path: Path
) -> None:
    memory_mb = kafka_sizes.taken(filled, tmp_path, EVENTS)
    assert memory_mb > 20
    assert kafka_sizes.bytes_in(tmp_path, "copy") > EVENTS
    assert kafka_sizes.bytes_in(tmp_path, "derived") > CUSTOMERS
    found = kafka_sizes.topic_bytes(filled)
    assert found[INTERACTIONS] > EVENTS and found[DECISIONS] > 0
