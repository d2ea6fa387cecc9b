"""The same log gives the same state and decisions: again, rebuilt, in any number of partitions and size of batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from zoneinfo import ZoneInfo

import pytest

from engine.hashes import MODULUS, decisions_hash, state_hash
from engine.outputs import kept
from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from examples.grocery.history import TIME_ZONE, events
from examples.grocery.tables import load
from templates.catalogue import stock
from tests.examples.story import Story, live_through
from tests.tidy.tree import ROOT

WAYS = ((1, 1_000), (1, 1), (4, 1_000), (7, 1))
FEWER_WAYS = ((1, 1_000), (4, 1), (7, 1_000))
"""Partitions and batches; the first is what the others are compared with, and is run again."""

PETSHOP_LIVE = datetime(2025, 1, 20, tzinfo=UTC)
GROCERY_LIVE = datetime(2017, 2, 1, tzinfo=ZoneInfo(TIME_ZONE))
HOUSEHOLDS = 200

Hashes = tuple[int, int]


@cache
def rulebook(example: str) -> Rulebook:
    return load_folder(ROOT / "examples" / example / "rulebook", stock=stock())


def hashes(story: Story) -> Hashes:
    """(state, decisions) of all partitions."""
    states = decisions = 0
    for shard in story.shards:
        assert shard.world is not None
        states += state_hash(shard.world)
        decisions += decisions_hash(kept(shard.stream.read()))
    return states % MODULUS, decisions % MODULUS


def rebuilt_hash(story: Story) -> int:
    """The state after folding everything from nothing; the streams are left alone."""
    states = 0
    for shard in story.shards:
        batches = shard.stream.count()
        world = shard.refold()
        assert world is not None and shard.stream.count() == batches
        states += state_hash(world)
    return states % MODULUS


def petshop(partitions: int, batch: int) -> Story:
    lines = (ROOT / "examples/petshop/events.jsonl").read_bytes().splitlines()
    return live_through(rulebook("petshop"), lines, live_from=PETSHOP_LIVE, partitions=partitions, batch=batch)


def grocery(partitions: int, batch: int, households: int | None = HOUSEHOLDS) -> Story:
    history: Iterable[dict[str, object]] = events(load(households))
    return live_through(rulebook("grocery"), history, live_from=GROCERY_LIVE, partitions=partitions, batch=batch)


def check_ways(run: Callable[[int, int], Story], ways: Sequence[tuple[int, int]], *, at_least: int) -> None:
    story = run(*ways[0])
    assert len(story.decisions()) >= at_least
    first = hashes(story)
    assert rebuilt_hash(story) == first[0], "rebuilt"
    for way in ways:
        story = run(*way)
        assert hashes(story) == first, f"partitions, batch: {way}"
    assert rebuilt_hash(story) == first[0], "rebuilt in many partitions"


def test_the_petshop_is_the_same_however_it_is_run() -> None:
    check_ways(petshop, WAYS, at_least=10)


@pytest.mark.slow
def test_200_households_are_the_same_however_they_are_run() -> None:
    check_ways(grocery, FEWER_WAYS, at_least=1_000)


@pytest.mark.soak
def test_the_whole_grocery_year_is_the_same_however_it_is_run() -> None:
    check_ways(partial(grocery, households=None), WAYS, at_least=10_000)
