"""A partition's generations: one live, one in the making, flipped without its user noticing."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ports import Flush
from engine.runtimes.embedded.generations import PartitionGenerations
from engine.workspace.workspace import Workspace
from tests.engine.runtimes.shop import make_shop


def names(shop: Path) -> list[str]:
    """The generations on disk."""
    return sorted(path.name for path in (shop / "derived").glob("p*"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(make_shop(tmp_path / "shop", partitions=2), owner=True)


def state(value: bytes) -> Flush:
    return Flush(
        states={"ann": value},
        timers_put=[(7, "ann")],
        seen=[(1, b"seen")],
        transitions=[(2, b"steps")],
        letters=[(3, b"letter")],
        meta=value,
    )


def test_there_is_none_at_first(workspace: Workspace) -> None:
    with workspace:
        assert PartitionGenerations(workspace, 0).current() is None


def test_a_generation_stays_usable_while_it_becomes_the_live_one(workspace: Workspace) -> None:
    with workspace:
        generations = PartitionGenerations(workspace, 0)
        store = generations.begin(bulk=True)
        store.write(state(b"one"))
        generations.swap(store)
        assert generations.current() is store
        assert store.get_many(["ann", "bob"]) == [b"one", None]
        assert list(store.customers()) == [("ann", b"one")]
        assert list(store.timers(0, 10)) == [(7, "ann")]
        assert list(store.seen(0)) == [(1, b"seen")]
        assert list(store.transitions()) == [(2, b"steps")]
        assert list(store.letters()) == [(3, b"letter")]
        store.write(Flush(states={"bob": b"two"}, meta=b"two"))
    with Workspace.open(workspace.folder, owner=True) as again:
        live = PartitionGenerations(again, 0).current()
        assert live is not None
        assert live.get_many(["ann", "bob"]) == [b"one", b"two"]
        assert live.meta() == b"two"


def test_a_new_one_replaces_the_old_one_and_leaves_the_other_partition_alone(workspace: Workspace) -> None:
    with workspace:
        first, second = (PartitionGenerations(workspace, partition) for partition in (0, 1))
        for generations, value in ((first, b"one"), (second, b"other")):
            store = generations.begin()
            store.write(state(value))
            generations.swap(store)
        newer = first.begin()
        newer.write(state(b"newer"))
        first.swap(newer)
        live, other = first.current(), second.current()
        assert live is newer
        assert live.meta() == b"newer"
        assert other is not None
        assert other.meta() == b"other"
        assert len(names(workspace.folder)) == 2


def test_one_that_is_closed_before_it_is_live_is_given_up(workspace: Workspace) -> None:
    with workspace:
        store = PartitionGenerations(workspace, 0).begin()
        assert len(names(workspace.folder)) == 1
        store.close()
        assert names(workspace.folder) == []
