"""Workers of several builds of the engine that take each other's partitions over, some without knowing."""

from __future__ import annotations

import asyncio

from tests.chaos_kafka.faults import SESSION_S
from tests.chaos_kafka.processes import Slot
from tests.chaos_kafka.stage import Stage
from tests.simulation.protocol.builds import ORIGINAL, OTHER_MATCHES, SCHEDULES_LATER

BUILDS = (ORIGINAL, OTHER_MATCHES, SCHEDULES_LATER)
"""As it is; one that matches nothing; one whose messages come an hour later."""


async def builds(stage: Stage) -> int:
    """Workers are killed, or stopped in order, and start again as another build."""
    slots, rng = stage.slots, stage.rng
    for slot, build in zip(slots, rng.sample(BUILDS, len(BUILDS)), strict=True):
        slot.start(build=build)
    await stage.worked()
    struck = 0
    while stage.going():
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        quiet = [slot for slot in slots if slot.build == OTHER_MATCHES]
        slot = rng.choice(quiet if quiet and rng.random() < 0.5 else slots)
        struck += stage.busy(slot)
        if rng.random() < 0.5:
            slot.kill()
        else:
            await asyncio.to_thread(slot.stop)
        await asyncio.sleep(rng.choice([0, 0.5]))
        slot.start(wipe=rng.random() < 0.3, build=_other(stage, slot))
    return struck


async def zombies(stage: Stage) -> int:
    """A worker stands still with a batch in its hands; one of another build claims what it had, and stands still too;
    then the first goes on as if nothing had happened, and a little later the second."""
    rng = stage.rng
    first, second, *_ = stage.slots
    _armed(stage, first, rng.choice(BUILDS))
    struck = 0
    while stage.going():
        if not await stage.until(first.stands_still):
            first.kill()
            _armed(stage, first, first.build)
            continue
        before = set(first.done())
        second.start(kill_at=f"after-claim:{rng.randint(1, 6)}:stop", build=_other(stage, first))
        claimed = await stage.until(second.stands_still, SESSION_S + 10)
        struck += claimed and bool(before)
        first.thaw()
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        second.thaw()
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        first.kill()
        first, second = second, first
        first.kill()  # what it claimed is its own: it goes on there, to stand still in turn
        _armed(stage, first, first.build)
    for slot in stage.slots:
        slot.thaw()
    return struck


def _armed(stage: Stage, slot: Slot, build: int) -> None:
    """Start it, to stand still with a batch computed and not sent, or sent and not known to be."""
    point = stage.rng.choice(["before-decisions", "after-decisions"])
    slot.start(kill_at=f"{point}:{stage.rng.randint(8, 30)}:stop", build=build)


def _other(stage: Stage, slot: Slot) -> int:
    """Another build than it has: where records decided nothing and where they did meet often."""
    if slot.build != OTHER_MATCHES and stage.rng.random() < 0.6:
        return OTHER_MATCHES
    return stage.rng.choice([build for build in BUILDS if build != slot.build])
