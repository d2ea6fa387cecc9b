"""Faults planted on purpose, each of them plausible in a careless engine: the checks must catch every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import engine.activating
import engine.shard
import triggers.cancels
from engine.meta import Meta
from engine.shard import Shard
from engine.world import Decide, World
from tests.simulation.protocol.builds import BUILDS, ORIGINAL, OTHER_TRAITS
from tests.simulation.protocol.durable import Log
from tests.simulation.protocol.partition import Partition
from triggers.decisions import Output, Position


# ---------------------------------------------------------------- the shard's own order
class StateFirst(Shard):
    """States are written before the decisions that they hold are durable."""

    def make_durable(self, outputs: list[Output], *, whole: int | None = None) -> None:
        if self.world is not None and whole is not None:
            self.world.flush()
        super().make_durable(outputs, whole=whole)


class NoMarks(Shard):
    """The frontier is the last decision: a batch that decided nothing leaves no trace, but for activations."""

    def make_durable(self, outputs: list[Output], *, whole: int | None = None) -> None:
        quiet = whole is not None and whole not in self.activations.offsets()
        super().make_durable(outputs, whole=None if quiet else whole)

    def _usable(self, meta: Meta, active: int) -> bool:
        return meta.fold_version == self.fold_version and meta.activation_offset == active


class TrustsAhead(Shard):
    """A state is believed though the decisions it was made of are not there."""

    def _usable(self, meta: Meta, active: int) -> bool:
        return meta.fold_version == self.fold_version and meta.activation_offset == active


class ForgetsTheRest(Shard):
    """After a rebuild inside a record, the stream is taken as read to its end: the record's outputs are missed."""

    def fold(self, activation: int, upto: int) -> World:
        world = super().fold(activation, upto)
        world.meta.batches_read = self.stream.count()
        return world


class OrdinalWorld(World):
    """Steps are numbered within their record: other code counts them otherwise."""

    def pass_time(self, t: int, before_ms: int, offset: int, frontier: Position, decide: Decide | None) -> None:
        step, taken = self._due_step, iter(range(1 << 30))

        def numbered(customer: str, state: Any, due: int, position: Position, _decide: Decide | None) -> None:
            place = (offset, next(taken), customer)
            step(customer, state, due, place, decide if place > frontier else None)

        self.__dict__["_due_step"] = numbered
        super().pass_time(t, before_ms, offset, frontier, decide)
        del self.__dict__["_due_step"]


# ---------------------------------------------------------------- the log
class LateLog(Log):
    """Records are acknowledged before they are on the disk: a power cut takes the newest."""

    def crash(self, rng: Random) -> None:
        lost = rng.choice([0, 0, 1, 2])
        if lost and len(self._values) > lost + 1:
            kept = len(self._values) - lost
            if all(b"rulebook_activated" not in value[:30] for value in self._values[kept:]):
                del self._values[kept:]


# ---------------------------------------------------------------- single functions
def _left_on_transition(original: Callable[..., Any]) -> Callable[..., Any]:
    """`left` is seen by who leaves in this very step, not by who is outside."""

    def left(trigger: Any, transitions: Mapping[str, Any], view: Any) -> Any:
        return original(trigger, transitions, view) if trigger.on.name in transitions else None

    return left


def _same_traits(original: Callable[..., bool]) -> Callable[..., bool]:
    """An activation keeps the old world wherever the traits are the same, though the segments are not."""
    return lambda old, new: (
        old.fingerprint == new.fingerprint and old.rulebook.world.traits == new.rulebook.world.traits
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A planted fault: a shard, a log, or one function put in another's place; `builds` are the code that runs,
    and `since` is the seed to begin at: rare faults begin near one that shows them."""

    name: str
    shard: type[Shard] = Shard
    log: type[Log] = Log
    module: Any = None
    function: str = ""
    planted: Callable[[Any], Any] | None = None
    builds: tuple[int, ...] = ()
    since: int = 1

    @contextmanager
    def planted_partition(self) -> Iterator[type[Partition]]:
        """The partition that has it, while the context is open."""
        faulty = type("FaultyPartition", (Partition,), {"shard_class": self.shard, "log_class": self.log})
        original = getattr(self.module, self.function) if self.planted is not None else None
        try:
            if self.planted is not None:
                setattr(self.module, self.function, self.planted(original))
            yield faulty
        finally:
            if self.planted is not None:
                setattr(self.module, self.function, original)


FAULTS = (
    Fault(name="state before decisions", shard=StateFirst),
    Fault(name="acknowledged before fsync", log=LateLog),
    Fault(name="frontier is the last decision", shard=NoMarks, builds=tuple(BUILDS)),
    Fault(
        name="ordinal step index",
        module=engine.shard,
        function="World",
        planted=lambda _: OrdinalWorld,
        builds=tuple(BUILDS),
    ),
    Fault(
        name="left only on the transition",
        module=triggers.cancels,
        function="_left",
        planted=_left_on_transition,
        builds=(ORIGINAL, OTHER_TRAITS),
        since=140,
    ),
    Fault(name="states trusted beyond the frontier", shard=TrustsAhead, since=30),
    Fault(name="the stream's rest forgotten after a rebuild", shard=ForgetsTheRest),
    Fault(name="activation does not refold", module=engine.activating, function="takes_over", planted=_same_traits),
)
