"""Local time, from the pinned `tzdata` package and never from the system.

A local time that a day does not have means the first instant after the gap, one that occurs twice the first; in
both cases that is the first instant whose local time is not before it. All functions take any integer of
milliseconds: beyond the years that `datetime` knows, the zones' rules repeat with the calendar every 400 years.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import tzdata

from events.calendar import CYCLE_DAYS
from events.durations import DAY_MS

TZDATA_VERSION: str = tzdata.IANA_VERSION

_CYCLE_MS = CYCLE_DAYS * DAY_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
# Within these, no offset leads out of the years that datetime knows.
_FIRST_MS = int(datetime(2, 1, 1, tzinfo=UTC).timestamp()) * 1000
_LAST_MS = int(datetime(9998, 1, 1, tzinfo=UTC).timestamp()) * 1000


@cache
def load_zones() -> dict[str, ZoneInfo]:
    """Every zone by name; what is compiled calls this once, so that no later call reads a file."""
    folder = files("tzdata").joinpath("zoneinfo")
    zones = {}
    for name in files("tzdata").joinpath("zones").read_text(encoding="ascii").split():
        with folder.joinpath(*name.split("/")).open("rb") as file:
            zones[name] = ZoneInfo.from_file(file, key=name)
    return zones


def is_zone(name: str) -> bool:
    """Whether a time zone of this name exists; case counts."""
    return name in load_zones()


def offset_ms(t_ms: int, zone: str) -> int:
    """What is added to UTC to give the zone's local time at the instant; raises KeyError for no zone's name."""
    if zone == "UTC":
        return 0
    day_offset_ms = _offset_of_day(t_ms // DAY_MS, zone)
    return _offset_s(t_ms, load_zones()[zone]) * 1000 if day_offset_ms is None else day_offset_ms


@lru_cache(maxsize=65_536)
def _offset_of_day(day: int, zone: str) -> int | None:
    """The offset in ms that holds all through a day of UTC, None where it changes in it."""
    rules = load_zones()[zone]
    offset_s = _offset_s(day * DAY_MS, rules)
    return offset_s * 1000 if _offset_s((day + 1) * DAY_MS, rules) == offset_s else None


def _offset_s(t_ms: int, zone: ZoneInfo) -> int:
    moment = _EPOCH + timedelta(seconds=_in_range(t_ms) // 1000)
    return _seconds(zone.fromutc(moment.replace(tzinfo=zone)).utcoffset())


def _in_range(t_ms: int) -> int:
    """The instant, or one that many calendar cycles away where datetime can follow."""
    if t_ms < _FIRST_MS:
        return t_ms + (_FIRST_MS - t_ms + _CYCLE_MS - 1) // _CYCLE_MS * _CYCLE_MS
    if t_ms >= _LAST_MS:
        return t_ms - ((t_ms - _LAST_MS) // _CYCLE_MS + 1) * _CYCLE_MS
    return t_ms


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset // _SECOND


def local(t_ms: int, zone: str) -> tuple[int, int]:
    """(day, milliseconds since midnight) on the zone's wall clocks and calendars at the instant."""
    return divmod(t_ms + offset_ms(t_ms, zone), DAY_MS)


@lru_cache(maxsize=16_384)
def instant(day: int, ms_of_day: int, zone: str) -> int:
    """The first instant whose local time is not before `ms_of_day` of `day`."""
    wall_ms = day * DAY_MS + ms_of_day
    if zone == "UTC":
        return wall_ms
    rules = load_zones()[zone]
    wall = (_EPOCH + timedelta(seconds=_in_range(wall_ms) // 1000)).replace(tzinfo=rules)
    before_s, after_s = _seconds(wall.utcoffset()), _seconds(wall.replace(fold=1).utcoffset())
    if before_s >= after_s:
        return wall_ms - before_s * 1000
    return _next_change(wall_ms - after_s * 1000, wall_ms - before_s * 1000, rules)


def _next_change(from_ms: int, to_ms: int, rules: ZoneInfo) -> int:
    """The first instant in (from_ms, to_ms] with another offset than from_ms; it holds one change, at its end at the
    latest. No zone changes twice within two days (a test looks)."""
    offset_s = _offset_s(from_ms, rules)
    while to_ms - from_ms > 1:
        middle_ms = (from_ms + to_ms) // 2
        if _offset_s(middle_ms, rules) == offset_s:
            from_ms = middle_ms
        else:
            to_ms = middle_ms
    return to_ms


def next_local_time(t_ms: int, at_ms: int, zone: str) -> int:
    """The first instant at or after t_ms that stands for the local time of day `at_ms` of some day."""
    day = local(t_ms, zone)[0] - 1  # a gap may move yesterday's time to today
    while (found_ms := instant(day, at_ms, zone)) < t_ms:
        day += 1
    return found_ms


def is_quiet(t_ms: int, from_ms: int, to_ms: int, zone: str) -> bool:
    """Whether from <= local time of day < to, round midnight where from > to, by the wall clock."""
    return _within(local(t_ms, zone)[1], from_ms, to_ms)


def _within(ms_of_day: int, from_ms: int, to_ms: int) -> bool:
    if from_ms <= to_ms:
        return from_ms <= ms_of_day < to_ms
    return ms_of_day >= from_ms or ms_of_day < to_ms


def not_quiet_after(t_ms: int, from_ms: int, to_ms: int, zone: str) -> int:
    """The first instant after t_ms that is not quiet; a change of the clocks may end the quiet early or begin it
    again. `from_ms` and `to_ms` differ, both milliseconds since midnight."""
    now_ms = t_ms + 1
    while True:
        offset = offset_ms(now_ms, zone)
        ms_of_day = (now_ms + offset) % DAY_MS
        if not _within(ms_of_day, from_ms, to_ms):
            return now_ms
        end_ms = now_ms + (to_ms - ms_of_day) % DAY_MS
        if offset_ms(end_ms, zone) == offset:
            return end_ms
        now_ms = _next_change(now_ms, end_ms, load_zones()[zone])
