"""When a match is due."""

from __future__ import annotations

from events import zones
from triggers.definitions import TriggerDef


def due_instant(trigger: TriggerDef, t_ms: int, zone: str) -> int:
    """The first instant at or after t + `after` at which the local time is `at`; t + `after` itself without `at`."""
    earliest_ms = t_ms + trigger.after_ms
    if trigger.at_ms is None:
        return earliest_ms
    return zones.next_local_time(earliest_ms, trigger.at_ms, zone)
