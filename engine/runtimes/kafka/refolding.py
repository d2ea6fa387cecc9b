"""Folds a partition, or a sample of its customers, from nothing up to an offset: what a live state must equal."""

from __future__ import annotations

from engine.activations import Activations
from engine.meta import Meta
from engine.outputs import frontier, kept
from engine.ports import DerivedStore
from engine.reading import Reader, values_of
from engine.replay.folding import rulebooks
from engine.replay.partition_jobs import Advance
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.sampling import ALL, Sample
from engine.world import Past, World
from events.fold_version import FOLD_VERSION
from triggers.decisions import MARK, Output, Position

FOLD_BATCH = 5_000


def decided_upto(followed: Followed) -> tuple[int, int] | None:
    """(offset of the active activation, last offset wholly decided); None before any activation."""
    edge: Position = frontier(followed.decisions)
    active = activations_of(followed).active_at(edge)
    return None if active is None else (active, edge[0] if edge[1] == MARK else edge[0] - 1)


def activations_of(followed: Followed) -> Activations:
    """The activations in a copied log, their rulebooks compiled once in this process."""
    return rulebooks().of(followed.log)


def refold(
    followed: Followed,
    target: DerivedStore,
    *,
    activation: int,
    upto: int,
    sample: Sample = ALL,
    advance: Advance = lambda _: None,
) -> World:
    """The world of the rulebook activated at `activation`, from nothing up to offset `upto`, in `target`, flushed.

    Of a sample only its customers' events and decisions are folded; its counters count everybody's.
    """
    world = new_world(followed, target, activation)
    fold_on(followed, world, upto, sample=sample, advance=advance)
    return world


def folded_generation(followed: Followed, activation: int, upto: int, *, advance: Advance = lambda _: None) -> World:
    """As `refold`, in a new generation of the copy's folder, for a worker to go on from once it is swapped in.

    It is of the newest claim that was read: what it is folded of was kept under that one or an earlier one.
    """
    world = new_world(followed, followed.local.shard_generations.begin(bulk=True), activation)
    world.meta.claim = followed.local.copy.stream_tail.claim
    if frontier(followed.decisions) <= (upto, MARK, ""):  # else what was decided beyond is yet to be read
        world.meta.batches_read = followed.decisions.count()
    fold_on(followed, world, upto, advance=advance)
    return world


def new_world(followed: Followed, target: DerivedStore, activation: int) -> World:
    """An empty world of the rulebook activated at an offset."""
    compiled = activations_of(followed).compiled(activation)
    meta = Meta(
        fold_version=FOLD_VERSION,
        rulebook=compiled.rulebook.hash,
        layout=compiled.fingerprint,
        activation_offset=activation,
    )
    return World(compiled, target, followed.log, meta)


def fold_on(
    followed: Followed, world: World, upto: int, *, sample: Sample = ALL, advance: Advance = lambda _: None
) -> None:
    """Take a folded world on to offset `upto` under its own rulebook, and flush it; the stream is copied that far."""
    meta = world.meta
    reader = Reader(world.compiled, followed.partition)
    past = Past((upto, MARK, ""), _recorded(followed, meta.applied, sample))
    while meta.applied < upto:
        first = meta.applied + 1
        values = values_of(followed.log, first, upto + 1, FOLD_BATCH)
        batch = reader.read(values, first, through_activations=True)
        batch.events = [
            None if event is None or not sample.holds(event.customer_id) else event for event in batch.events
        ]
        world.advance(batch, past, None)
        if world.full():
            world.flush()
        advance(len(values))
    world.flush()


def _recorded(followed: Followed, applied: int, sample: Sample) -> dict[int, list[Output]]:
    found: dict[int, list[Output]] = {}
    for output in kept(followed.decisions.read()):
        if output.position[0] > applied and output.decisions and sample.holds(output.position[2]):
            found.setdefault(output.position[0], []).append(output)
    return found
