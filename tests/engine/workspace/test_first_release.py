"""A workspace that the first release wrote is opened, read, verified and gone on with by this one.

It holds the petshop example's history, run until idle, in two partitions. Its hashes are those that the first release
reported. A release whose fold version differs may fold other states, but never makes other decisions of old events.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.engine.cli.shell import strand

ARCHIVE = Path(__file__).with_name("first_release.tar.xz")
STATE_HASH = "6d1272404cc1a7076a383a49b2c5148a835ea4bd9d6cab37daa78c4634c020e8"
DECISIONS_HASH = "8ee5b3ec413efe75294f987c5348c6928fe89bcfe376338c7505d00dc2b93669"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace as the first release left it; commands run in it."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.mark.usefixtures("workspace")
def test_its_decisions_are_read_and_its_state_is_verified() -> None:
    verified = strand("verify", "--json")
    assert verified.code == 0, verified.err
    found = verified.json()
    assert found["decisions_hash"] == DECISIONS_HASH
    assert found["state_hash"] == STATE_HASH  # fold version 2 folds this history alike


def test_its_derived_world_is_made_anew_from_its_facts(workspace: Path) -> None:
    shutil.rmtree(workspace / "derived")
    ran = strand("run", "--until-idle", "--json")
    assert ran.code == 0, ran.err
    found = ran.json()
    assert (found["events"], found["messages"], found["decisions_hash"]) == (69, 31, DECISIONS_HASH)


def test_it_goes_on(workspace: Path) -> None:
    event = {"id": "later", "type": "order_completed", "customer_id": "anna", "occurred_at": "2025-04-20T10:00:00Z"}
    line = json.dumps({**event, "appended_at": "2025-04-20T10:00:00Z", "data": {"order_id": "9", "total": 12}})
    (workspace / "more.jsonl").write_text(line + "\n")
    assert strand("import", "more.jsonl").code == 0
    ran = strand("run", "--until-idle", "--json")
    assert ran.code == 0, ran.err
    assert ran.json()["events"] == 70
