"""A state is trusted if its claim is known and it is not beyond what was kept under that claim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from engine.adapters.memory_generations import MemoryGenerations
from engine.adapters.rocksdb_copy import RocksCopy
from engine.compiled import compile_rulebook
from engine.hashes import state_hash
from engine.meta import Meta, read_meta
from engine.ports import Flush
from engine.rulebook.rulebook import unpack
from engine.runtimes.kafka.claims import Claim
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.shard import ClaimedShard
from tests.engine.runtimes.kafka.topics import MemoryTopic
from tests.engine.test_shard import story


class Owners:
    """Owners of one partition in turn, over the same log and topic, each with a copy of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = story().facts.log
        self.topic = MemoryTopic()
        self.copies: list[RocksCopy] = []

    def open(self, generations: MemoryGenerations) -> ClaimedShard:
        copy = RocksCopy(self.folder / str(len(self.copies)))
        self.copies.append(copy)
        decisions = KafkaDecisions(self.topic, copy)
        decisions.open(Claim(release="1", fold_version=1, worker="w"))
        log = cast("KafkaLog", self.log)
        shard = ClaimedShard(log, decisions, generations, unpack, compile_rulebook, partition=0)
        shard.open()
        return shard


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[Owners]:
    found = Owners(tmp_path)
    yield found
    for copy in found.copies:
        copy.close()


def worked(owners: Owners, generations: MemoryGenerations) -> ClaimedShard:
    shard = owners.open(generations)
    while shard.process(7):
        pass
    shard.flush()
    return shard


def meta_of(generations: MemoryGenerations) -> Meta:
    store = generations.current()
    assert store is not None
    meta = read_meta(store)
    assert meta is not None
    return meta


def rewrite(generations: MemoryGenerations, meta: Meta) -> None:
    store = generations.current()
    assert store is not None
    store.write(Flush(meta=msgspec.msgpack.encode(meta)))


def test_a_state_says_under_which_claim_it_was_made_and_the_next_owner_goes_on_from_it(owners: Owners) -> None:
    generations = MemoryGenerations()
    first = worked(owners, generations)
    assert meta_of(generations).claim == 0
    assert first.decided == {("schedule", ""): 5, ("send", ""): 5}
    store = generations.current()
    second = owners.open(generations)
    assert generations.current() is store
    second.flush()
    assert meta_of(generations).claim == owners.topic.next - 1 > 0


@pytest.mark.parametrize("claim", [-1, 1, 99])
def test_a_state_of_an_unknown_claim_is_folded_anew(owners: Owners, claim: int) -> None:
    generations = MemoryGenerations()
    first = worked(owners, generations)
    store = generations.current()
    rewrite(generations, msgspec.structs.replace(meta_of(generations), claim=claim))
    second = owners.open(generations)
    assert generations.current() is not store
    assert first.world is not None and second.world is not None
    assert state_hash(second.world) == state_hash(first.world)
    assert sum(second.decided.values()) == 0


def test_a_state_beyond_what_was_kept_under_its_claim_is_folded_anew(owners: Owners) -> None:
    generations = MemoryGenerations()
    early = owners.open(MemoryGenerations())
    early.process(3)
    last = worked(owners, generations)
    store = generations.current()
    rewrite(generations, msgspec.structs.replace(meta_of(generations), claim=0))  # under which little was kept
    again = owners.open(generations)
    assert generations.current() is not store
    assert last.world is not None and again.world is not None
    assert state_hash(again.world) == state_hash(last.world)
