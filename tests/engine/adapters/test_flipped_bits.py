"""A flipped bit is never read over: what was written is found whole, or an error says where it cannot be."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_options import Access
from engine.ports import Flush
from tests.engine.adapters.flipped import digest

ROOT = Path(__file__).parents[3]


def make_facts(folder: Path) -> Path:
    """A copy, as after a crash, of facts with table files of two sessions and a write-ahead file of a third."""
    rng = random.Random(1)
    live = folder / "live"
    number = 0
    for session in range(3):
        facts = RocksFacts(live, 3, create=session == 0)
        for size in (40, 60, 1, 9):
            values = [b"%d " % n + rng.randbytes(40) for n in range(number, number + size)]
            number += size
            facts.log.append(values, {"end": b"%d" % number})
            facts.decisions.append(b"decided to %d" % number)
        facts.dead_letters.put([b"letter %d" % session])
        if session == 2:
            shutil.copytree(live, folder / "crashed")
        facts.close()
    return folder / "crashed"


def make_derived(folder: Path) -> Path:
    """A copy, as after a crash, of a derived store with table files and a write-ahead file."""
    live = folder / "live"
    for session in range(2):
        store = RocksDerived(live, create=session == 0)
        for first in range(session * 200, session * 200 + 200, 50):
            store.write(
                Flush(
                    states={f"c{n}": b"state %d" % n * 5 for n in range(first, first + 50)},
                    timers_put=[(n, f"c{n}") for n in range(first, first + 50)],
                    seen=[(first, b"ids")],
                    transitions=[(first, b"steps")],
                    letters=[(first, b"letter")],
                    meta=b"applied %d" % first,
                )
            )
        if session == 1:
            shutil.copytree(live, folder / "crashed")
        store.close()
    return folder / "crashed"


def flips(
    kind: str, access: Access, folder: Path, *, trials: int, ends: int = 0, seed: int
) -> Iterator[dict[str, Any]]:
    """What a reader met in each trial where it did not find everything that was written."""
    whole = digest(kind, access, shutil.copytree(folder, folder.parent / "whole"))
    program = ROOT / "tests/engine/adapters/flipped.py"
    numbers = [str(number) for number in (seed, trials, ends)]
    done = subprocess.run(
        [sys.executable, program, kind, access.value, folder, folder.parent / "scratch", *numbers],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"the reader died or hung at {lines[-1:]}: {done.stderr[-2000:]}"
    for asked, found in zip(lines[::2], lines[1::2], strict=True):
        if found["met"] != whole:
            yield {**asked, **found}


def check_facts_refused(trial: dict[str, Any]) -> None:
    """The error names partition, file and offset, and says what to do."""
    assert re.search(
        r"partition 3, file ([^:]+): (the last readable [\w ]+ is \d+|no [\w ]+ is readable)", trial["met"]
    ), trial
    assert "Operator action: " in trial["met"], trial
    if trial["file"] != "CURRENT" and "properties" not in trial["met"]:  # RocksDB does not say whose properties
        assert f"file {trial['file']}: " in trial["met"], trial


def check_rebuild_advised(trial: dict[str, Any]) -> None:
    """The error says what to do."""
    assert "Operator action: run `strand rebuild`" in trial["met"], trial


@pytest.mark.slow
def test_facts_are_read_whole_or_refused_with_partition_file_and_offset(tmp_path: Path) -> None:
    refused = list(flips("facts", Access.OWN, make_facts(tmp_path), trials=150, seed=3))
    for trial in refused:
        check_facts_refused(trial)
    assert len(refused) > 100


@pytest.mark.slow
def test_facts_are_followed_whole_or_refused_with_partition_file_and_offset(tmp_path: Path) -> None:
    refused = list(flips("facts", Access.FOLLOW, make_facts(tmp_path), trials=50, ends=15, seed=5))
    for trial in refused:
        check_facts_refused(trial)
    assert len(refused) > 120


@pytest.mark.slow
def test_a_derived_store_is_read_whole_or_its_rebuild_is_advised(tmp_path: Path) -> None:
    refused = list(flips("derived", Access.OWN, make_derived(tmp_path), trials=100, seed=4))
    for trial in refused:
        check_rebuild_advised(trial)
    assert len(refused) > 50


@pytest.mark.slow
def test_a_derived_store_is_followed_whole_or_its_rebuild_is_advised(tmp_path: Path) -> None:
    refused = list(flips("derived", Access.FOLLOW, make_derived(tmp_path), trials=50, ends=15, seed=6))
    for trial in refused:
        check_rebuild_advised(trial)
    assert len(refused) > 100
