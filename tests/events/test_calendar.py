"""Days, dates and ends of months."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.calendar import CYCLE_DAYS, civil, date_text, day_of, last_day_of_month, parse_date


@given(st.dates())
@example(date.min)
@example(date.max)
def test_days_are_those_of_datetime(when: date) -> None:
    day = (when - date(1970, 1, 1)).days
    assert parse_date(when.isoformat()) == day == day_of(when.year, when.month, when.day)
    assert date_text(day) == when.isoformat()
    assert civil(day) == (when.year, when.month, when.day)
    last = civil(last_day_of_month(day))
    assert last[:2] == (when.year, when.month)
    if last != (9999, 12, 31):
        assert (date(*last) + timedelta(days=1)).day == 1


@given(st.integers(-(10**7), 10**7))
def test_the_calendar_goes_on_beyond_what_datetime_knows(day: int) -> None:
    year, month, day_of_month = civil(day)
    assert civil(day + CYCLE_DAYS) == (year + 400, month, day_of_month)
    assert civil(last_day_of_month(day) + 1)[2] == 1
    assert 0 <= last_day_of_month(day) - day < 31


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "2026-1-1", "20260101", " 2026-01-01", "2026-01-01 ",
     "2026-01-01T00:00", "٢٠٢٦-01-01", "-2026-01-01", "2026-01-01\n"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an existing day written YYYY-MM-DD"):
        parse_date(text)
