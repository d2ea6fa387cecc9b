"""Folding beside a live world: what is compared, what cannot be, and what is found."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.adapters.memory import MemoryDerived
from engine.meta import Meta, read_meta
from engine.ports import Flush
from engine.replay.folding import Folded, fold_beside
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.workspace.workspace import Workspace
from tests.engine.cli.shell import strand


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The starter's shop with its history, in one partition, run."""
    folder = tmp_path / "shop"
    assert strand("init", folder).code == 0
    (folder / "strand.toml").write_text("partitions = 1\n", encoding="utf-8")
    assert strand("import", folder / "history.jsonl", "--live-from", "2025-01-01", "-w", folder).code == 0
    with EmbeddedEngine.open(folder) as engine:
        engine.run_until_idle()
    return folder


@pytest.fixture
def reader(shop: Path) -> Iterator[Workspace]:
    with Workspace.open(shop, owner=False) as workspace:
        yield workspace


def fold(workspace: Workspace) -> Folded:
    return fold_beside(workspace, 0, MemoryDerived(), lambda _: None)


def spoil(folder: Path, **fields: object) -> None:
    """Write other figures into what the live world says of itself."""
    with Workspace.open(folder, owner=True) as workspace:
        store = workspace.open_live(0)
        assert store is not None
        meta = read_meta(store)
        assert isinstance(meta, Meta)
        store.write(Flush(meta=msgspec.msgpack.encode(msgspec.structs.replace(meta, **fields))))


def test_the_live_world_is_what_the_log_folds_to(reader: Workspace) -> None:
    folded = fold(reader)
    assert (folded.different, folded.differences, folded.incomparable) == (0, [], "")
    assert folded.state_hash == folded.live_hash != 0


def test_counters_are_compared_too(shop: Path) -> None:
    spoil(shop, transitions=3)
    with Workspace.open(shop, owner=False) as workspace:
        folded = fold(workspace)
    (difference,) = folded.differences
    assert (difference.customer, difference.field, difference.live) == ("", "transitions", 3)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"fold_version": 99}, "the live world is of fold version 99"),
        ({"activation_offset": -5}, "of an earlier rulebook"),
        ({"layout": "another"}, "written by another release"),
    ],
)
def test_a_world_that_is_not_ours_is_not_compared(shop: Path, fields: dict[str, object], why: str) -> None:
    spoil(shop, **fields)
    with Workspace.open(shop, owner=False) as workspace:
        folded = fold(workspace)
    assert why in folded.incomparable
    assert folded.live_hash is None
    assert folded.meta is not None
    assert folded.different == 0


@pytest.mark.parametrize("fields", [{"applied": 10_000}, {"batches_read": 10_000}])
def test_a_live_world_ahead_of_the_decisions_is_a_fault_of_the_facts(shop: Path, fields: dict[str, object]) -> None:
    spoil(shop, **fields)
    live = (shop / "derived/CURRENT").read_bytes()
    for command in (["verify"], ["rebuild"], ["rebuild", "--accept"], ["customer", "ann"], ["messages"]):
        answer = strand(*command, "-w", shop)
        assert answer.code == 1, command
        assert "partition 0: the live world is ahead of the decisions" in answer.err
        assert "Operator action: put the newest copy from `strand backup` in the place of facts/p0" in answer.err
    assert (shop / "derived/CURRENT").read_bytes() == live
    shutil.rmtree(shop / "derived")
    assert strand("rebuild", "-w", shop).code == 0


def test_a_generation_that_holds_nothing_is_damaged_and_a_rebuild_mends_it(shop: Path) -> None:
    with Workspace.open(shop, owner=True) as workspace:
        name, store = workspace.begin_generation(0)
        store.close()
        workspace.generations.swap({0: name})
    answer = strand("segments", "-w", shop)
    assert (answer.code, "Operator action: run `strand rebuild`" in answer.err) == (1, True)
    assert strand("verify", "--json", "-w", shop).json()["damaged"] is True
    assert strand("rebuild", "-w", shop).code == 0
    assert strand("segments", "-w", shop).code == 0


def test_a_live_world_that_lags_is_compared_where_it_is(shop: Path) -> None:
    more = shop / "more.jsonl"
    more.write_text(
        '{"id": "n1", "type": "order_completed", "customer_id": "ann", "occurred_at": "2025-03-25T12:00:00Z",'
        ' "appended_at": "2025-03-25T12:00:00Z", "data": {"order_id": "n1", "total": 5}}\n'
    )
    assert strand("publish", more, "-w", shop).code == 0
    with Workspace.open(shop, owner=False) as workspace:
        folded = fold(workspace)
        end = workspace.facts[0].log.end()
    assert (folded.different, folded.incomparable) == (0, "")
    assert folded.meta is not None
    assert folded.meta.applied == end - 2


def test_a_world_that_cannot_be_read_is_damaged_and_a_rebuild_mends_it(shop: Path) -> None:
    with Workspace.open(shop, owner=True) as workspace:
        store = workspace.open_live(0)
        assert store is not None
        store.write(Flush(states={"ann": b"\x01"}))
    answer = strand("verify", "-w", shop)
    assert answer.code == 1
    assert "nothing to compare with: a state cannot be read" in answer.out
    assert "Operator action: run `strand rebuild`" in answer.out
    assert strand("rebuild", "-w", shop).code == 0
    assert strand("verify", "-w", shop).code == 0


def test_a_damaged_list_of_generations_is_mended_by_a_rebuild(shop: Path) -> None:
    (shop / "derived/CURRENT").write_text("{", encoding="utf-8")
    answer = strand("segments", "-w", shop)
    assert answer.code == 1
    assert "run `strand rebuild`" in answer.err
    assert strand("verify", "--json", "-w", shop).json()["damaged"] is True
    assert strand("rebuild", "-w", shop).code == 0
    assert strand("verify", "-w", shop).code == 0


def test_one_field_of_one_customer_is_named(shop: Path) -> None:
    with Workspace.open(shop, owner=True) as workspace:
        store = workspace.open_live(0)
        assert store is not None
        states = dict(store.customers())
        store.write(Flush(states={"ann": states["bob"]}))
    with Workspace.open(shop, owner=False) as workspace:
        folded = fold(workspace)
    (difference,) = folded.differences
    assert difference.customer == "ann"
    assert difference.field.split(".")[0] in {"consent", "dimensions", "ledger", "profile", "segments", "traits"}
    assert difference.live != difference.folded
