"""A full disk and a read-only folder: an operator is told what to do, and nothing is damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.workspace.workspace import Workspace
from tests.engine.adapters.writer import value

ROOT = Path(__file__).parents[3]


def starved(kind: str, folder: Path) -> list[dict[str, Any]]:
    """What the starved process said."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/engine/adapters/starved.py"), kind, folder],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_full_disk_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "p0"
    facts = RocksFacts(folder, 0, create=True)
    facts.log.append([value(0)])
    facts.close()
    *acknowledged, first, decisions, again, reopened = starved("full", folder)
    assert acknowledged
    assert reopened == {"reopened": True}
    for refusal in (first, decisions, again):
        assert refusal["refused"] == "StorageFailed"
        assert "the disk is full" in refusal["by"]
        assert "Operator action: free some space on the disk" in refusal["by"]
    facts = RocksFacts(folder, 0)
    assert facts.log.end() >= acknowledged[-1]["end"] > 1
    records: list[bytes] = []
    while run := facts.log.read(len(records), 1000):
        records += run
    assert records == [value(number) for number in range(facts.log.end())]
    assert facts.decisions.count() == 0
    assert facts.log.append([b"there is space again"]) == len(records)
    facts.close()


def test_a_full_disk_leaves_whole_flushes_in_a_derived_store(tmp_path: Path) -> None:
    *flushed, refusal = starved("full-derived", tmp_path / "p0")
    assert (refusal["refused"], "the disk is full" in refusal["by"]) == ("StorageFailed", True)
    store = RocksDerived(tmp_path / "p0")
    number = store.meta() or b""
    assert 0 <= int(number) <= flushed[-1]["flush"]
    assert {state[100:] for _, state in store.customers()} == {number}
    store.close()


def test_a_full_disk_is_told_before_a_bulk_store_counts_as_written(tmp_path: Path) -> None:
    *_, flushed, closed = starved("full-bulk", tmp_path / "p0")
    for refusal in (flushed, closed):
        assert (refusal["refused"], "the disk is full" in refusal["by"]) == ("StorageFailed", True)


@pytest.fixture
def readable_folder() -> Iterator[Path]:
    """A folder that other users may read; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="strand-readonly-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_read_but_not_owned_and_stays_as_it_was(readable_folder: Path) -> None:
    (readable_folder / "strand.toml").write_text("partitions = 1\n", encoding="utf-8")
    with Workspace.open(readable_folder, owner=True) as workspace:
        workspace.facts[0].log.append([b"event"])
    for path in [readable_folder, *readable_folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in readable_folder.rglob("*")}
    *refusals, follower = starved("readonly", readable_folder)
    assert (len(refusals), follower) == (2, {"read": 1})
    for refusal in refusals:
        assert refusal["refused"] == "StorageFailed"
        assert "Operator action: let this user read and write it" in refusal["by"]
    assert {path: path.stat().st_mtime_ns for path in readable_folder.rglob("*")} == before
