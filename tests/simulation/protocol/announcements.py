"""The topic of transitions as several owners append to it, and what its readers must have heard in the end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import cast

from msgspec import structs

from engine.adapters.memory_generations import MemoryGenerations
from engine.adapters.rocksdb_copy import RocksCopy
from engine.runtimes.kafka.announcing import Announcer
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.transitions import Announced, Heard
from engine.shard import Shard
from projections.program import Program
from tests.engine.runtimes.kafka.topics import MemoryTopic
from tests.simulation.protocol.broken import need
from tests.simulation.protocol.durable import Crash
from tests.simulation.protocol.entries import Hand, MemoryCopy
from tests.simulation.protocol.partition import Partition
from triggers.decisions import OWN


class Announcements:
    """The topic of transitions: everything that was appended, and what a reader keeps of it."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.heard = Heard()
        self.kept: list[Announced] = []
        self.dropped = 0

    def append_all(self, hand: Hand, records: Sequence[Outgoing]) -> None:
        """Append for an owner; another may come before or after, and the owner may die with a part of it appended."""
        hand.interrupt()
        dies = hand.fuse.burn()
        for record in records[: self.rng.randint(0, len(records))] if dies else records:
            kept = self.heard.take(record.value)
            if kept is None:
                self.dropped += 1
            else:
                self.kept.append(kept)
        if dies:
            raise Crash
        hand.interrupt()


class OwnersAnnouncements:
    """The same as one owner has it."""

    def __init__(self, announcements: Announcements, hand: Hand) -> None:
        self._announcements, self._hand = announcements, hand

    def append_all(self, records: Sequence[Outgoing]) -> None:
        self._announcements.append_all(self._hand, records)


class Alone:
    """Hears one owner who is alone."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.steps: list[Announced] = []

    def append_all(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            step = self.heard.take(record.value)
            need(step is not None, "i", "announced twice by one owner", record.value)
            assert step is not None
            self.steps.append(step)


def check_announced(partition: Partition, announcements: Announcements) -> None:
    """Readers heard every step that changed memberships once, as if one owner had lived all the time."""
    alone = Alone()
    shard = ClaimedShard(
        cast("KafkaLog", partition.log),
        KafkaDecisions(MemoryTopic(), cast("RocksCopy", MemoryCopy())),
        MemoryGenerations(),
        partition.library.load,
        partition.library.compiler(partition.build),
        partition=partition.number,
        announcer=Announcer(alone),
    )
    shard.open()
    while shard.process(1_000):
        pass
    heard = [structs.replace(step, claim=-1) for step in announcements.kept]
    need(heard == alone.steps, "i", "announced otherwise than by one owner", heard, alone.steps)
    check_memberships(partition.shard, announcements)


def check_memberships(shard: Shard, announcements: Announcements) -> None:
    """Who adds up what was announced, and forgets what a rulebook removed, knows where everybody is."""
    told: dict[str, dict[tuple[str, str], str | None]] = {}
    activations = shard.activations
    left = activations.offsets()
    for step in announcements.kept:
        while left and (left[0], OWN, "") <= step.position:
            names = set(named(activations.compiled(left.pop(0)).program))
            told = {who: {name: to for name, to in of.items() if name in names} for who, of in told.items()}
        told.setdefault(step.customer, {}).update({(each.of, each.name): each.after for each in step.transitions})
    world = shard.world
    if world is None:
        return
    for customer, state in world.all_states():
        for of, name in named(world.program):
            at = world.program.dimension(state, name) if of == "dimension" else None
            if of == "segment":
                at = "in" if world.program.member(state, name) else "out"
            said = told.get(customer, {}).get((of, name), "out" if of == "segment" else None)
            need(said == at, "i", "announced where nobody is", customer, name, said, at)


def named(program: Program) -> list[tuple[str, str]]:
    """(segment or dimension, name) of each."""
    return [
        ("segment" if number < program.segments else "dimension", name) for number, name in enumerate(program.names)
    ]
