"""Folds one partition again into an empty store and compares what came out with the live world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from engine.activations import Activations
from engine.hashes import MODULUS, canonical_state, customer_hash, state_hash
from engine.meta import Meta, check_within, live_meta
from engine.outputs import frontier
from engine.ports import DerivedStore
from engine.replay.partition_jobs import Advance, WatchedLog
from engine.runtimes.embedded.rulebooks import Rulebooks
from engine.shard import Shard
from engine.world import World
from events.errors import DerivedDamaged
from events.fold_version import FOLD_VERSION
from triggers.decisions import Position

if TYPE_CHECKING:
    from engine.adapters.rocksdb_facts import RocksFacts
    from engine.workspace.workspace import Workspace

SHOWN_DIFFERENCES = 20
COUNTERS = ("applied", "journey_ms", "events", "duplicates", "dead_letters", "unknown", "customers", "transitions")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that the live world and the fold do not agree on; an empty customer for what is a partition's own."""

    partition: int
    customer: str
    field: str
    live: Any
    folded: Any


@dataclass(slots=True)
class Folded:
    """What folding one partition gave.

    `differences` holds the first of `different` customers and counters; `incomparable` says why there was no live world
    to compare with ('' if there was), `damaged` whether that was since it cannot be read. A partition that no rulebook
    is active in yet has no world: `meta` is None.
    """

    partition: int
    meta: Meta | None = None
    state_hash: int = 0
    live_hash: int | None = None
    differences: list[Difference] = field(default_factory=list)
    different: int = 0
    incomparable: str = ""
    damaged: bool = False


@cache
def rulebooks() -> Rulebooks:
    """The rulebooks of this process: each is compiled once for all the partitions that it replays."""
    return Rulebooks()


class OneGeneration:
    """The port `Generations` where there is one store to fold into and nothing is current."""

    def __init__(self, store: DerivedStore) -> None:
        self._store = store

    def current(self) -> DerivedStore | None:
        """None: a replay starts from nothing."""
        return None

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """The store."""
        return self._store

    def swap(self, store: DerivedStore) -> None:
        """Nothing: whoever began the store swaps it in."""


def fold_beside(workspace: Workspace, partition: int, target: DerivedStore, advance: Advance) -> Folded:
    """Fold a partition into `target`, up to the live world's applied offset (the frontier where none is usable).

    Raises FactsDamaged, also where the live world is ahead of the decisions.
    """
    store, damage = _open_live(workspace, partition)
    facts = workspace.facts_now()[partition]  # seen after the live world, so they hold all that it was made of
    log = WatchedLog(facts.log, advance)
    books = rulebooks()
    shard = Shard(log, facts.decisions, OneGeneration(target), books.load, books.compile, partition=partition)
    shard.past.frontier = frontier(facts.decisions)
    live, why = None, damage
    try:
        if not damage:
            live, why = _live_world(facts, store, shard.past.frontier, shard.activations)
    except DerivedDamaged as error:
        why = damage = error.message
    if live is None:
        world = shard.refold()
    else:
        world = shard.fold(live.meta.activation_offset, live.meta.applied)
        world.meta.batches_read = live.meta.batches_read
    if world is None:
        return Folded(partition, incomparable=why)
    world.flush()
    if live is not None:
        try:
            return _compare(live, world, Folded(partition, world.meta))
        except DerivedDamaged as error:
            why = damage = error.message
    return Folded(partition, world.meta, state_hash(world), incomparable=why, damaged=bool(damage))


def _open_live(workspace: Workspace, partition: int) -> tuple[DerivedStore | None, str]:
    """The live store if there is one, and the damage for which it cannot be opened."""
    try:
        return workspace.open_live(partition), ""
    except DerivedDamaged as error:
        return None, error.message


def _compare(live: World, folded: World, result: Folded) -> Folded:
    """Both hashes, and every counter and customer that differs; of a customer the first field."""

    def differ(customer: str, name: str, was: Any, now: Any) -> None:
        result.different += 1
        if len(result.differences) < SHOWN_DIFFERENCES:
            result.differences.append(Difference(result.partition, customer, name, was, now))

    for name in COUNTERS:
        before, after = getattr(live.meta, name), getattr(folded.meta, name)
        if before != after:
            differ("", name, before, after)
    t_ms, live_hash, folded_hash = folded.meta.journey_ms, 0, 0
    for customer, was, now in _beside(live, folded):
        left = None if was is None else canonical_state(live, was, t_ms)
        right = None if now is None else canonical_state(folded, now, t_ms)
        part = 0 if right is None else customer_hash(customer, right)
        folded_hash += part
        if left == right:
            live_hash += part
            continue
        live_hash += 0 if left is None else customer_hash(customer, left)
        differ(customer, *_first_unequal(left, right))
    result.live_hash, result.state_hash = live_hash % MODULUS, folded_hash % MODULUS
    return result


def _live_world(
    facts: RocksFacts, store: DerivedStore | None, edge: Position, activations: Activations
) -> tuple[World | None, str]:
    """The live world, or why there is none to compare with."""
    meta = None if store is None else live_meta(store, facts.partition)
    if meta is not None:
        check_within(meta, facts.decisions, facts.partition)
    if store is None or meta is None or meta.applied < 0:
        return None, "there is no live world"
    if meta.fold_version != FOLD_VERSION:
        return None, f"the live world is of fold version {meta.fold_version}, this engine folds by {FOLD_VERSION}"
    active = activations.active_at(edge)
    if active is None or active != meta.activation_offset:
        return None, "the live world is of an earlier rulebook"
    compiled = activations.compiled(active)
    if meta.layout != compiled.fingerprint:
        return None, "the live world was written by another release, which kept its states otherwise"
    return World(compiled, store, facts.log, meta), ""


def _beside(live: World, folded: World) -> Iterator[tuple[str, Any, Any]]:
    """(customer, live state, folded state) of all whom either world knows; None for a stranger."""
    ours, theirs = live.all_states(), folded.all_states()
    left, right = next(ours, None), next(theirs, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0].encode() < right[0].encode()):
            assert left is not None
            yield left[0], left[1], None
            left = next(ours, None)
        elif left is None or right[0].encode() < left[0].encode():
            yield right[0], None, right[1]
            right = next(theirs, None)
        else:
            yield left[0], left[1], right[1]
            left, right = next(ours, None), next(theirs, None)


def _first_unequal(left: Any, right: Any, path: str = "") -> tuple[str, Any, Any]:
    """The place and the two values of the first field, by name, in which two states differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                return _first_unequal(left.get(name), right.get(name), f"{path}.{name}" if path else name)
    return path or "known", left if path else left is not None, right if path else right is not None
