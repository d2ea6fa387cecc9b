"""Calendar days as integers: days since 1970-01-01 of the Gregorian calendar, before and after it alike."""

from __future__ import annotations

import calendar
import re
from datetime import date

# The calendar, weekdays included, repeats after 400 years; so do the zones' rules, from their last written year on.
CYCLE_DAYS = 146_097
CYCLE_YEARS = 400

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_FIRST_DAY = date.min.toordinal() - _EPOCH_ORDINAL
_LAST_DAY = date.max.toordinal() - _EPOCH_ORDINAL
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)


def day_of(year: int, month: int, day_of_month: int) -> int:
    """The day of a date in the years 1 to 9999; raises ValueError for one that does not exist."""
    return date(year, month, day_of_month).toordinal() - _EPOCH_ORDINAL


def civil(day: int) -> tuple[int, int, int]:
    """(year, month, day of the month) of any day."""
    cycles = 0
    if day > _LAST_DAY:
        cycles = (day - _LAST_DAY + CYCLE_DAYS - 1) // CYCLE_DAYS
    elif day < _FIRST_DAY:
        cycles = -((_FIRST_DAY - day + CYCLE_DAYS - 1) // CYCLE_DAYS)
    found = date.fromordinal(day - cycles * CYCLE_DAYS + _EPOCH_ORDINAL)
    return found.year + cycles * CYCLE_YEARS, found.month, found.day


def parse_date(text: str) -> int:
    """The day written `YYYY-MM-DD`; raises ValueError saying what a date must be and what was found."""
    written = _DATE.fullmatch(text)
    try:
        if written is not None:
            return day_of(int(written[1]), int(written[2]), int(written[3]))
    except ValueError:
        pass
    raise ValueError(f"a date must be an existing day written YYYY-MM-DD; found {text!r:.60}")


def date_text(day: int) -> str:
    """The day as `YYYY-MM-DD`; years past 9999 have more digits."""
    year, month, day_of_month = civil(day)
    return f"{year:04d}-{month:02d}-{day_of_month:02d}"


def last_day_of_month(day: int) -> int:
    """The last day of the month that the day is in."""
    year, month, day_of_month = civil(day)
    return day - day_of_month + calendar.monthrange(year % CYCLE_YEARS + CYCLE_YEARS, month)[1]
