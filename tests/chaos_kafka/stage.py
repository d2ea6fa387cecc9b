"""What a fault may play with, and what is common to faults."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path

from deploy.kafka.cluster import Cluster
from engine.runtimes.kafka.connection import Connection
from tests.chaos_kafka.processes import Slot
from tests.chaos_kafka.workload import Workload

PATIENCE_S = 10.0
LOOK_S = 0.05

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a fault may play with: `going` while records come, `busy` where a worker has some to process.

    What a fault adds to `afterwards` is looked at once all is caught up and no worker runs; `folder` is for what it
    keeps, `began_s` of the monotonic clock.
    """

    slots: Sequence[Slot]
    cluster: Cluster
    connection: Connection
    workload: Workload
    folder: Path
    rng: random.Random
    going: Callable[[], bool]
    busy: Callable[[Slot], bool]
    afterwards: list[Check] = field(default_factory=list)

    def start_all(self) -> None:
        """Start every worker."""
        for slot in self.slots:
            slot.start()

    async def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Wait while records come; whether it came true in time."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until or not self.going():
                return condition()
            await asyncio.sleep(LOOK_S)
        return True

    async def worked(self) -> bool:
        """Wait until some worker has something done, so that what is struck is at work."""
        return await self.until(lambda: any(done > 0 for slot in self.slots for done in slot.done().values()), 60.0)


Fault = Callable[[Stage], Awaitable[int]]
"""Strikes while records come, and returns how often it struck a worker, or brokers, with work in flight."""


def repeated(strike: Fault) -> Fault:
    """Start every worker, wait until some are at work, and strike again and again while records come."""

    @wraps(strike)
    async def fault(stage: Stage) -> int:
        stage.start_all()
        await stage.worked()
        struck = 0
        while stage.going():
            struck += await strike(stage)
        return struck

    return fault
