"""What is done to the workers while records come: one coroutine a kind; each returns how often it struck.

A strike counts only if the worker had work in flight.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from deploy.kafka.cluster import Cluster
from tests.chaos_kafka.processes import SESSION_MS, Slot


@dataclass(frozen=True, slots=True)
class Stage:
    """What a fault may play with: `going` while records come, `busy` where a worker has some to process."""

    slots: Sequence[Slot]
    cluster: Cluster
    rng: random.Random
    going: Callable[[], bool]
    busy: Callable[[Slot], bool]


Fault = Callable[[Stage], Awaitable[int]]

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

PATIENCE_S = 10.0


def somewhere(rng: random.Random) -> str:
    """A place to die at, and when."""
    point = rng.choice(list(KILL_POINTS))
    return f"{point}:{rng.randint(1, KILL_POINTS[point])}"


async def scale(stage: Stage) -> int:
    """Workers join one after another, then leave in order."""
    slots, rng, going, busy = stage.slots, stage.rng, stage.going, stage.busy
    struck = 0
    slots[0].start()
    for slot in slots[1:]:
        await asyncio.sleep(rng.uniform(2, 4))
        struck += any(map(busy, slots))
        slot.start()
    while going() and sum(slot.alive for slot in slots) > 1:
        await asyncio.sleep(rng.uniform(2, 4))
        slot = rng.choice([slot for slot in slots if slot.alive])
        struck += busy(slot)
        await asyncio.to_thread(slot.stop)
    return struck


async def kill(stage: Stage) -> int:
    """Workers are killed at any time, and start again with their folder or without."""
    slots, rng, going, busy = stage.slots, stage.rng, stage.going, stage.busy
    await _start_all(slots)
    struck = 0
    while going():
        await asyncio.sleep(rng.uniform(0.5, 4))
        slot = rng.choice(slots)
        struck += busy(slot)
        slot.kill()
        await asyncio.sleep(rng.choice([0, 0.5, 2]))
        slot.start(wipe=rng.random() < 0.5)
    return struck


async def kill_at(stage: Stage) -> int:
    """Workers are killed by themselves at a named place, and start again, to be killed at another."""
    slots, rng, going = stage.slots, stage.rng, stage.going

    def start(slot: Slot, *, wipe: bool) -> None:
        slot.start(wipe=wipe, kill_at=somewhere(rng))
        since[slot.number] = time.monotonic()

    since: dict[int, float] = {}
    for slot in slots:
        start(slot, wipe=False)
    struck = 0
    while going():
        await asyncio.sleep(0.1)
        for slot in slots:
            if slot.alive and time.monotonic() > since[slot.number] + PATIENCE_S:  # it does not come there
                struck += stage.busy(slot)
                slot.kill()
                start(slot, wipe=rng.random() < 0.3)
            if not slot.alive:
                struck += 1
                slot.deaths += 1
                start(slot, wipe=rng.random() < 0.3)
    return struck


async def freeze(stage: Stage) -> int:
    """Workers are stopped for longer than the group waits, and go on as if nothing had happened."""
    slots, rng, going, busy = stage.slots, stage.rng, stage.going, stage.busy
    await _start_all(slots)
    struck = 0
    await asyncio.sleep(3)
    while going():
        slot = rng.choice(slots)
        struck += busy(slot)
        slot.freeze()
        await asyncio.sleep(SESSION_MS / 1000 + rng.uniform(1, 4))
        slot.thaw()
        await asyncio.sleep(rng.uniform(0.5, 3))
    return struck


async def mixed(stage: Stage) -> int:
    """All of it at once; one worker at least is left alone at any time."""
    slots, rng, going, busy = stage.slots, stage.rng, stage.going, stage.busy
    await _start_all(slots)
    struck = 0
    back: list[asyncio.Task[None]] = []
    held: set[int] = set()

    async def strike(slot: Slot) -> None:
        what = rng.choice(["kill", "freeze", "freeze", "stop", "kill_at"])
        if what == "freeze":
            slot.freeze()
            await asyncio.sleep(rng.uniform(7, 12))
            slot.thaw()
        else:
            await asyncio.to_thread(slot.stop) if what == "stop" else slot.kill()
            await asyncio.sleep(rng.choice([0, 0.3, 1, 4]))
            point = somewhere(rng) if what == "kill_at" else ""
            slot.start(wipe=rng.random() < 0.5, kill_at=point)
        held.discard(slot.number)

    while going():
        for slot in slots:
            if not slot.alive and slot.number not in held:
                slot.deaths += 1
                slot.start(wipe=rng.random() < 0.5)
        free = [slot for slot in slots if slot.number not in held]
        if len(free) > 1:
            slot = rng.choice(free)
            held.add(slot.number)
            struck += busy(slot)
            back.append(asyncio.create_task(strike(slot)))
        await asyncio.sleep(rng.uniform(0.5, 3))
    await asyncio.gather(*back)
    return struck


async def broker(stage: Stage) -> int:
    """Brokers are killed, or stopped in order, and start again."""
    slots, rng, going, busy = stage.slots, stage.rng, stage.going, stage.busy
    await _start_all(slots)
    struck = 0
    await asyncio.sleep(3)
    while going():
        node = rng.choice(stage.cluster.nodes)
        struck += any(map(busy, slots))
        await asyncio.to_thread(node.kill if rng.random() < 0.6 else node.stop)
        await asyncio.sleep(rng.choice([0, 1, 4]))
        node.start()
        await asyncio.to_thread(stage.cluster.wait_ready)
        await asyncio.sleep(rng.uniform(2, 6))
    return struck


async def _start_all(slots: Sequence[Slot]) -> None:
    for slot in slots:
        slot.start()


FAULTS: dict[str, Fault] = {
    "broker": broker,
    "scale": scale,
    "kill": kill,
    "kill_at": kill_at,
    "freeze": freeze,
    "mixed": mixed,
}
