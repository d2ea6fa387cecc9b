"""Mixtures: all that can happen to workers at once, alone or while brokers end too."""

from __future__ import annotations

import asyncio
from functools import partial

from tests.chaos_kafka.faults import SESSION_S, somewhere, strike_a_broker
from tests.chaos_kafka.processes import Slot
from tests.chaos_kafka.stage import Stage, repeated


async def mixed(stage: Stage) -> int:
    """All that can happen to workers at once; one of them at least is left alone at any time."""
    return await _workers(stage, set())


async def mixed_with_brokers(stage: Stage) -> int:
    """All of that while brokers end too, the first by SIGKILL: each while a worker is away and another has work.

    What counts is how many did.
    """
    away: set[int] = set()

    def met() -> bool:
        return bool(away) and any(stage.busy(slot) for slot in stage.slots if slot.number not in away)

    async def brokers() -> int:
        struck = 0
        while stage.going():
            if await stage.until(met):
                await strike_a_broker(stage, kill=not struck or stage.rng.random() < 0.6)
                struck += 1
        return struck

    _, struck = await asyncio.gather(_workers(stage, away), brokers())
    return struck


async def _workers(stage: Stage, away: set[int]) -> int:
    """Strike workers; `away` has the numbers of those that are not back yet."""
    back: list[asyncio.Task[None]] = []

    async def strike(slot: Slot) -> None:
        await _strike(stage, slot)
        away.remove(slot.number)

    @repeated
    async def one_more(stage: Stage) -> int:
        rng, in_flight = stage.rng, False
        for slot in stage.slots:
            if not slot.alive and slot.number not in away:  # it came to where it was to die
                slot.start(wipe=rng.random() < 0.5)
        free = [slot for slot in stage.slots if slot.number not in away]
        if len(free) > 1:
            slot = rng.choice(free)
            in_flight = await stage.until(partial(stage.busy, slot), 1.0)
            away.add(slot.number)
            back.append(asyncio.create_task(strike(slot)))
        await asyncio.sleep(rng.uniform(0.3, 2))
        return in_flight

    struck = await one_more(stage)
    await asyncio.gather(*back)
    return struck


async def _strike(stage: Stage, slot: Slot) -> None:
    """Kill, freeze or stop a worker, and return once it runs again."""
    rng = stage.rng
    what = rng.choice(["kill", "freeze", "freeze", "stop", "kill_at"])
    if what == "freeze":
        slot.freeze()
        await asyncio.sleep(SESSION_S + rng.uniform(0.5, 4))
        slot.thaw()
        return
    await asyncio.to_thread(slot.stop) if what == "stop" else slot.kill()
    await asyncio.sleep(rng.choice([0, 0.3, 1, 4]))
    slot.start(wipe=rng.random() < 0.5, kill_at=somewhere(rng) if what == "kill_at" else "")
