"""A worker makes a partition's folder anew beside the live one, compares, and goes on from the new one.

what the lane holds, and up to which offset -> the topics are read anew into a second folder -> a fold up to that
offset, in turn with the lanes -> compared -> the lane ends, the folders change places, a lane opens

The fold only reads: it claims nothing and stops where the lane was. The lane that opens then claims, and folds what was
decided meanwhile as any owner does; so nothing is decided, or sent, twice. Where the live state was wrong that claim
says so: what other disks and the depot have of before is not trusted either.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path
from time import perf_counter

import msgspec

from engine.hashes import MODULUS, as_text, canonical_state, customer_hash
from engine.kill_points import reach
from engine.meta import Meta
from engine.replay.folding import Difference, Folded
from engine.runtimes.kafka.comparing import compared, foreign, incomparable
from engine.runtimes.kafka.connection import look
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.live_state import AT_ONCE, LiveState, NotHere, live_state
from engine.runtimes.kafka.refolding import folded_generation
from engine.runtimes.kafka.worker import Worker
from engine.runtimes.kafka.workplace import Workplace
from engine.workspace.durable_files import refused

CLAIM_POLL_S = 0.02


class RebuiltPartition(msgspec.Struct, kw_only=True):
    """What came of it: `why` says why there was nothing to compare with; differences are (field, live, folded)."""

    partition: int
    meta: Meta | None = None
    state_hash: str = as_text(0)
    live_hash: str | None = None
    differences: list[tuple[str, str, str]] = []
    why: str = ""
    switched: bool = False
    seconds: float = 0.0

    @property
    def folded(self) -> Folded:
        """The same, as the command line shows it."""
        return Folded(
            self.partition,
            self.meta,
            int(self.state_hash, 16),
            None if self.live_hash is None else int(self.live_hash, 16),
            [Difference(self.partition, "", *each) for each in self.differences],
            len(self.differences),
            self.why,
        )


class Rebuilds:
    """The rebuilds of one worker, one at a time."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._one = asyncio.Lock()

    async def rebuild(self, lane: Lane | None, *, accept: bool) -> RebuiltPartition:
        """Make a lane's states anew, and have it go on from them if they equal the live ones (or `accept`).

        Raises NotHere if it is not open here, or was given away meanwhile.
        """
        async with self._one:
            begun = perf_counter()
            live = await live_state(lane)
            assert lane is not None
            if live.applied < 0:
                return RebuiltPartition(partition=lane.partition, why=incomparable(live))
            beside = lane.place.folder / f"p{lane.partition}.rebuilt"
            try:
                found = await asyncio.to_thread(_fold_beside, lane.place, beside, live)
                if accept or not found.differences:
                    switch = partial(_switch, beside, lane.partition)
                    found.switched = await self._worker.reopen(lane, switch, anew=bool(found.differences))
                    if not found.switched:
                        raise NotHere
                    if found.differences:
                        await _claimed(self._worker.lanes[lane.partition])
                    if self._worker.checkpoints is not None:
                        self._worker.checkpoints.again(lane.partition)
            finally:
                await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)
            found.seconds = perf_counter() - begun
            return found


async def _claimed(lane: Lane) -> None:
    """Wait until the lane's claim says that older states are wrong; raises NotHere if it ends before."""
    while lane.shard is None:
        if lane.over.is_set():
            raise NotHere
        await asyncio.sleep(CLAIM_POLL_S)


def _fold_beside(place: Workplace, folder: Path, live: LiveState) -> RebuiltPartition:
    """Read the topics into a folder and fold them up to where the live state is; a thread's, with its turn to fold."""
    turn = place.bridge.turn
    with refused(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    followed = Followed(folder, live.partition, look(place.connection), place.storage, turn.pass_on)
    with closing(followed.local):
        asyncio.run(followed.read_topics(place.connection))
        with turn:
            found = RebuiltPartition(partition=live.partition)
            wrong = foreign(followed, live)
            if wrong:
                found.differences = [(each.field, str(each.live), str(each.folded)) for each in wrong]
                return found
            world = folded_generation(followed, live.activation_offset, live.applied)
            found.meta, found.live_hash = world.meta, live.state_hash
            total = 0
            for number, (customer, state) in enumerate(world.all_states()):
                if number % AT_ONCE == 0:
                    turn.pass_on()
                total += customer_hash(customer, canonical_state(world, state, world.meta.journey_ms))
            found.state_hash = as_text(total % MODULUS)
            folded = Folded(live.partition, world.meta, total % MODULUS)
            found.differences = [(each.field, str(each.live), str(each.folded)) for each in compared(folded, live)]
            followed.local.shard_generations.swap(world.store)
    return found


def _switch(beside: Path, partition: int) -> None:
    """Put the new folder in the old one's place; cut off in between, the partition is read from the topics again."""
    folder = beside.parent / f"p{partition}"
    old = folder.with_name(folder.name + ".replaced")
    reach("before-switch")
    with refused(folder):
        shutil.rmtree(old, ignore_errors=True)
        folder.replace(old)
        reach("mid-switch")
        (beside / folder.name).replace(folder)
        reach("after-switch")
        shutil.rmtree(old)
