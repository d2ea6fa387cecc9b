"""Folds partitions of a log on Kafka from nothing, and compares with what the workers hold at the same offsets.

The fold reads the topics alone and claims nothing; the workers say what they hold and up to which offset. Nothing is
written anywhere but in a temporary folder, so that it runs beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from engine.hashes import as_text, state_hash
from engine.outputs import kept
from engine.ports import DerivedStore
from engine.replay.folding import Difference, Folded
from engine.replay.partition_jobs import Advance, each_partition
from engine.replay.recorded import Recorded, recorded_in
from engine.replay.redecide import Redecided, redecide_partition
from engine.replay.verify import Verified
from engine.runtimes.kafka.asking import Workers
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, Connection, look
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.refolding import activations_of, decided_upto, refold
from engine.runtimes.kafka.security import connect
from events.errors import OperatorError
from events.fold_version import FOLD_VERSION
from triggers.decisions import MARK


def live_states(workers: Workers, partitions: Sequence[int]) -> dict[int, LiveState]:
    """What the workers hold; raises OperatorError if a partition is open in none of them."""
    found = {partition: workers.state(partition) for partition in partitions}
    missing = [str(partition) for partition, state in found.items() if state is None]
    if missing:
        where = "partition " + ", ".join(missing)
        raise OperatorError(
            f"{where} is open in none of {', '.join(workers.urls)}",
            "name every worker with --worker, and wait until each is ready (/readyz)",
        )
    return {partition: state for partition, state in found.items() if state is not None}


def records_in(connection: Connection, partitions: Sequence[int]) -> int:
    """How many records the log has in some partitions."""

    async def ends() -> dict[int, int]:
        clients = Clients(connection)
        await clients.start()
        try:
            return await clients.ends(connection.topic(INTERACTIONS), partitions)
        finally:
            await clients.stop()

    return sum(asyncio.run(ends()).values())


def verify(
    folder: Path,
    partitions: Sequence[int],
    jobs: int,
    *,
    live: Mapping[int, LiveState] | None = None,
    redecide: bool = False,
    advance: Advance = lambda _: None,
) -> Verified:
    """Fold partitions, up to `jobs` at a time, each in its own process; up to where `live` has them if that is given.

    `folder` is the workspace whose log url names the cluster.
    """
    begun = perf_counter()
    states = live or {}
    arguments = [(folder, partition, states.get(partition), redecide) for partition in partitions]
    found = each_partition(_verify_partition, arguments, jobs=jobs, advance=advance)
    total = Recorded()
    for _, recorded, _ in found:
        total.add(recorded)
    redecided = [again for _, _, again in found if again is not None]
    return Verified([folded for folded, _, _ in found], total, perf_counter() - begun, redecided)


def _verify_partition(
    folder: Path, partition: int, live: LiveState | None, redecide: bool, advance: Advance
) -> tuple[Folded, Recorded, Redecided | None]:
    """In a process of its own."""
    from engine.adapters.rocksdb_derived import RocksDerived  # noqa: PLC0415 -- adapters load when chosen
    from engine.adapters.rocksdb_storage import RocksStorage  # noqa: PLC0415

    _, connection = connect(folder)
    storage = RocksStorage(owner=True)
    with TemporaryDirectory(prefix="strand-verify-") as temporary:
        followed = Followed(Path(temporary), partition, look(connection), storage)
        with closing(followed.local):
            asyncio.run(_catch_up(followed, connection))
            with closing(
                RocksDerived(Path(temporary) / "derived", bulk=True, memory=storage.memory, create=True)
            ) as store:
                folded = _folded(followed, store, live, advance)
            again = redecide_partition(followed, advance) if redecide else None
            return folded, recorded_in(kept(followed.decisions.read())), again


async def _catch_up(followed: Followed, connection: Connection) -> None:
    clients = Clients(connection)
    await clients.start()
    try:
        await followed.catch_up(clients)
    finally:
        await clients.stop()


def _folded(followed: Followed, store: DerivedStore, live: LiveState | None, advance: Advance) -> Folded:
    """The fold up to where the live state is, else up to the frontier, compared with it if that can be."""
    why = "no worker was asked (--live)" if live is None else incomparable(live)
    wrong = [] if live is None or why else foreign(followed, live)
    compare = live is not None and not why and not wrong
    where = (live.activation_offset, live.applied) if live is not None and compare else decided_upto(followed)
    folded = Folded(followed.partition, incomparable=why)
    if where is not None:
        world = refold(followed, store, activation=where[0], upto=where[1], advance=advance)
        folded.meta, folded.state_hash = world.meta, state_hash(world)
    if live is not None and compare:
        folded.live_hash = int(live.state_hash, 16)
        wrong = compared(folded, live)
    folded.differences, folded.different = wrong, len(wrong)
    return folded


def incomparable(live: LiveState) -> str:
    """Why a live state can be compared with nothing, '' if it can."""
    if live.applied < 0:
        return "no rulebook is active in the live state"
    if live.fold_version != FOLD_VERSION:
        return f"the live state is of fold version {live.fold_version}, this engine folds by {FOLD_VERSION}"
    return ""


def foreign(followed: Followed, live: LiveState) -> list[Difference]:
    """What of a live state cannot be, by the topics: its claim, or the rulebook that it is of."""
    position = (live.applied, MARK, "")
    kept_under = followed.decisions.end_of(live.claim)
    if kept_under is None or position > kept_under:
        reached = "unknown" if kept_under is None else f"decided up to offset {kept_under[0]}"
        return [Difference(followed.partition, "", f"claim {live.claim}", f"applied {live.applied}", reached)]
    active = activations_of(followed).active_at(position)
    if active != live.activation_offset:
        return [Difference(followed.partition, "", "activation_offset", live.activation_offset, active)]
    return []


def compared(folded: Folded, live: LiveState) -> list[Difference]:
    """Every figure on which the fold and the live state differ; of the customers the sum of their hashes only."""
    assert folded.meta is not None
    figures = {"journey_ms": live.journey_ms, **live.counters}
    pairs: list[tuple[str, Any, Any]] = [(name, was, getattr(folded.meta, name)) for name, was in figures.items()]
    pairs.append(("state_hash", live.state_hash, as_text(folded.state_hash)))
    return [Difference(folded.partition, "", name, was, now) for name, was, now in pairs if was != now]
