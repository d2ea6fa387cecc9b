"""Instants as people write and read them: local dates and times of the rulebook's zone."""

from __future__ import annotations

from events.errors import CalledWrongly

DAY_MS = 86_400_000


def instant_of(text: str, zone: str) -> int:
    """Milliseconds of a date (its local 00:00), of ISO 8601, or as they are; raises CalledWrongly."""
    from events.calendar import parse_date
    from events.times import parse_instant
    from events.zones import instant

    try:
        return instant(parse_date(text), 0, zone)
    except ValueError:
        pass
    try:
        return int(text) if text.isdecimal() else parse_instant(text)
    except ValueError:
        what = "a date like 2025-02-01, an instant like 2025-02-01T10:00:00+02:00, or milliseconds since 1970"
        raise CalledWrongly(f"a time must be {what}; found {text!r}") from None


def shown_instant(t_ms: int | None, zone: str) -> str:
    """An instant on the zone's clocks, `2017-02-17 10:00`, with seconds where there are any; '' for none.

    Milliseconds are left out: an absence that becomes true a millisecond after a round time reads as that time.
    """
    if t_ms is None:
        return ""
    from events.calendar import date_text
    from events.zones import local

    day, ms = local(t_ms, zone)
    minutes, ms = divmod(ms, 60_000)
    seconds = f":{ms // 1000:02}" if ms >= 1000 else ""
    return f"{date_text(day)} {minutes // 60:02}:{minutes % 60:02}{seconds}"


def shown_span(span_ms: int) -> str:
    """A length of time in its largest two units: `3 d 4 h`, `12 s`."""
    units = (("d", DAY_MS), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1))
    parts, left = [], abs(span_ms)
    for name, size in units:
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {name}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
