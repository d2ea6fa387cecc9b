"""Local time against the zone files themselves, read here by a few lines of our own."""

from __future__ import annotations

import random
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from struct import unpack
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from events.calendar import day_of
from events.durations import DAY_MS, HOUR_MS, MINUTE_MS
from events.zones import (
    instant,
    is_quiet,
    is_zone,
    load_zones,
    local,
    next_local_time,
    not_quiet_after,
    offset_ms,
)

YEAR_1 = -62_135_596_800_000
YEAR_10000 = 253_402_300_800_000
ZONES = sorted(load_zones())
# Half an hour's change, a day skipped, a day doubled, southern, odd minutes, no change, changes at midnight.
ODD = [
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "America/Santiago",
    "Asia/Kathmandu",
    "America/St_Johns",
    "UTC",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Europe/Riga",
    "America/New_York",
    "Europe/Dublin",
    "Africa/Monrovia",
    "America/Juneau",
]


@cache
def changes(zone: str) -> list[tuple[int, int, int]]:
    """(second, offset before, offset after) for each change of offset that the zone's file writes out."""
    raw = files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()
    small = unpack(">6l", raw[20:44])
    at = 44 + small[3] * 5 + small[4] * 6 + small[5] + small[2] * 8 + small[1] + small[0]
    _, _, _, times, kinds, _ = unpack(">6l", raw[at + 20 : at + 44])
    at += 44
    seconds = unpack(f">{times}q", raw[at : at + 8 * times])
    indexes = raw[at + 8 * times : at + 9 * times]
    at += 9 * times
    offsets = [unpack(">l", raw[at + 6 * k : at + 6 * k + 4])[0] for k in range(kinds)]
    before = offsets[0]
    found = []
    for second, index in zip(seconds, indexes, strict=True):
        if offsets[index] != before:
            found.append((second, before, offsets[index]))
        before = offsets[index]
    return found


def written_offset(t_ms: int, zone: str) -> int | None:
    """The offset in seconds by the file; None after its last written change, where rules take over."""
    listed = changes(zone)
    index = bisect_right(listed, t_ms // 1000, key=lambda change: change[0])
    if not listed or index == len(listed):
        return None
    return listed[index][1]


def edges() -> Iterator[tuple[str, int, int, int]]:
    rng = random.Random(5)
    for zone in ZONES:
        listed = changes(zone)
        some = listed if zone in ODD else rng.sample(listed, min(6, len(listed)))
        for second, before, after in some:
            yield zone, second * 1000, before * 1000, after * 1000


def test_no_zone_changes_twice_within_two_days() -> None:
    nearest = min(
        later[0] - sooner[0] for zone in ZONES for sooner, later in zip(changes(zone), changes(zone)[1:], strict=False)
    )
    assert nearest * 1000 > 2 * DAY_MS


def test_every_change_happens_at_its_millisecond() -> None:
    seen = 0
    for zone, at_ms, before_ms, after_ms in edges():
        assert offset_ms(at_ms - 1, zone) == before_ms
        assert offset_ms(at_ms, zone) == after_ms
        seen += 1
    assert seen > 2000


def test_local_times_in_gaps_and_doubled_hours() -> None:
    for zone, at_ms, before_ms, after_ms in edges():
        first_wall, last_wall = sorted((at_ms + before_ms, at_ms + after_ms))
        for wall in {first_wall, (first_wall + last_wall) // 2, last_wall - 1, last_wall, first_wall - 1}:
            # A gap gives the first instant after it, a doubled time its first occurrence.
            expected = wall - before_ms if wall - before_ms < at_ms else max(at_ms, wall - after_ms)
            assert instant(*divmod(wall, DAY_MS), zone) == expected, (zone, at_ms, wall)


@given(st.sampled_from(ZONES) | st.sampled_from(ODD), st.integers(YEAR_1 - 10**12, YEAR_10000 + 10**12))
@example("America/New_York", YEAR_1)
@example("Pacific/Apia", YEAR_10000 - 1)
@example("Europe/Riga", YEAR_10000 + 10**15)
@example("Europe/Riga", YEAR_1 - 10**15)
def test_an_instant_is_the_first_whose_local_time_is_not_before(zone: str, t_ms: int) -> None:
    day, ms_of_day = local(t_ms, zone)
    assert 0 <= ms_of_day < DAY_MS
    first_ms = instant(day, ms_of_day, zone)
    assert first_ms <= t_ms
    assert local(first_ms, zone) == (day, ms_of_day)
    assert local(first_ms - 1, zone) < (day, ms_of_day)
    written = written_offset(t_ms, zone)
    if written is not None:
        assert day * DAY_MS + ms_of_day == t_ms + written * 1000


@given(st.sampled_from(ZONES), st.integers(YEAR_1 + 366 * DAY_MS, YEAR_10000 - 366 * DAY_MS))
def test_offsets_are_those_of_datetime(zone: str, t_ms: int) -> None:
    moment = datetime.fromtimestamp(t_ms // 1000, tz=UTC).astimezone(load_zones()[zone])
    day, ms_of_day = local(t_ms, zone)
    assert day == day_of(moment.year, moment.month, moment.day)
    assert ms_of_day // 1000 == moment.hour * 3600 + moment.minute * 60 + moment.second


@given(st.sampled_from(ODD), st.integers(2090, 9000), st.integers(0, 366 * DAY_MS))
def test_the_rules_repeat_with_the_calendar(zone: str, year: int, ms: int) -> None:
    t_ms = day_of(year, 1, 1) * DAY_MS + ms
    later_ms = t_ms + 146_097 * DAY_MS
    assert offset_ms(t_ms, zone) == offset_ms(later_ms, zone)
    assert offset_ms(t_ms, zone) == offset_ms(t_ms + 50 * 146_097 * DAY_MS, zone)


def near_a_change() -> st.SearchStrategy[tuple[str, int]]:
    listed = [(zone, at_ms) for zone in ODD if zone != "UTC" for at_ms in [c[0] * 1000 for c in changes(zone)]]
    return st.tuples(st.sampled_from(listed), st.integers(-2 * DAY_MS, DAY_MS)).map(lambda n: (n[0][0], n[0][1] + n[1]))


# Minutes suffice for these slow searches: changes in these years fall on whole minutes.
def minute(t_ms: int) -> int:
    return -(-t_ms // MINUTE_MS) * MINUTE_MS


def recent(near: tuple[str, int]) -> bool:
    return near[1] > day_of(1973, 1, 1) * DAY_MS


@settings(max_examples=60, deadline=None)
@given(near_a_change().filter(recent), st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
def test_the_next_local_time_is_the_first_by_slow_search(near: tuple[str, int], hour: int, of_hour: int) -> None:
    zone, at_ms = near[0], hour * HOUR_MS + of_hour * MINUTE_MS
    t_ms = minute(near[1])
    expected = next(u_ms for u_ms in range(t_ms, t_ms + 4 * DAY_MS, MINUTE_MS) if stands_for(u_ms, at_ms, zone))
    assert next_local_time(t_ms, at_ms, zone) == expected


def stands_for(u_ms: int, at_ms: int, zone: str) -> bool:
    """Whether the instant shows at_ms for the first time that day, or is the first after a gap that holds at_ms."""
    now, ago = local(u_ms, zone), local(u_ms - 1, zone)
    if not any(ago < (day, at_ms) <= now for day in (ago[0], ago[0] + 1, now[0])):
        return False
    return all(local(u_ms - back, zone) < now for back in range(MINUTE_MS, 26 * HOUR_MS, 10 * MINUTE_MS))


@settings(max_examples=80, deadline=None)
@given(
    near_a_change().filter(recent),
    st.tuples(st.integers(0, 95), st.integers(0, 95)).filter(lambda pair: pair[0] != pair[1]),
)
def test_quiet_ends_at_the_first_instant_by_slow_search(near: tuple[str, int], quarters: tuple[int, int]) -> None:
    zone, (from_ms, to_ms) = near[0], (quarters[0] * 15 * MINUTE_MS, quarters[1] * 15 * MINUTE_MS)
    t_ms = minute(near[1]) - 1
    expected = next(
        u_ms for u_ms in range(t_ms + 1, t_ms + 4 * DAY_MS, MINUTE_MS) if not is_quiet(u_ms, from_ms, to_ms, zone)
    )
    found = not_quiet_after(t_ms, from_ms, to_ms, zone)
    assert found == expected
    assert not is_quiet(found, from_ms, to_ms, zone)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        # The clocks go from 03:00 to 04:00 on 29 March, back from 04:00 to 03:00 on 25 October.
        ("2026-03-28T22:30+02:00", "2026-03-29T09:00+03:00"),
        ("2026-10-24T22:30+03:00", "2026-10-25T09:00+02:00"),
    ],
)
def test_a_night_with_a_change(now: str, until: str) -> None:
    assert not_quiet_after(at(now), 21 * HOUR_MS, 9 * HOUR_MS, "Europe/Riga") == at(until)


def test_quiet_that_ends_in_a_gap_ends_after_it() -> None:
    end = not_quiet_after(at("2026-03-29T01:00+02:00"), 0, 3 * HOUR_MS + 30 * MINUTE_MS, "Europe/Riga")
    assert end == at("2026-03-29T04:00+03:00")


def test_quiet_in_a_doubled_hour_goes_by_the_wall_clock() -> None:
    # Quiet 03:30 to 05:00; the wall clock falls back to 03:00 at 04:00, so half an hour is not quiet.
    quiet = (3 * HOUR_MS + 30 * MINUTE_MS, 5 * HOUR_MS, "Europe/Riga")
    assert not_quiet_after(at("2026-10-25T03:45+03:00"), *quiet) == at("2026-10-25T03:00+02:00")
    assert not_quiet_after(at("2026-10-25T03:30+02:00"), *quiet) == at("2026-10-25T05:00+02:00")


def test_a_day_that_apia_skipped() -> None:
    midnight = at("2011-12-31T00:00+14:00")
    assert instant(day_of(2011, 12, 30), 10 * HOUR_MS, "Pacific/Apia") == midnight
    assert local(midnight - 1, "Pacific/Apia") == (day_of(2011, 12, 29), DAY_MS - 1)
    assert local(midnight, "Pacific/Apia") == (day_of(2011, 12, 31), 0)


def test_names() -> None:
    assert is_zone("Europe/Riga")
    assert not is_zone("europe/riga")
    assert not is_zone("../../etc/passwd")
    assert not is_zone("")
    with pytest.raises(KeyError):
        local(0, "Mars/Olympus")


def test_the_system_has_no_say() -> None:
    """With no zones of the system's own, and another TZ, the answer is the same."""
    code = "from events.zones import local; print(local(1_774_746_000_000, 'Europe/Riga'))"
    environment = {"PYTHONTZPATH": "", "TZ": "Asia/Tokyo", "PATH": ""}
    root = str(files("events").joinpath(".."))
    printed = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, check=True)
    assert printed.stdout.decode().strip() == str(local(1_774_746_000_000, "Europe/Riga"))


def test_nothing_is_read_once_zones_are_loaded() -> None:
    code = """
import sys
from events import zones
zones.load_zones()
def refuse(name, arguments):
    if name == 'open' or name.startswith(('socket', 'os.', 'subprocess', 'import')):
        raise SystemExit(f'{name} {arguments}')
sys.addaudithook(refuse)
for zone in list(zones.load_zones()):
    for t_ms in (-62_135_596_800_000, 0, 1_774_746_000_000, 253_402_300_799_999):
        day, _ = zones.local(t_ms, zone)
        zones.instant(day, 7_200_000, zone)
        zones.next_local_time(t_ms, 36_000_000, zone)
        zones.not_quiet_after(t_ms, 75_600_000, 32_400_000, zone)
"""
    root = str(files("events").joinpath(".."))
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr.decode()) == (0, "")


def test_zones_are_those_of_the_package() -> None:
    assert len(ZONES) > 400
    assert all(isinstance(zone, ZoneInfo) for zone in load_zones().values())
