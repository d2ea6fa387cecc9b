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

from engine.hashes import state_hash
from engine.outputs import kept
from engine.ports import DerivedStore
from engine.replay.folding import Folded
from engine.replay.partition_jobs import Advance, each_partition
from engine.replay.recorded import Recorded, recorded_in
from engine.replay.redecide import Redecided, redecide_partition
from engine.replay.verify import Verified
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.comparing import compared, foreign, incomparable
from engine.runtimes.kafka.connection import INTERACTIONS, Connection, look
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.refolding import decided_upto, refold
from engine.runtimes.kafka.security import connect


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
    return Verified.of(found, perf_counter() - begun)


def _verify_partition(
    folder: Path, partition: int, live: LiveState | None, redecide: bool, advance: Advance
) -> tuple[Folded, Recorded, Redecided | None]:
    """In a process of its own."""
    from engine.adapters.rocksdb_derived import RocksDerived  # noqa: PLC0415 -- adapters load when chosen
    from engine.adapters.rocksdb_storage import RocksStorage  # noqa: PLC0415 -- likewise

    _, connection = connect(folder)
    storage = RocksStorage(owner=True)
    with TemporaryDirectory(prefix="strand-verify-") as temporary:
        followed = Followed(Path(temporary), partition, look(connection), storage)
        with closing(followed.local):
            asyncio.run(followed.read_topics(connection))
            with closing(
                RocksDerived(Path(temporary) / "derived", bulk=True, memory=storage.memory, create=True)
            ) as store:
                folded = _folded(followed, store, live, advance)
            again = redecide_partition(followed, advance) if redecide else None
            return folded, recorded_in(kept(followed.decisions.read())), again


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
