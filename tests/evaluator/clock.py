"""Local time by definition: the first instant that..., found by looking, with the zones of the tzdata package."""

from __future__ import annotations

import functools
import importlib.resources
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.evaluator.marks import mark
from tests.evaluator.model import DAY_MS, MINUTE_MS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@functools.cache
def known_zones() -> frozenset[str]:
    return frozenset(importlib.resources.files("tzdata").joinpath("zones").read_text().split())


@functools.cache
def load(name: str) -> ZoneInfo:
    """A zone of the package, never the system's."""
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def zone_of(name: object, fallback: str) -> ZoneInfo:
    """The customer's zone, or the policy's where that is absent or does not exist."""
    if name is None or name in known_zones():
        return load(str(name or fallback))
    mark("clock", "no such zone")
    return load(fallback)


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def millis(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


@functools.lru_cache(maxsize=100_000)
def instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """The local time of that day: the first of two, or the first instant after the gap that swallowed it."""
    naive = datetime.combine(day, time(minutes // 60, minutes % 60))
    candidates = sorted(millis(naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)) for fold in (0, 1))
    if candidates[0] != candidates[1]:
        twice = all(local(candidate, zone).replace(tzinfo=None) == naive for candidate in candidates)
        mark("clock", "doubled" if twice else "gap")
    for candidate in candidates:
        if local(candidate, zone).replace(tzinfo=None) == naive:
            return candidate
    low, high = candidates  # before and after the gap, a gap's length apart
    after = local(high, zone).utcoffset()
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if local(middle, zone).utcoffset() == after else (middle, high)
    return high


def first_at(from_ms: int, minutes: int, zone: ZoneInfo) -> int:
    """The first instant at or after `from_ms` at which the local time is so many minutes after midnight."""
    day = local(from_ms, zone).date() - timedelta(days=2)
    while (found := instant(day, minutes, zone)) < from_ms:
        day += timedelta(days=1)
    return found


def midnight(day: date, zone: ZoneInfo) -> int:
    return instant(day, 0, zone)


def is_quiet(at_ms: int, quiet: tuple[int, int], zone: ZoneInfo) -> bool:
    """Whether the wall clock stands between, round midnight where from is later than to."""
    reading = local(at_ms, zone)
    minutes = reading.hour * 60 + reading.minute
    start, end = quiet
    return start <= minutes < end if start < end else minutes >= start or minutes < end


def quiet_ends(at_ms: int, quiet: tuple[int, int], zone: ZoneInfo) -> int:
    """The first instant after `at_ms` that is not quiet: walls show whole minutes at whole minutes of UTC."""
    at_ms = (at_ms // MINUTE_MS + 1) * MINUTE_MS
    last = at_ms + 4 * DAY_MS
    while is_quiet(at_ms, quiet, zone):
        at_ms += MINUTE_MS
        assert at_ms < last
    return at_ms
