"""One partition under attack: its facts, what is left of its derived state, and the shard that runs at the moment."""

from __future__ import annotations

from random import Random

from engine.activations import Compile
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import Compiled
from engine.hashes import canonical_state
from engine.ledgers import read_ledger
from engine.outputs import kept
from engine.ports import DecisionStream
from engine.rulebook.rulebook import Rulebook, unpack
from engine.shard import Shard
from engine.world import World
from tests.simulation.protocol.broken import need
from tests.simulation.protocol.builds import compiled_by, fold_version_of
from tests.simulation.protocol.durable import Crash, Fuse, Generations, Log, Stream
from triggers.decisions import MARK, Output
from triggers.ledger import pending_matches

COUNTERS = (
    "rulebook",
    "activation_offset",
    "applied",
    "journey_ms",
    "events",
    "duplicates",
    "customers",
)


class Library:
    """Every rulebook of a history, unpacked once, and compiled once by each build."""

    def __init__(self) -> None:
        self._unpacked: dict[bytes, Rulebook] = {}
        self._compiled: dict[tuple[int, str], Compiled] = {}

    def load(self, packed: bytes) -> Rulebook:
        if packed not in self._unpacked:
            self._unpacked[packed] = unpack(packed)
        return self._unpacked[packed]

    def compiler(self, build: int) -> Compile:
        def compile_once(rulebook: Rulebook) -> Compiled:
            key = build, rulebook.hash
            if key not in self._compiled:
                self._compiled[key] = compiled_by(build, rulebook)
            return self._compiled[key]

        return compile_once


class Partition:
    """Facts that outlive a crash, and the shard that does not."""

    shard_class: type[Shard] = Shard
    log_class: type[Log] = Log

    def __init__(self, number: int, library: Library, rng: Random) -> None:
        self.number, self.library, self.rng = number, library, rng
        self.fuse = Fuse()
        self.log = self.log_class()
        self.stream = Stream(self.fuse, rng)
        self.generations = Generations(self.fuse, self.stream)
        self.build = 0
        self.crashes = 0
        self.shard = self._shard(self.stream, self.generations)
        self.shard.open()

    def _shard(self, stream: DecisionStream, generations: Generations | MemoryGenerations) -> Shard:
        compiler = self.library.compiler(self.build)
        version = fold_version_of(self.build)
        return self.shard_class(
            self.log, stream, generations, self.library.load, compiler, partition=self.number, fold_version=version
        )

    # ------------------------------------------------------------ running and dying
    def work(self, *, crashes: bool) -> bool:
        """Process a batch, or write what gathered; a crash may come at any write of it. Whether anything was left."""
        if crashes and self.rng.random() < 0.15:
            self.fuse.left = self.rng.choice([0, 0, 1, 2, 3])
        try:
            if self.rng.random() < 0.25:
                self.shard.flush()
                return True
            return self.shard.process(self.rng.choice([1, 2, 3, 5, 9])) > 0
        except Crash:
            self.restart()
            return True

    def restart(self, build: int | None = None) -> None:
        """Die, and open again from what is left."""
        self.crashes += 1
        self.fuse.left = -1
        self.log.crash(self.rng)
        self.generations.crash(self.rng)
        self._open(build)

    def restore(self) -> None:
        """An operator puts older decisions in place, from a backup, beside the newest state."""
        self.fuse.left = -1
        self.stream.restore(self.rng.randint(0, self.stream.count()))
        self.generations.restored()
        self._open(None)

    def _open(self, build: int | None) -> None:
        self.build = self.build if build is None else build
        self.stream.build = self.build
        self.shard = self._shard(self.stream, self.generations)
        self.shard.open()

    # ------------------------------------------------------------ what holds
    def outputs(self) -> list[Output]:
        """What readers keep, without the marks."""
        return [output for output in kept(self.stream.read()) if output.decisions]

    def check_rebuild(self) -> None:
        """A fold from nothing, beside the live shard, gives its state and leaves everything as it was."""
        live = self.shard.world
        if live is None or self.stream.highest != (live.meta.applied, MARK, ""):
            return
        before = self.stream.count(), self.generations.current()
        beside = self._shard(self.stream, MemoryGenerations())
        beside.past.frontier = self.stream.highest
        world = beside.refold()
        assert world is not None
        need(before == (self.stream.count(), self.generations.current()), "ii", "a rebuild wrote")
        need_equal(live, world)


def need_equal(live: World, folded: World) -> None:
    """Two worlds are the same: rulebook, applied offset, journey time, and each customer's all."""
    for name in COUNTERS:
        was, now = getattr(live.meta, name), getattr(folded.meta, name)
        need(was == now, "ii", "a rebuild differs in", name, was, now)
    t_ms = live.meta.journey_ms
    left, right = dict(live.all_states()), dict(folded.all_states())
    need(left.keys() == right.keys(), "ii", "a rebuild knows other customers", sorted(left.keys() ^ right.keys()))
    for customer, state in left.items():
        ours, theirs = read_ledger(state), read_ledger(right[customer])
        need(ours.uses == theirs.uses, "ii", "uses differ", customer, ours.uses, theirs.uses)
        need(
            pending_matches(ours) == pending_matches(theirs),
            "ii", "pending differ", customer, pending_matches(ours), pending_matches(theirs),
        )  # fmt: skip
        a, b = canonical_state(live, state, t_ms), canonical_state(folded, right[customer], t_ms)
        need(a == b, "ii", "states differ", customer, [(name, a[name], b[name]) for name in a if a[name] != b[name]])
