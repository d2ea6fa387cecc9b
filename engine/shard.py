"""One log partition, its store and the active rulebook: the unit that every runtime drives.

    process(limit)  read a batch -> for each record: the steps that are due, then its own -> make outputs durable
    flush()         write states, timers and the applied offset together

Up to the frontier (the last durable position of the decision stream) a shard folds events and takes decisions from the
stream; beyond it, it decides. An activation ends a batch and is taken by itself (`activating.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.activating import Activated, activate
from engine.activations import Activations, Compile, Load
from engine.deciding import Decider
from engine.meta import Meta, read_meta
from engine.outputs import encode_batch, frontier, kept, mark
from engine.ports import DecisionStream, Generations, Log
from engine.reading import Reader, values_of
from engine.world import Past, World
from events.errors import FactsDamaged
from events.fold_version import FOLD_VERSION
from triggers.decisions import MARK, START, Output, Position

FOLD_BATCH = 5_000
PACK_STEPS = 1_000
"""Step records that wait as they are; more are packed, which takes a fifth of the memory."""


class Shard:
    """A partition's engine: open it, then call `process` until it returns 0."""

    def __init__(
        self,
        log: Log,
        stream: DecisionStream,
        generations: Generations,
        load: Load,
        compile_rulebook: Compile,
        *,
        partition: int = 0,
        fold_version: int = FOLD_VERSION,
    ) -> None:
        self.log, self.stream, self.generations = log, stream, generations
        self.activations = Activations(log, load, compile_rulebook)
        self.partition, self.fold_version = partition, fold_version
        self.world: World | None = None
        self.past = Past(START, {})
        self.announce_activated: Callable[[Activated], None] | None = None

    # ------------------------------------------------------------ opening
    def open(self) -> None:
        """Find where to go on: the current generation if it is ours, else everything up to the frontier is folded
        again. Raises FactsDamaged if decisions lie beyond the log's end."""
        self.past.frontier = frontier(self.stream)
        if self.past.frontier[0] >= self.log.end():
            action = "restore facts/ from a backup: the log lost records that were decided"
            place = f"partition {self.partition}: decisions reach offset {self.past.frontier[0]}"
            raise FactsDamaged(f"{place}, the log ends before {self.log.end()}", action)
        active = self.activations.active_at(self.past.frontier)
        if active is None:
            return
        store = self.generations.current()
        meta = read_meta(store) if store is not None else None
        if store is None or meta is None or not self._usable(meta, active):
            self.rebuild()
            return
        self.world = World(self.activations.compiled(active), store, self.log, meta)
        self.world.resume()
        self.past = self.recorded(meta.batches_read, meta.applied)

    def _usable(self, meta: Meta, active: int) -> bool:
        """Whether a state is a right cache: of our fold version, of the active rulebook, not beyond the frontier."""
        return (
            meta.fold_version == self.fold_version
            and meta.activation_offset == active
            and meta.layout == self.activations.compiled(active).fingerprint
            and (meta.applied, MARK, "") <= self.past.frontier
        )

    def recorded(self, batches_read: int, applied: int) -> Past:
        """What the stream holds beyond an applied offset."""
        found: dict[int, list[Output]] = {}
        for output in kept(self.stream.read(batches_read)):
            if output.position[0] > applied and output.decisions:
                found.setdefault(output.position[0], []).append(output)
        return Past(self.past.frontier, found)

    def rebuild(self) -> None:
        """Fold everything up to the frontier in a new generation and make it the current one."""
        world = self.refold()
        if world is not None:
            world.flush()
            self.generations.swap(world.store)
            self.world = world

    def refold(self) -> World | None:
        """The world of the rulebook active at the frontier, folded from nothing in a new generation up to the last
        record wholly there; None before any activation."""
        active = self.activations.active_at(self.past.frontier)
        if active is None:
            return None
        whole = self.past.frontier[0] if self.past.frontier[1] == MARK else self.past.frontier[0] - 1
        self.past = self.recorded(0, -1)
        return self.fold(active, whole)

    def fold(self, activation: int, upto: int) -> World:
        """A world of the rulebook activated at an offset, folded from nothing up to an offset."""
        compiled = self.activations.compiled(activation)
        meta = Meta(
            fold_version=self.fold_version,
            rulebook=compiled.rulebook.hash,
            layout=compiled.fingerprint,
            activation_offset=activation,
        )
        world = World(compiled, self.generations.begin(bulk=True), self.log, meta)
        reader = Reader(compiled, self.partition)
        past = Past((upto, MARK, ""), self.recorded(0, -1).outputs)
        while meta.applied < upto:
            first = meta.applied + 1
            batch = reader.read(values_of(self.log, first, upto + 1, FOLD_BATCH), first, through_activations=True)
            world.advance(batch, past, None)
            world.pack_steps(PACK_STEPS)
            if world.full():
                world.flush()
        if self.past.frontier <= (upto, MARK, ""):  # else decisions beyond `upto` are yet to be folded
            meta.batches_read = self.stream.count()
        return world

    # ------------------------------------------------------------ processing
    def process(self, limit: int = 2_000) -> int:
        """Process up to `limit` records and return how many: 0 when there are none or no rulebook is active yet.

        Outputs are durable when it returns; states may lag until `flush`.
        """
        world = self.world
        if world is None:
            offsets = self.activations.offsets()
            return activate(self, offsets[0]) if offsets else 0
        first = world.meta.applied + 1
        values = self.log.read(first, limit)
        if not values:
            return 0
        batch = Reader(world.compiled, self.partition).read(values, first, through_activations=False)
        if not batch.events:
            return activate(self, first)
        decider = Decider(world.compiled, self.log, self.make_durable)
        world.advance(batch, self.past, decider)
        self.make_durable(decider.outputs, whole=world.meta.applied)
        world.pack_steps(PACK_STEPS)
        world.flush_some(len(batch.events))
        return len(batch.events)

    def make_durable(self, outputs: list[Output], *, whole: int | None = None) -> None:
        """Append outputs, and the mark of a record that is wholly decided, to the stream; nothing below the
        frontier is written again."""
        if whole is not None and (whole, MARK, "") > self.past.frontier:
            outputs = [*outputs, mark(whole)]
        if outputs:
            self.stream.append(encode_batch(outputs))
            self.past.frontier = outputs[-1].position
        if self.world is not None and whole is not None and self.past.frontier[0] == whole:
            self.world.meta.batches_read = self.stream.count()

    def flush(self) -> None:
        """Write what has gathered."""
        if self.world is not None:
            self.world.flush()

    def begin_flush(self) -> None:
        """Have what has gathered written bit by bit with the next batches."""
        if self.world is not None and self.world.unflushed:
            self.world.begin_flush()

    @property
    def position(self) -> Position:
        """The last durable position."""
        return self.past.frontier

    def waiting(self) -> int:
        """How many records are not processed yet."""
        return self.log.end() - 1 - (self.world.meta.applied if self.world is not None else -1)
