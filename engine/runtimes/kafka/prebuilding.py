"""Folds partitions into a depot of their own, for workers that start with it: a release that folds otherwise is ready
before the old one ends, and its workers do not fold the log while events wait.

the topics are read into a temporary folder -> a fold up to the frontier, or up to where a worker of the same fold has
it, and compared -> left in the depot as a checkpoint like a worker's

It only reads the topics and claims nothing. A worker judges what it takes as any checkpoint, by claim and fold version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from engine.hashes import state_hash
from engine.replay.folding import Folded
from engine.replay.partition_jobs import Advance, each_partition
from engine.replay.rebuild import Rebuilt
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.kafka.comparing import compared, foreign, incomparable
from engine.runtimes.kafka.connection import look
from engine.runtimes.kafka.depot import Checkpoint, Depot
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.refolding import decided_upto, folded_generation
from engine.runtimes.kafka.security import connect

NAME = "rebuild"


def prebuild(
    folder: Path,
    partitions: Sequence[int],
    jobs: int,
    depot: str,
    *,
    live: Mapping[int, LiveState] | None = None,
    accept: bool = False,
    advance: Advance = lambda _: None,
) -> Rebuilt:
    """Fold partitions, up to `jobs` at a time, each in its own process, and leave what equals `live` (or `accept`).

    `folder` is the workspace whose log url names the cluster; a partition without a rulebook is left out.
    """
    begun = perf_counter()
    states = live or {}
    arguments = [(folder, partition, depot, states.get(partition), accept) for partition in partitions]
    found = each_partition(_prebuild_partition, arguments, jobs=jobs, advance=advance)
    left = any(each.meta is not None and (accept or not each.different) for each in found)
    return Rebuilt(found, left, perf_counter() - begun)


def _prebuild_partition(  # noqa: PLR0917 -- how a pool of processes calls it
    folder: Path, partition: int, url: str, live: LiveState | None, accept: bool, advance: Advance
) -> Folded:
    """In a process of its own."""
    from engine.adapters.rocksdb_storage import RocksStorage  # noqa: PLC0415 -- adapters load when chosen

    _, connection = connect(folder)
    with TemporaryDirectory(prefix="strand-rebuild-") as temporary:
        followed = Followed(Path(temporary), partition, look(connection), RocksStorage(owner=True))
        depot = Depot(url, followed.binding)
        with closing(followed.local):
            asyncio.run(followed.read_topics(connection))
            folded = _folded(followed, live, advance)
            if folded.meta is not None and (accept or not folded.different):
                target = Path(temporary) / "checkpoint"
                followed.local.checkpoint(target)
                depot.leave(target, _manifest(followed, folded.meta.applied))
            return folded


def _folded(followed: Followed, live: LiveState | None, advance: Advance) -> Folded:
    """The fold, live in the copy's folder, compared with a worker's state if that is of the same fold."""
    why = "no worker was asked" if live is None else incomparable(live)
    wrong = [] if live is None or why else foreign(followed, live)
    compare = live is not None and not why and not wrong
    where = (live.activation_offset, live.applied) if live is not None and compare else decided_upto(followed)
    folded = Folded(followed.partition, incomparable=why)
    if where is not None:
        world = folded_generation(followed, where[0], where[1], advance=advance)
        folded.meta, folded.state_hash = world.meta, state_hash(world)
        followed.local.shard_generations.swap(world.store)
        if live is not None and compare:
            folded.live_hash = int(live.state_hash, 16)
            wrong = compared(folded, live)
    folded.differences, folded.different = wrong, len(wrong)
    return folded


def _manifest(followed: Followed, applied: int) -> Checkpoint:
    return Checkpoint(
        partition=followed.partition,
        applied=applied,
        copied=followed.log.end(),
        worker=NAME,
        at_ms=wall_clock_ms(),
        files=[],
    )
