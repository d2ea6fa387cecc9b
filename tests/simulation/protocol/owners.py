"""One partition that several owners believe to be theirs at the same time, over the topic of Kafka's runtime.

Owners are stopped and go on without knowing; a new one opens meanwhile, from any state that any of them ever wrote. At
each append another owner may come in between. What is checked is what readers keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import cast

from msgspec import structs

from engine.adapters.memory import MemoryDecisions
from engine.adapters.memory_generations import MemoryGenerations
from engine.adapters.rocksdb_copy import RocksCopy, StreamTail
from engine.outputs import decode_batch
from engine.runtimes.kafka.announcing import Announcer
from engine.runtimes.kafka.claims import Claim, Rule
from engine.runtimes.kafka.decisions import KafkaDecisions, Superseded
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.transitions import Announced, Heard
from engine.shard import Shard
from projections.program import Program
from tests.engine.runtimes.kafka.topics import MemoryTopic
from tests.simulation.protocol.broken import need
from tests.simulation.protocol.builds import fold_version_of
from tests.simulation.protocol.durable import Crash, Derived, Fuse, Generations, Stream
from tests.simulation.protocol.partition import Library, Partition
from triggers.decisions import OWN, START, Position

ZOMBIES = 2


class MemoryCopy:
    """What a worker keeps of the decisions, without a disk."""

    def __init__(self) -> None:
        self.stream_tail = StreamTail()
        self._batches: dict[int, bytes] = {}
        self._claims: dict[int, bytes] = {}

    def add(self, tail: StreamTail, batches: Sequence[tuple[int, bytes]], claims: Sequence[tuple[int, bytes]]) -> None:
        self._batches.update(batches)
        self._claims.update(claims)
        self.stream_tail = tail

    def batches(self, start: int) -> Iterator[bytes]:
        return iter([value for offset, value in self._batches.items() if offset >= start])

    def batch(self, offset: int) -> bytes:
        return self._batches[offset]

    def claims(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        return iter([(offset, value) for offset, value in self._claims.items() if offset >= start])


class Kept(MemoryDecisions):
    """What readers keep, who decided it, and which of it can never be decided otherwise any more."""

    def __init__(self) -> None:
        super().__init__()
        self.builds: list[int] = []
        self.highest: Position = START
        self.settled: Position = START

    def keep(self, batch: bytes, build: int) -> None:
        for output in decode_batch(batch):
            need(output.position > self.highest, "i", "position kept again", output.position, self.highest)
            if output.decisions:
                need(output.position > self.settled, "i", "decided again after it was settled", output.position)
            self.highest = output.position
        super().append(batch)
        self.builds.append(build)


class Entries:
    """The topic: everything that was appended, and what a reader keeps of it."""

    def __init__(self, partition: OwnedPartition) -> None:
        self.partition = partition
        self.entries: list[bytes] = []
        self.rule = Rule()
        self.dropped = 0

    def append(self, owner: Owner, value: bytes) -> int:
        """Append for an owner; another may come before, and the owner may die before it or without an answer."""
        self.partition.interrupt(owner)
        dies = owner.fuse.burn()
        if dies and self.partition.rng.random() < 0.5:
            raise Crash
        self.entries.append(value)
        offset = len(self.entries) - 1
        kept = self.rule.take(offset, value)
        if isinstance(kept, bytes):
            self.partition.kept.keep(kept, owner.build)
        self.dropped += kept is None
        if dies:
            raise Crash
        self.partition.interrupt(owner)
        return offset


class OwnersTopic:
    """The topic as one owner has it."""

    def __init__(self, entries: Entries, owner: Owner) -> None:
        self._entries, self._owner = entries, owner

    def append(self, value: bytes) -> int:
        return self._entries.append(self._owner, value)

    def read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return iter(list(enumerate(self._entries.entries))[start:stop])

    def end(self) -> int:
        return len(self._entries.entries)


def named(program: Program) -> list[tuple[str, str]]:
    """(segment or dimension, name) of each."""
    return [
        ("segment" if number < program.segments else "dimension", name) for number, name in enumerate(program.names)
    ]


class Announcements:
    """The topic of transitions: everything that was appended, and what a reader keeps of it."""

    def __init__(self, partition: OwnedPartition) -> None:
        self.partition = partition
        self.heard = Heard()
        self.kept: list[Announced] = []
        self.dropped = 0

    def append_all(self, owner: Owner, records: Sequence[Outgoing]) -> None:
        """Append for an owner; another may come before or after, and the owner may die with a part of it appended."""
        self.partition.interrupt(owner)
        dies = owner.fuse.burn()
        for record in records[: self.partition.rng.randint(0, len(records))] if dies else records:
            kept = self.heard.take(record.value)
            if kept is None:
                self.dropped += 1
            else:
                self.kept.append(kept)
        if dies:
            raise Crash
        self.partition.interrupt(owner)


class OwnersAnnouncements:
    """The same as one owner has it."""

    def __init__(self, announcements: Announcements, owner: Owner) -> None:
        self._announcements, self._owner = announcements, owner

    def append_all(self, records: Sequence[Outgoing]) -> None:
        self._announcements.append_all(self._owner, records)


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


class Owner:
    """A worker's hold on the partition: its copy, its states, its shard."""

    decisions_class: type[KafkaDecisions] = KafkaDecisions
    shard_class: type[ClaimedShard] = ClaimedShard

    def __init__(self, partition: OwnedPartition, build: int, copy: MemoryCopy, state: Derived | None) -> None:
        self.partition, self.build, self.copy = partition, build, copy
        self.fuse = Fuse()
        self.generations = Generations(self.fuse, cast("Stream", partition.kept))
        self.generations.past = partition.past
        if state is not None:
            mine = state.copied()
            mine.owner = self.generations
            MemoryGenerations.swap(self.generations, mine)
        self.decisions = self.decisions_class(OwnersTopic(partition.entries, self), cast("RocksCopy", copy))
        self.shard = self.shard_class(
            cast("KafkaLog", partition.log),
            self.decisions,
            self.generations,
            partition.library.load,
            partition.library.compiler(build),
            partition=partition.number,
            fold_version=fold_version_of(build),
            announcer=Announcer(OwnersAnnouncements(partition.announcements, self)),
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
        self.entries = Entries(self)
        self.announcements = Announcements(self)
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

    def check_announced(self) -> None:
        """Readers heard every step that changed memberships once, as if one owner had lived all the time."""
        alone = Alone()
        shard = ClaimedShard(
            cast("KafkaLog", self.log),
            KafkaDecisions(MemoryTopic(), cast("RocksCopy", MemoryCopy())),
            MemoryGenerations(),
            self.library.load,
            self.library.compiler(self.build),
            partition=self.number,
            announcer=Announcer(alone),
        )
        shard.open()
        while shard.process(1_000):
            pass
        heard = [structs.replace(step, claim=-1) for step in self.announcements.kept]
        need(heard == alone.steps, "i", "announced otherwise than by one owner", heard, alone.steps)
        self._check_memberships()

    def _check_memberships(self) -> None:
        """Who adds up what was announced, and forgets what a rulebook removed, knows where everybody is."""
        told: dict[str, dict[tuple[str, str], str | None]] = {}
        activations = self.shard.activations
        left = activations.offsets()
        for step in self.announcements.kept:
            while left and (left[0], OWN, "") <= step.position:
                names = set(named(activations.compiled(left.pop(0)).program))
                told = {who: {name: to for name, to in of.items() if name in names} for who, of in told.items()}
            told.setdefault(step.customer, {}).update({(each.of, each.name): each.after for each in step.transitions})
        world = self.shard.world
        if world is None:
            return
        for customer, state in world.all_states():
            for of, name in named(world.program):
                at = world.program.dimension(state, name) if of == "dimension" else None
                if of == "segment":
                    at = "in" if world.program.member(state, name) else "out"
                said = told.get(customer, {}).get((of, name), "out" if of == "segment" else None)
                need(said == at, "i", "announced where nobody is", customer, name, said, at)

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
