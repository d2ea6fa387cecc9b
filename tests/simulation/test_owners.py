"""Several owners of one partition at once, of one build or of several: what readers keep is as of one.

A failing seed is repeated with `attacked(SEED, OwnedPartition)`.
"""

from __future__ import annotations

from unittest.mock import patch

import pytest

from engine.runtimes.kafka.claims import Claim, Claimed, Owned, Rule, decode, encode
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.transitions import Announced, Heard
from events.errors import StrandError
from tests.simulation.protocol.announcements import check_announced
from tests.simulation.protocol.builds import BUILDS
from tests.simulation.protocol.history import History
from tests.simulation.protocol.owners import OwnedPartition, Owner
from triggers.decisions import START, Output

SEEDS = 60
CHUNK = 6
ENOUGH = 80


def attacked(seed: int, partition_class: type[OwnedPartition]) -> History:
    """A seed's history; where it is of one build, what was announced is looked at too."""
    history = History(seed, builds=BUILDS if seed % 2 else (), partition_class=partition_class)
    history.run()
    for partition in history.partitions if not history.builds else []:
        assert isinstance(partition, OwnedPartition)
        check_announced(partition, partition.announcements)
    return history


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_owners_at_once_keep_the_protocol(first: int) -> None:
    for seed in range(first, first + CHUNK):
        try:
            attacked(seed, OwnedPartition)
        except (AssertionError, StrandError) as error:
            pytest.fail(f"seed {seed}: {error}")


def test_owners_are_superseded_and_what_they_wrote_is_dropped() -> None:
    superseded = dropped = announced_again = 0
    for seed in range(6):
        history = History(seed, builds=(), partition_class=OwnedPartition)
        history.run()
        for partition in history.partitions:
            assert isinstance(partition, OwnedPartition)
            superseded += partition.superseded
            dropped += partition.entries.dropped
            announced_again += partition.announcements.dropped
    assert superseded > 10
    assert dropped > 10
    assert announced_again > 10


class AnyClaim(Rule):
    """Planted: readers go by positions alone."""

    def take(self, offset: int, value: bytes) -> Claimed | bytes | None:
        entry = decode(value)
        if isinstance(entry, Owned):
            self.claim = entry.claim
        return super().take(offset, value)


class FrontierFirst(KafkaDecisions):
    """Planted: what there is is read before the claim is durable, and not again."""

    def open(self, claim: Claim) -> int:
        self.catch_up(self._topic.end())
        offset = self._topic.append(encode(claim))
        tail = self._copy.stream_tail
        self._copy.add(type(tail)(end=offset + 1, claim=offset, last=tail.last), [], [])
        self.claim = offset
        return offset


class NeverAsks(KafkaDecisions):
    """Planted: who was superseded does not notice, and writes state."""

    def append(self, batch: bytes) -> None:
        offset = self._topic.append(encode(Owned(claim=self.claim, batch=batch)))
        tail = self._copy.stream_tail
        self._copy.add(type(tail)(end=offset + 1, claim=self.claim, last=offset), [(offset, batch)], [])


def caught(partition: type[OwnedPartition], first: int = 0) -> bool:
    """Whether some history, from seed `first` on, shows that something is wrong."""
    for seed in range(first, first + ENOUGH):
        try:
            attacked(seed, partition)
        except (AssertionError, StrandError):
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("decisions", "first"), [(FrontierFirst, 90), (NeverAsks, 0)])  # one in 70 shows the first
def test_an_owner_that_does_not_keep_to_it_is_caught(decisions: type[KafkaDecisions], first: int) -> None:
    owner = type("PlantedOwner", (Owner,), {"decisions_class": decisions})
    assert caught(type("PlantedPartition", (OwnedPartition,), {"owner_class": owner}), first)


class DecisionsFirst(ClaimedShard):
    """Planted: decisions are durable before what was announced."""

    def make_durable(self, outputs: list[Output], *, whole: int | None = None) -> None:
        announcer, self._announcer = self._announcer, None
        frontier = self.past.frontier
        super().make_durable(outputs, whole=whole)
        self._announcer = announcer
        if announcer is not None and self.world is not None:
            announcer.take(self.world.program, self.world.steps, frontier)
            announcer.send()


class SilentActivations(ClaimedShard):
    """Planted: what an activation makes is not announced."""

    def open(self) -> None:
        super().open()
        self.announce_activated = None


class Credulous(Heard):
    """Planted: a reader keeps all that it hears."""

    def take(self, value: bytes) -> Announced | None:
        self.claim, self.highest = -1, START
        return super().take(value)


@pytest.mark.slow
@pytest.mark.parametrize("shard", [DecisionsFirst, SilentActivations])
def test_an_owner_that_announces_otherwise_is_caught(shard: type[ClaimedShard]) -> None:
    owner = type("PlantedOwner", (Owner,), {"shard_class": shard})
    assert caught(type("PlantedPartition", (OwnedPartition,), {"owner_class": owner}))


@pytest.mark.slow
def test_a_reader_that_keeps_everything_announced_is_caught() -> None:
    with patch("tests.simulation.protocol.announcements.Heard", Credulous):
        assert caught(OwnedPartition)


@pytest.mark.slow
def test_without_claims_two_builds_at_once_are_caught() -> None:
    """The rule is the readers'; owners go by it too."""
    with (
        patch("tests.simulation.protocol.entries.Rule", AnyClaim),
        patch("engine.runtimes.kafka.decisions.Rule", AnyClaim),
        patch.object(KafkaDecisions, "append", NeverAsks.append),
    ):
        assert caught(OwnedPartition)
