"""What was acknowledged survives the death of the process and the power cut after it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.rocksdb_facts import RocksFacts
from tests.contract.power_cut import cut
from tests.engine.adapters.writer import value

ROOT = Path(__file__).parents[3]
POINTS = ["before-log-append", "after-log-append", "before-log-fsync", "after-log-fsync", "before-decisions"]


def write_until_killed(folder: Path, *, seed: int, kill_at: str, acknowledgements: int = 0) -> dict[str, Any]:
    """Run the writer until its kill point, or so many acknowledgements; returns the last acknowledgement."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/engine/adapters/writer.py"), str(folder), str(seed), kill_at],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    said: dict[str, Any] = {"end": 0, "decisions": 0, "sizes": {}}
    for count, line in enumerate(process.stdout, 1):
        said = json.loads(line) if line.endswith("\n") else said
        if count == acknowledgements:
            process.kill()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return said


def check(folder: Path, said: dict[str, Any]) -> None:
    """Everything acknowledged is there, in order, without gaps, and nothing else than what was appended."""
    facts = RocksFacts(folder, 0)
    assert facts.log.end() >= said["end"]
    assert facts.decisions.count() >= said["decisions"]
    records: list[bytes] = []
    while run := facts.log.read(len(records), 1000):
        records += run
    assert records == [value(number) for number in range(facts.log.end())]
    assert list(facts.decisions.read()) == [value(number) for number in range(facts.decisions.count())]
    # An append is whole or not at all, its meta entry included.
    assert facts.log.meta("end") == (b"%d" % facts.log.end() if facts.log.end() else None)
    facts.close()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_and_cut(tmp_path: Path, point: str) -> None:
    rng = random.Random(point)
    folder = tmp_path / "p0"
    for life in range(3):
        said = write_until_killed(folder, seed=life, kill_at=f"{point}:{rng.randint(2, 12)}")
        cut(folder, said["sizes"], rng)
        check(folder, said)


@pytest.mark.parametrize("seed", range(6))
def test_killed_anywhere_and_cut(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder = tmp_path / "p0"
    for life in range(3):
        said = write_until_killed(folder, seed=seed * 10 + life, kill_at="", acknowledgements=rng.randint(1, 60))
        assert said["end"] > 0
        cut(folder, said["sizes"], rng)
        check(folder, said)


def test_what_is_not_synced_can_be_lost_which_is_why_the_append_syncs(tmp_path: Path) -> None:
    """The cut takes what was appended and not acknowledged; otherwise the tests above would show nothing."""
    folder = tmp_path / "p0"
    lost = 0
    for life in range(5):
        said = write_until_killed(folder, seed=life, kill_at="before-log-fsync:8")
        lost += cut(folder, said["sizes"], random.Random(life)) > 0
        check(folder, said)
    assert lost > 0
