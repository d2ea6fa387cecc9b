"""Where the first activation goes in a history: `--live-from DATE|INSTANT`."""

from __future__ import annotations

from events.calendar import parse_date
from events.errors import CalledWrongly
from events.times import parse_instant
from events.zones import instant


def live_from_ms(text: str, zone: str) -> int:
    """The instant: a date's 00:00 in the rulebook's zone, an instant itself; raises CalledWrongly for neither."""
    try:
        return instant(parse_date(text), 0, zone)
    except ValueError:
        pass
    try:
        return parse_instant(text)
    except ValueError:
        what = "a date like 2025-02-01, or an instant like 2025-02-01T10:00:00+02:00"
        raise CalledWrongly(f"--live-from must be {what}; found {text!r:.60}") from None
