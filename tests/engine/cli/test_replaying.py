from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.ports import Flush
from engine.workspace.workspace import Workspace
from tests.engine.cli.shell import strand

pytestmark = pytest.mark.slow


def hashes(told: dict[str, Any]) -> tuple[str, str]:
    return told["state_hash"], told["decisions_hash"]


def mix_up(workspace: Path) -> tuple[str, str]:
    """Give two customers of one partition each other's state; their names."""
    with Workspace.open(workspace, owner=True) as opened:
        for partition in range(opened.settings.partitions):
            store = opened.open_live(partition)
            assert store is not None
            customers = list(store.customers())
            if len(customers) >= 2:
                (left, a), (right, b) = customers[:2]
                store.write(Flush(states={left: b, right: a}))
                return left, right
    raise AssertionError("no partition has two customers")


def test_a_rebuild_gives_the_same_and_swaps(petshop: Path) -> None:
    run = strand("run", "--until-idle", "--json", "-w", petshop).json()
    before = (petshop / "derived/CURRENT").read_bytes()
    told = strand("rebuild", "--json", "-w", petshop)
    assert told.code == 0
    assert (told.json()["equal"], told.json()["compared"], told.json()["swapped"]) == (True, True, True)
    assert told.json()["state_hash"] == run["state_hash"]
    assert (petshop / "derived/CURRENT").read_bytes() != before
    assert len([path for path in (petshop / "derived").iterdir() if path.is_dir()]) == 4
    assert hashes(strand("run", "--until-idle", "--json", "-w", petshop).json()) == hashes(run)


def test_processes_give_the_same(petshop: Path) -> None:
    alone = strand("rebuild", "--jobs", "1", "--json", "-w", petshop).json()
    together = strand("rebuild", "--jobs", "2", "--json", "-w", petshop).json()
    assert together["state_hash"] == alone["state_hash"]
    assert together["swapped"]


def test_without_a_derived_world_it_makes_one_and_says_so(petshop: Path) -> None:
    run = strand("run", "--until-idle", "--json", "-w", petshop).json()
    shutil.rmtree(petshop / "derived")
    answer = strand("rebuild", "-w", petshop)
    assert answer.code == 0
    assert "nothing to compare with: there is no live world" in answer.out
    assert run["state_hash"] in answer.out
    assert hashes(strand("verify", "--json", "-w", petshop).json()) == hashes(run)


def test_a_world_that_differs_is_found_shown_and_kept_until_accepted(petshop: Path) -> None:
    run = strand("run", "--until-idle", "--json", "-w", petshop).json()
    names = mix_up(petshop)
    found = strand("verify", "--json", "-w", petshop)
    assert found.code == 1
    assert {each["customer"] for each in found.json()["differences"]} == set(names)
    live = (petshop / "derived/CURRENT").read_bytes()
    answer = strand("rebuild", "-w", petshop)
    assert answer.code == 1
    assert "2 differences from the live world; the first:" in answer.out
    assert all(f"\n  {name}: " in answer.out for name in names)
    assert "Operator action: nothing was changed" in answer.out
    assert (petshop / "derived/CURRENT").read_bytes() == live
    assert len([path for path in (petshop / "derived").iterdir() if path.is_dir()]) == 4
    assert strand("rebuild", "--accept", "--json", "-w", petshop).code == 0
    assert hashes(strand("verify", "--json", "-w", petshop).json()) == hashes(run)


def test_verify_tells_what_run_tells(petshop: Path) -> None:
    run = strand("run", "--until-idle", "--json", "-w", petshop).json()
    told = strand("verify", "--redecide", "--json", "-w", petshop)
    assert told.code == 0
    verified = told.json()
    counted = run.keys() - {"seconds", "events_per_second", "processed", "unknown_types"}
    assert {name: verified[name] for name in counted} == {name: run[name] for name in counted}
    assert (verified["different"], verified["decided_differently"]) == (0, 0)
    assert verified["redecided"] > 0


def test_after_a_changed_rulebook_every_epoch_is_decided_by_its_own(petshop: Path) -> None:
    path = petshop / "rulebook/triggers.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("paused: yes", "paused: no"), encoding="utf-8")
    assert strand("apply", "--yes", "-w", petshop).code == 0
    strand("run", "--until-idle", "--as-of", "2025-06-01", "-w", petshop)
    told = strand("verify", "--redecide", "--json", "-w", petshop)
    assert (told.code, told.json()["different"], told.json()["decided_differently"]) == (0, 0, 0)
    assert strand("rebuild", "-w", petshop).code == 0


def test_they_need_events(shop: Path) -> None:
    for command in ("rebuild", "verify"):
        answer = strand(command, "-w", shop)
        assert (answer.code, answer.out) == (2, "")
        assert "has no events yet\nOperator action: " in answer.err


def test_a_backup_is_whole(petshop: Path, tmp_path: Path) -> None:
    run = strand("run", "--until-idle", "--json", "-w", petshop).json()
    answer = strand("backup", tmp_path / "copy", "-w", petshop)
    assert answer.code == 0
    assert "copied facts/" in answer.out
    shutil.rmtree(petshop / "facts")
    shutil.rmtree(petshop / "derived")
    shutil.copytree(tmp_path / "copy", petshop / "facts")
    assert strand("rebuild", "--json", "-w", petshop).json()["state_hash"] == run["state_hash"]
    assert hashes(strand("run", "--until-idle", "--json", "-w", petshop).json()) == hashes(run)


def test_a_backup_says_what_it_copied_as_json(petshop: Path, tmp_path: Path) -> None:
    answer = strand("backup", tmp_path / "copy", "--json", "-w", petshop).json()
    size = sum(path.stat().st_size for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert answer == {"folder": str(tmp_path / "copy"), "bytes": size}


@pytest.mark.parametrize("taken", ["facts", "derived"])
def test_a_backup_lies_outside_what_it_keeps(petshop: Path, taken: str) -> None:
    answer = strand("backup", petshop / taken / "copy", "-w", petshop)
    assert (answer.code, answer.out) == (2, "")
    assert f"is inside {taken}/" in answer.err
    assert not (petshop / taken / "copy").exists()


def test_a_backup_writes_over_nothing(petshop: Path, tmp_path: Path) -> None:
    answer = strand("backup", tmp_path, "-w", petshop)
    assert (answer.code, answer.out) == (2, "")
