"""One partition that several owners believe to be theirs at the same time, over the topic of Kafka's runtime.

Owners are stopped and go on without knowing; a new one opens meanwhile, from any state that any of them ever wrote. At
each append another owner may come in between. What is checked is what readers keep.
"""

from __future__ import annotations

from random import Random
from typing import cast

from engine.adapters.memory_generations import MemoryGenerations
from engine.adapters.rocksdb_copy import RocksCopy
from engine.runtimes.kafka.announcing import Announcer
from engine.runtimes.kafka.claims import Claim
from engine.runtimes.kafka.decisions import KafkaDecisions, Superseded
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.shard import ClaimedShard
from engine.shard import Shard
from tests.simulation.protocol.announcements import Announcements, OwnersAnnouncements
from tests.simulation.protocol.builds import fold_version_of
from tests.simulation.protocol.durable import Crash, Derived, Fuse, Generations, Stream
from tests.simulation.protocol.entries import Entries, Hand, Kept, MemoryCopy, OwnersTopic
from tests.simulation.protocol.partition import Library, Partition

ZOMBIES = 2


class Owner:
    """A worker's hold on the partition: its copy, its states, its shard."""

    decisions_class: type[KafkaDecisions] = KafkaDecisions
    shard_class: type[ClaimedShard] = ClaimedShard

    def __init__(self, partition: OwnedPartition, build: int, copy: MemoryCopy, state: Derived | None) -> None:
        self.partition, self.build, self.copy = partition, build, copy
        self.fuse = Fuse()
        hand = Hand(self.fuse, build, lambda: partition.interrupt(self))
        self.generations = Generations(self.fuse, cast("Stream", partition.kept))
        self.generations.past = partition.past
        if state is not None:
            mine = state.copied()
            mine.owner = self.generations
            MemoryGenerations.swap(self.generations, mine)
        self.decisions = self.decisions_class(OwnersTopic(partition.entries, hand), cast("RocksCopy", copy))
        self.shard = self.shard_class(
            cast("KafkaLog", partition.log),
            self.decisions,
            self.generations,
            partition.library.load,
            partition.library.compiler(build),
            partition=partition.number,
            fold_version=fold_version_of(build),
            announcer=Announcer(OwnersAnnouncements(partition.announcements, hand)),
        )

    def open(self) -> None:
        """Claim, and open the shard."""
        self.decisions.open(Claim(release="", fold_version=self.shard.fold_version, worker=""))
        self.shard.open()


class OwnedPartition(Partition):
    """A partition and its owners; the last one of `owners` is the one that opened last."""

    owner_class: type[Owner] = Owner

    def __init__(self, number: int, library: Library, rng: Random) -> None:
        self.number, self.library, self.rng = number, library, rng
        self.log = self.log_class()
        self.kept = Kept()
        self.past: list[Derived] = []
        self.copies: list[MemoryCopy] = []
        self.entries = Entries(self.kept, rng)
        self.announcements = Announcements(rng)
        self.owners: list[Owner] = []
        self.build = 0
        self.crashes = 0
        self.superseded = 0
        self._inside = self._working = False
        self._open_owner()

    # What checks ask of a partition: the readers' view.
    @property
    def stream(self) -> Stream:  # type: ignore[override]  # a partition of its own kind
        return cast("Stream", self.kept)

    @property
    def shard(self) -> Shard:  # type: ignore[override]  # the newest owner's
        return self.owners[-1].shard

    @property
    def generations(self) -> Generations:  # type: ignore[override]  # likewise
        return self.owners[-1].generations

    # ------------------------------------------------------------ running, dying and being thought dead
    def work(self, *, crashes: bool) -> bool:
        """The newest owner processes a batch, or writes what gathered. Whether anything was left."""
        self._working = True
        try:
            return self._work(self.owners[-1], crashes=crashes)
        finally:
            self._working = False

    def _work(self, owner: Owner, *, crashes: bool) -> bool:
        if crashes and self.rng.random() < 0.15:
            owner.fuse.left = self.rng.choice([0, 0, 1, 2, 3])
        try:
            return self._act(owner)
        except Crash:
            self.owners.remove(owner)
            self.restart()
        except Superseded:
            self.superseded += 1
            if owner in self.owners:
                self.owners.remove(owner)
            if not self.owners or self.rng.random() < 0.5:  # the group says that it is still ours
                self._open_owner()
        return True

    def _act(self, owner: Owner) -> bool:
        if self.rng.random() < 0.25:
            owner.shard.flush()
            return True
        return owner.shard.process(self.rng.choice([1, 2, 3, 5, 9])) > 0

    def interrupt(self, owner: Owner) -> None:
        """Between two steps of an owner, another one takes some."""
        if self._inside or self.rng.random() > 0.15:
            return
        self._inside = True
        try:
            others = [other for other in self.owners if other is not owner]
            if self._working and (not others or self.rng.random() < 0.1):
                self._open_owner()
                return
            if not others:
                return
            other = self.rng.choice(others)
            try:
                self._act(other)
            except (Superseded, Crash) as ended:
                self.superseded += isinstance(ended, Superseded)
                self.owners.remove(other)
        finally:
            self._inside = False

    def restart(self, build: int | None = None) -> None:
        """Somebody else opens; who owned it is dead, or only thought to be."""
        self.crashes += 1
        self.owners = self.owners[-ZOMBIES:] if self.rng.random() < 0.6 else []
        self.build = self.build if build is None else build
        self._open_owner()

    def restore(self) -> None:
        """Topics are not restored here."""
        self.restart()

    def _open_owner(self) -> None:
        chance = self.rng.random()
        state = None if not self.past or chance < 0.3 else self.past[-1] if chance < 0.6 else self.rng.choice(self.past)
        copy = MemoryCopy()
        owner = self.owner_class(self, self.build, copy, state)
        owner.open()
        self.owners.append(owner)
