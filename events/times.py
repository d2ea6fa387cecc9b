"""Instants as publishers write them: ISO 8601, or integer milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from events.calendar import date_text, day_of
from events.durations import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

EXPECTED = "an instant: ISO 8601 like 2026-03-29T10:00:00+03:00, or integer milliseconds since 1970"

# The bounds of what can be recorded: years 1970 to 9999.
FIRST_MS = 0
END_MS = day_of(9999, 12, 31) * DAY_MS + DAY_MS

# Our own grammar and not datetime's, which differs between versions of Python.
_INSTANT = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r" ?(?:[Zz]|(?P<sign>[+-])(?P<ahead_hours>[0-9]{2}):?(?P<ahead_minutes>[0-9]{2})?)?)?",
    re.ASCII,
)


def parse_instant(value: object) -> int:
    """Milliseconds since the epoch, UTC, of an int (milliseconds), ISO 8601 text or a datetime.

    Text without an offset is UTC, a date alone its 00:00 UTC; digits beyond the millisecond are cut off. Years 1 to
    9999. Raises ValueError saying what an instant must be and what was found.
    """
    if type(value) is int:
        return value
    if isinstance(value, str):
        written = _INSTANT.fullmatch(value)
        if written is not None:
            try:
                return _instant(written.groupdict())
            except ValueError as error:
                raise ValueError(f"must be {EXPECTED}; found {value!r:.60} ({error})") from None
    elif isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return _instant_of(moment)
    raise ValueError(f"must be {EXPECTED}; found {value!r:.60}")


def _instant(part: dict[str, str | None]) -> int:
    t_ms = day_of(int(part["year"] or 0), int(part["month"] or 0), int(part["day"] or 0)) * DAY_MS
    t_ms += _below(part["hour"], 24, "hour") * HOUR_MS + _below(part["minute"], 60, "minute") * MINUTE_MS
    t_ms += _below(part["second"], 60, "second") * SECOND_MS + int((part["fraction"] or "")[:3].ljust(3, "0"))
    ahead_ms = _below(part["ahead_hours"], 24, "offset") * HOUR_MS
    ahead_ms += _below(part["ahead_minutes"], 60, "offset") * MINUTE_MS
    return t_ms + ahead_ms if part["sign"] == "-" else t_ms - ahead_ms


def _below(digits: str | None, limit: int, name: str) -> int:
    """The part's number, 0 where it is left out."""
    number = int(digits or 0)
    if number >= limit:
        raise ValueError(f"{name} must be below {limit}")
    return number


def _instant_of(moment: datetime) -> int:
    offset = moment.utcoffset()
    t_ms = day_of(moment.year, moment.month, moment.day) * DAY_MS + moment.hour * HOUR_MS + moment.minute * MINUTE_MS
    t_ms += moment.second * SECOND_MS + moment.microsecond // 1000
    # Sub-millisecond parts of an offset are cut off with the instant's own.
    return t_ms if offset is None else t_ms - (offset.days * DAY_MS + offset.seconds * SECOND_MS)


def instant_text(t_ms: int) -> str:
    """The instant as ISO 8601 in UTC, e.g. `2026-03-29T07:00:00Z`; with milliseconds where there are any."""
    day, ms = divmod(t_ms, DAY_MS)
    hours, ms = divmod(ms, HOUR_MS)
    minutes, ms = divmod(ms, MINUTE_MS)
    seconds, ms = divmod(ms, SECOND_MS)
    fraction = f".{ms:03d}" if ms else ""
    return f"{date_text(day)}T{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}Z"
