"""When something in a world happens by itself next."""

from __future__ import annotations

from engine.world import World
from projections.expressions.runtime import NEVER


def next_due_ms(world: World) -> int:
    """The earliest instant at which a step may be due, NEVER if none is; it may be early, never late."""
    timers = world.timers
    if world.overdue:
        return world.meta.journey_ms
    if timers.horizon <= world.meta.journey_ms:
        timers.reach(world.meta.journey_ms)
    while not timers.heap and timers.horizon < NEVER:
        timers.reach(timers.horizon)
    return timers.heap[0][0] if timers.heap else NEVER
