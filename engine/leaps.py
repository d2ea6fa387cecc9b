"""A leap of journey time is refused: everything due in between would be decided as of now."""

from __future__ import annotations

from events.durations import DAY_MS
from events.errors import OperatorError
from events.times import instant_text

LEAP_MS = 7 * DAY_MS
"""What journey time may move by at once, unless the operator says otherwise."""


def check_leap(from_ms: int, to_ms: int, place: str = "") -> None:
    """Raise OperatorError if journey time would move by more than 7 days at once; `place` says whose, if not all."""
    if to_ms - from_ms > LEAP_MS:
        raise OperatorError(
            f"{place}journey time would move from {instant_text(from_ms)} to {instant_text(to_ms)}, "
            "more than 7 days at once, and everything due in between would be decided as of now",
            "if that is right, say so with --catch-up; nothing of this was appended",
        )
