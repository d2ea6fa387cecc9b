"""When something in a world happens by itself next."""

from __future__ import annotations

from engine.world import World


def next_due_ms(world: World) -> int:
    """The earliest instant at which a step may be due, NEVER if none is; it may be early, never late."""
    return world.meta.journey_ms if world.overdue else world.timers.earliest()
