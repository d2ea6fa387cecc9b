"""The wall clock: read by the doors and the live loop, never by a step."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]


class Every:
    """Says once in so many seconds that they are over, of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next_s = time.monotonic() + seconds

    def over(self) -> bool:
        """Whether they are; they begin anew then."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._seconds
        return True


def wall_clock_ms() -> int:
    """Milliseconds since the epoch, now."""
    return time.time_ns() // 1_000_000
