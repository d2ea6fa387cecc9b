"""Where the first activation goes in a history: `--live-from DATE|INSTANT`."""

from __future__ import annotations

import re

from events.calendar import day_of
from events.errors import CalledWrongly
from events.times import parse_instant
from events.zones import instant

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)


def live_from_ms(text: str, zone: str) -> int:
    """The instant: a date's 00:00 in the rulebook's zone, an instant itself; raises CalledWrongly for neither."""
    date = _DATE.fullmatch(text)
    try:
        if date is not None:
            return instant(day_of(int(date[1]), int(date[2]), int(date[3])), 0, zone)
        return parse_instant(text)
    except ValueError as error:
        raise CalledWrongly(
            f"--live-from takes a date like 2017-02-01 or an instant; found {text!r:.60}: {error}"
        ) from None
