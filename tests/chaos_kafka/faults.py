"""What is done to workers and brokers while records come: one coroutine a kind; each returns how often it struck.

A strike counts only if there was work in flight.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial

from tests.chaos_kafka.processes import SESSION_MS, Slot
from tests.chaos_kafka.stage import PATIENCE_S, Stage, repeated

KILL_POINTS = {
    "after-copy": 8,
    "before-claim": 2,
    "after-claim": 2,
    "before-transitions": 8,
    "after-transitions": 8,
    "before-decisions": 8,
    "after-decisions": 8,
    "before-state": 8,
    "after-state": 8,
    "before-swap": 2,
    "mid-swap": 2,
    "after-swap": 2,
    "mid-activation": 1,
}
"""Places to die at, and how often a worker comes there in a trial, at least."""

BETWEEN = ("before-decisions", "before-decisions", "after-decisions", "before-state")
"""Around what a batch writes: the decisions, then the state."""

SESSION_S = SESSION_MS / 1000


def somewhere(rng: random.Random) -> str:
    """A place to die at, and when."""
    point = rng.choice(list(KILL_POINTS))
    return f"{point}:{rng.randint(1, KILL_POINTS[point])}"


async def scale(stage: Stage) -> int:
    """Workers join one after another, then leave in order, and so on."""
    slots, rng, going, busy = stage.slots, stage.rng, stage.going, stage.busy
    struck = 0
    slots[0].start()
    for slot in slots[1:]:
        await asyncio.sleep(rng.uniform(1, 3))
        struck += any(map(busy, slots))
        slot.start()
    while going():
        await asyncio.sleep(rng.uniform(1, 3))
        running = [slot for slot in slots if slot.alive]
        slot = rng.choice(running if len(running) > 1 else [each for each in slots if each not in running])
        struck += any(map(busy, slots))
        if slot.alive:
            await asyncio.to_thread(slot.stop)
        else:
            slot.start()
    return struck


@repeated
async def kill(stage: Stage) -> int:
    """Workers are killed at any time, and start again with their folder or without."""
    rng = stage.rng
    await asyncio.sleep(rng.uniform(0.5, 3))
    slot = rng.choice(stage.slots)
    in_flight = await stage.until(partial(stage.busy, slot), 1.0)
    slot.kill()
    await asyncio.sleep(rng.choice([0, 0.5, 2]))
    slot.start(wipe=rng.random() < 0.5)
    return in_flight


async def kill_at(stage: Stage) -> int:
    """Workers are killed by themselves at a named place, and start again, to be killed at another."""
    return await _dying(stage, lambda: somewhere(stage.rng), wiped=0.3)


async def between(stage: Stage) -> int:
    """Workers are killed by themselves around what a batch writes, and go on at once from what is on their disk."""
    rng = stage.rng
    return await _dying(stage, lambda: f"{rng.choice(BETWEEN)}:{rng.randint(3, 12)}", wiped=0.0)


async def _dying(stage: Stage, place: Callable[[], str], *, wiped: float) -> int:
    slots, rng, going = stage.slots, stage.rng, stage.going
    since: dict[int, float] = {}

    def start(slot: Slot, *, wipe: bool) -> None:
        slot.start(wipe=wipe, kill_at=place())
        since[slot.number] = time.monotonic()

    for slot in slots:
        start(slot, wipe=False)
    struck = 0
    while going():
        await asyncio.sleep(0.1)
        for slot in slots:
            if slot.alive and time.monotonic() > since[slot.number] + PATIENCE_S:  # it does not come there
                struck += stage.busy(slot)
                slot.kill()
                start(slot, wipe=rng.random() < wiped)
            elif not slot.alive:  # records come all the while: it was at one, or about to open for them
                struck += 1
                start(slot, wipe=rng.random() < wiped)
    return struck


@repeated
async def freeze(stage: Stage) -> int:
    """Workers are stopped for longer than the group waits, and go on as if nothing had happened."""
    rng = stage.rng
    slot = rng.choice(stage.slots)
    in_flight = await stage.until(partial(stage.busy, slot), 1.0)
    slot.freeze()
    await asyncio.sleep(SESSION_S + rng.uniform(0.5, 2))
    slot.thaw()
    await asyncio.sleep(rng.uniform(0.5, 2))
    return in_flight


@repeated
async def broker(stage: Stage) -> int:
    """Brokers are killed, or stopped in order, and start again; one at a time."""
    in_flight = any(map(stage.busy, stage.slots))
    await strike_a_broker(stage, kill=stage.rng.random() < 0.6)
    return in_flight


async def strike_a_broker(stage: Stage, *, kill: bool) -> None:
    """Kill one, or stop it in order, have it start again, and leave all alone for a while."""
    rng = stage.rng
    node = rng.choice(stage.cluster.nodes)
    await asyncio.to_thread(node.kill if kill else node.stop)
    await asyncio.sleep(rng.choice([0, 1, 3]))
    node.start()
    await asyncio.to_thread(stage.cluster.wait_ready)
    await asyncio.sleep(rng.uniform(1, 4))
