"""What an owner of a partition reads and may append, and what readers keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.adapters.rocksdb_copy import RocksCopy
from engine.outputs import decode_batch, encode_batch, frontier, mark
from engine.runtimes.kafka.claims import Claim, ForeignEntry, Owned, Rule, encode
from engine.runtimes.kafka.decisions import KafkaDecisions, Superseded, split
from events.errors import FactsDamaged
from tests.engine.runtimes.kafka.topics import MemoryTopic
from triggers.decisions import MARK, START, Output

ANN = Claim(release="1", fold_version=1, worker="ann")


class Owners:
    """Workers that own one partition in turn, each with a copy of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.topic = MemoryTopic()
        self._copies: list[RocksCopy] = []

    def copy(self, name: str) -> RocksCopy:
        self._copies.append(RocksCopy(self.folder / name))
        return self._copies[-1]

    def open(self, name: str) -> KafkaDecisions:
        decisions = KafkaDecisions(self.topic, self.copy(name))
        decisions.open(ANN)
        return decisions

    def close(self) -> None:
        while self._copies:
            self._copies.pop().close()


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[Owners]:
    found = Owners(tmp_path)
    yield found
    found.close()


def batch(*offsets: int) -> bytes:
    return encode_batch([mark(offset) for offset in offsets])


def test_a_new_stream_is_empty(owners: Owners) -> None:
    decisions = owners.open("a")
    assert (decisions.claim, decisions.last(), list(decisions.read())) == (0, None, [])
    assert frontier(decisions) == decisions.highest == START


def test_batches_come_back_in_order_from_a_place_on(owners: Owners) -> None:
    decisions = owners.open("a")
    batches = [batch(number) for number in range(600)]
    places = []
    for each in batches:
        decisions.append(each)
        places.append(decisions.count())
    assert list(decisions.read()) == batches
    assert list(decisions.read(places[596])) == batches[597:]
    assert list(decisions.read(decisions.count())) == []
    assert decisions.last() == batches[-1]


@pytest.mark.parametrize("wiped", [False, True])
def test_the_next_owner_goes_on_with_or_without_the_copy(owners: Owners, wiped: bool) -> None:
    first = owners.open("a")
    first.append(batch(1))
    place = first.count()
    first.append(batch(2))
    owners.close()
    second = owners.open("b" if wiped else "a")
    assert second.claim == 3
    second.append(batch(3))
    assert list(second.read()) == [batch(1), batch(2), batch(3)]
    assert list(second.read(place)) == [batch(2), batch(3)]
    assert (second.end_of(0), second.end_of(3)) == ((2, MARK, ""), (3, MARK, ""))


def test_who_was_superseded_hears_it_at_its_next_append_and_nothing_of_it_is_kept(owners: Owners) -> None:
    old = owners.open("a")
    old.append(batch(1))
    new = owners.open("b")
    with pytest.raises(Superseded):
        old.append(batch(2))
    new.append(batch(3))
    assert list(new.read()) == [batch(1), batch(3)]
    with pytest.raises(Superseded):
        old.append(batch(4))
    assert list(old.read()) == [batch(1), batch(3)]
    owners.close()
    assert list(owners.open("c").read()) == [batch(1), batch(3)]


def test_an_owner_passes_over_what_a_superseded_one_wrote(owners: Owners) -> None:
    old = owners.open("a")
    new = owners.open("b")
    owners.topic.append(encode(Owned(claim=old.claim, batch=batch(9))))
    new.append(batch(1))
    new.append(batch(2))
    assert list(new.read()) == [batch(1), batch(2)]
    assert new.highest == (2, MARK, "")


def test_a_batch_that_came_twice_is_kept_once(owners: Owners) -> None:
    decisions = owners.open("a")
    decisions.append(batch(1, 2))
    owners.topic.append(encode(Owned(claim=decisions.claim, batch=batch(1, 2))))
    decisions.append(batch(3))
    assert list(decisions.read()) == [batch(1, 2), batch(3)]


def test_offsets_of_a_topic_may_have_gaps(owners: Owners) -> None:
    decisions = owners.open("a")
    owners.topic.next += 5
    decisions.append(batch(1))
    owners.topic.next += 5
    decisions.append(batch(2))
    assert list(decisions.read()) == [batch(1), batch(2)]


def test_the_end_of_a_claim_is_known_and_that_of_an_unknown_one_is_not(owners: Owners) -> None:
    first = owners.open("a")
    first.append(batch(5))
    second = owners.open("b")
    assert second.end_of(first.claim) == (5, MARK, "")
    assert second.end_of(second.claim) == (5, MARK, "")
    assert [second.end_of(claim) for claim in (-1, 1, 99)] == [None, None, None]


def test_a_large_batch_is_split_between_outputs_and_comes_back_whole(owners: Owners) -> None:
    outputs = [Output((number, 5, "c" * 300_000), []) for number in range(10)]
    whole = encode_batch(outputs)
    parts = list(split(whole))
    assert len(parts) > 1
    assert [output for part in parts for output in decode_batch(part)] == outputs
    assert max(map(len, parts)) <= 960 * 1024
    decisions = owners.open("a")
    decisions.append(whole)
    assert [output for part in decisions.read() for output in decode_batch(part)] == outputs
    lone = encode_batch([Output((1, 5, "c" * 2_000_000), [])])
    assert list(split(lone)) == [lone]


def test_what_is_neither_claim_nor_batch_is_damage() -> None:
    with pytest.raises(FactsDamaged, match=r"at offset 7.*\nOperator action: "):
        Rule().take(7, b"\x92\x01\x90")
    with pytest.raises(ForeignEntry, match=r"at offset 7 of partition 3 of shop.decisions cannot be read: "):
        Rule(named="partition 3 of shop.decisions").take(7, b"junk")
