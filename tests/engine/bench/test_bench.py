from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.bench.figures import COLUMNS, Figure
from engine.bench.suite import BENCHES, NEED_A_BROKER, as_markdown, write_down
from engine.cli.output import json_text
from tests.brokers import need_a_broker
from tests.engine.cli.shell import strand

ROWS = {
    "live": 2, "segments": 3, "latency": 1, "rebuild": 2, "customers": 3, "busy": 1, "startup": 1,
    "kafka": 9, "sizes": 6,
}  # fmt: skip


def figure(value: float, *, at_least: bool = False) -> Figure:
    return Figure(bench="live", name="a", value=value, threshold=2.0, aim=3.0 if at_least else 1.0, at_least=at_least)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (figure(0.9), "passed, aim reached"),
        (figure(1.5), "passed"),
        (figure(2.1), "missed"),
        (figure(3.5, at_least=True), "passed, aim reached"),
        (figure(2.5, at_least=True), "passed"),
        (figure(1.9, at_least=True), "missed"),
        (Figure(bench="latency", name="a", value=4.0, aim=5.0), "aim reached"),
        (Figure(bench="latency", name="a", value=6.0, aim=5.0), "aim missed"),
        (Figure(bench="customers", name="a", value=6.0), ""),
        (Figure(bench="kafka", name="a", value=None, threshold=2.0, at_least=True), "not measured"),
    ],
)
def test_a_verdict_says_what_was_reached(found: Figure, verdict: str) -> None:
    assert found.verdict == verdict
    assert found.missed is (verdict in {"missed", "not measured"})


def test_what_was_not_measured_is_null_and_says_why() -> None:
    peer = Figure(bench="kafka", name="to a peer", value=None, threshold=0.65, at_least=True, note="it is not here")
    assert json.loads(json_text(peer.json()))["value"] is None
    assert "| kafka | to a peer | nothing | at least 0.65 |  | not measured | it is not here |" in as_markdown(
        [peer], quick=False, seconds=1.0
    )


def test_runs_are_added_to_the_results(tmp_path: Path) -> None:
    results = tmp_path / "bench" / "results.md"
    staged = Figure(bench="live", name="to the floor's", value=0.2, stages={"read": 1.0, "own steps": 7.0})
    write_down(results, [staged], quick=False, seconds=9.0)
    first = results.read_text()
    write_down(results, [staged], quick=True, seconds=1.0)
    assert results.read_text().startswith(first)
    assert results.read_text().count("\n## ") == 2
    assert "Microseconds an event by stage, live, to the floor's: own steps 7.0, read 1.0." in first
    assert "| " + " | ".join(COLUMNS) + " |" in as_markdown([staged], quick=False, seconds=9.0)


def test_an_unknown_benchmark_is_refused_by_name(tmp_path: Path) -> None:
    answer = strand("bench", "speed", "--results", tmp_path / "r.md")
    assert answer.code == 2
    assert "no benchmark is called 'speed'; there are live, segments" in answer.err


def test_startup_is_measured_and_written_down(tmp_path: Path) -> None:
    results = tmp_path / "r.md"
    answer = strand("bench", "startup", "--quick", "--json", "--results", results)
    assert answer.code == 0
    (row,) = answer.json_lines()
    assert row["bench"] == "startup"
    assert row["value"] > 0
    assert "| startup | strand --help |" in results.read_text()


@pytest.mark.soak
@pytest.mark.parametrize("name", BENCHES)
def test_every_benchmark_runs(name: str, tmp_path: Path) -> None:
    if name in NEED_A_BROKER:
        need_a_broker()
    results = tmp_path / "r.md"
    answer = strand("bench", name, "--quick", "--json", "--results", results)
    assert answer.code == 0, answer.err
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert len(rows) == ROWS[name]
    assert all(row["value"] >= 0 for row in rows if row["verdict"] != "not measured")
    assert results.read_text().count(f"| {name} |") == ROWS[name]
