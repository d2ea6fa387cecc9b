"""Instants as publishers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.times import END_MS, instant_text, parse_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def by_datetime(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS))  # noqa: DTZ001 - zones are given
def test_iso_text_is_what_datetime_reads(moment: datetime) -> None:
    assert parse_instant(moment.isoformat()) == parse_instant(moment) == by_datetime(moment)
    assert parse_instant(moment.isoformat(sep=" ", timespec="seconds")) == by_datetime(moment.replace(microsecond=0))


@given(st.integers(-(10**14), END_MS - 1).filter(lambda t_ms: t_ms >= -62_135_596_800_000))
@example(0)
@example(END_MS - 1)
@example(-62_135_596_800_000)
def test_what_is_shown_reads_back(t_ms: int) -> None:
    assert parse_instant(instant_text(t_ms)) == t_ms
    assert parse_instant(t_ms) == t_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00", 0),
        ("1970-01-01 00:00:00.0019999", 1),
        ("1970-01-01T02:00+02", 0),
        ("1970-01-01T02:00+0200", 0),
        ("1970-01-01T02:00:00,5 +02:00", 500),
        ("1969-12-31t23:30:00-00:30", 0),
        ("1970-01-01T00:00:00z", 0),
    ],
)
def test_forms_of_iso_8601(text: str, ms: int) -> None:
    assert parse_instant(text) == ms


@pytest.mark.parametrize(
    "value",
    ["", "now", "1767225600000", "2026-02-30T10:00Z", "2026-01-01T24:00Z", "2026-01-01T10:60Z", "2026-01-01T10:00:60Z",
     "2026-01-01T10:00+24:00", "2026-01-01T10:00+02:60", "2026-W01-1", "20260101T100000", "2026-01-01T", "0000-01-01",
     "2026-01-01T10:00Z\n", "٢٠٢٦-01-01", "10000-01-01", 1.5, 1e12, True, None, [], {}, b"2026-01-01"],
)  # fmt: skip
def test_all_else_is_refused_with_what_must_be(value: object) -> None:
    with pytest.raises(ValueError, match="must be an instant: ISO 8601 like .* or integer milliseconds"):
        parse_instant(value)


def test_a_datetime_without_a_zone_is_utc() -> None:
    assert parse_instant(datetime(1970, 1, 2)) == 86_400_000  # noqa: DTZ001 - that is what is tested
