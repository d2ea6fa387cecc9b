"""Durations as written in rulebooks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.durations import DAY_MS, LONGEST_MS, duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("45s", 45_000),
        ("90m", 5_400_000),
        ("36h", 129_600_000),
        ("14d", 14 * DAY_MS),
        ("2w", 14 * DAY_MS),
        ("1d12h", 129_600_000),
        ("1w1d1h1m1s", 694_861_000),
        ("0s", 0),
        ("007d", 7 * DAY_MS),
    ],
)
def test_what_is_written_is_read(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text",
    ["", " ", "14", "d", "14 d", " 14d", "14d ", "14D", "1h1d", "1d1d", "-1d", "+1d", "1.5d", "14dd", "٣d", "1d\n"],
)
def test_all_else_is_refused_with_what_must_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be like 45s, 90m, 36h, 14d, 2w, or a sum like 1d12h; found"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("14", "a unit is missing"),
        ("14 days", "write 14d"),
        ("90 min", "write 90m"),
        ("2 Weeks", "write 2w"),
        ("12h1d", "the largest first"),
    ],
)
def test_the_refusal_says_what_was_meant(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_duration(text)


@pytest.mark.parametrize("text", ["99999999w", "999999999999999d", "9" * 5000 + "d"])
def test_what_is_absurdly_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be at most 10,000 years, 3660000d; found"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0s"), (7 * DAY_MS, "1w"), (10 * DAY_MS, "10d"), (129_600_000, "1d12h"), (-1_500, "-1s500ms")]
)
def test_durations_are_shown_as_people_write_them(ms: int, text: str) -> None:
    assert duration_text(ms) == text


@given(st.integers(0, LONGEST_MS // 1000))
def test_what_is_shown_reads_back(seconds: int) -> None:
    assert parse_duration(duration_text(seconds * 1000)) == seconds * 1000
