"""Comparisons that move with time turn at the first whole millisecond at which they hold, neither before nor after."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from random import Random
from typing import Any

import pytest

from tests.projections.lives import DAY, HOUR, START, Life, at, program, world

AGE = {"last_order_at": "{last_at: order_completed}", "first_order_at": "{first_at: order_completed}"}


def turns(condition: str, until: int = START + 400 * DAY, *, traits: dict[str, str] | None = None) -> list[Any]:
    """(ms after START, whether in) of a segment's turns after one order at START."""
    text = world(AGE | (traits or {}), s=condition)
    found = []
    for plain in (False, True):
        life = Life(program(text, plain=plain)).order(START, 2).until(until)
        found.append([(when - START, now) for when, now in life.moves("s")])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("days_since(last_order_at) >= 45", [(45 * DAY, True)]),
        ("days_since(last_order_at) > 45", [(45 * DAY + 1, True)]),
        ("days_since(last_order_at) < 45", [(0, True), (45 * DAY, False)]),
        ("days_since(last_order_at) <= 45", [(0, True), (45 * DAY + 1, False)]),
        ("days_since(last_order_at) == 45", [(45 * DAY, True), (45 * DAY + 1, False)]),
        ("days_since(last_order_at) != 45", [(0, True), (45 * DAY, False), (45 * DAY + 1, True)]),
        ("45 < days_since(last_order_at)", [(45 * DAY + 1, True)]),
        ("45 >= days_since(last_order_at)", [(0, True), (45 * DAY + 1, False)]),
        ("hours_since(last_order_at) >= 1.5", [(HOUR * 3 // 2, True)]),
        ("hours_since(last_order_at) > 1.5", [(HOUR * 3 // 2 + 1, True)]),
        # A third of a day and of an hour: between two milliseconds, or on one.
        ("days_since(last_order_at) * 3 >= 1", [(DAY // 3, True)]),
        ("hours_since(last_order_at) * 7 > 1", [(HOUR // 7 + 1, True)]),
        ("hours_since(last_order_at) * 7 >= 1", [(HOUR // 7 + 1, True)]),
        ("hours_since(last_order_at) * 7 == 1", []),
        ("days_since(last_order_at) >= 0.000001", [(87, True)]),  # 86.4 ms
        ("days_since(last_order_at) >= 0", [(0, True)]),
        ("days_since(last_order_at) > 0", [(1, True)]),
        ("1 <= days_since(last_order_at) < 3", [(DAY, True), (3 * DAY, False)]),
        ("days_since(last_order_at) > 5 and days_since(last_order_at) < 5", []),
        ("not days_since(last_order_at) > 5", [(0, True), (5 * DAY + 1, False)]),
    ],
)
def test_an_age_turns_at_the_instant(condition: str, expected: list[Any]) -> None:
    assert turns(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("-days_since(last_order_at) <= -45", [(45 * DAY, True)]),
        ("-days_since(last_order_at) < -45", [(45 * DAY + 1, True)]),
        ("days_since(last_order_at) * -2 > -4", [(0, True), (2 * DAY, False)]),
        ("-2 * days_since(last_order_at) >= -4", [(0, True), (2 * DAY + 1, False)]),
        ("10 - days_since(last_order_at) < 3", [(7 * DAY + 1, True)]),
        ("days_since(last_order_at) / -4 < -1", [(4 * DAY + 1, True)]),
        ("1 - hours_since(last_order_at) / 24 <= 0", [(DAY, True)]),
        ("days_since(last_order_at) + hours_since(last_order_at) >= 25", [(DAY, True)]),
        ("hours_since(last_order_at) - days_since(last_order_at) >= 23", [(DAY, True)]),
        ("hours_since(last_order_at) - 24 * days_since(last_order_at) == 0", [(0, True)]),
        ("abs(days_since(last_order_at) - 10) <= 2", [(8 * DAY, True), (12 * DAY + 1, False)]),
        ("abs(days_since(last_order_at) - 10) < 2", [(8 * DAY + 1, True), (12 * DAY, False)]),
        ("abs(days_since(last_order_at) - 10) == 0", [(10 * DAY, True), (10 * DAY + 1, False)]),
        ("min(days_since(last_order_at), 5) >= 5", [(5 * DAY, True)]),
        ("min(days_since(last_order_at), 5) > 5", []),
        ("max(days_since(last_order_at), 5) > 5", [(5 * DAY + 1, True)]),
        ("max(days_since(last_order_at), 5) == 5", [(0, True), (5 * DAY + 1, False)]),
        ("max(7 - days_since(last_order_at), days_since(last_order_at)) < 4", [(3 * DAY + 1, True), (4 * DAY, False)]),
        (
            "max(7 - days_since(last_order_at), days_since(last_order_at)) <= 3.5",
            [(7 * DAY // 2, True), (7 * DAY // 2 + 1, False)],
        ),
        ("min(days_since(last_order_at), 6 - days_since(last_order_at)) > 2", [(2 * DAY + 1, True), (4 * DAY, False)]),
        ("coalesce(nps, days_since(last_order_at)) >= 4", [(4 * DAY, True)]),
        ("coalesce(days_since(last_order_at), nps) >= 4", [(4 * DAY, True)]),
        (
            "(days_since(last_order_at) if days_since(last_order_at) < 2 else 9 - days_since(last_order_at)) > 1",
            [(DAY + 1, True), (8 * DAY, False)],
        ),
        ("days_since(last_order_at) > max(30, 2 * gap)", []),
        ("days_since(last_order_at) > coalesce(gap, 3)", [(3 * DAY + 1, True)]),
        ("days_since(last_order_at) > days_since(first_order_at) + 1", []),
        ("days_since(last_order_at) > 3 or late == true", [(0, True), (2 * DAY + 1, False), (3 * DAY + 1, True)]),
        ("late != (days_since(last_order_at) > 1)", [(0, True), (DAY + 1, False), (2 * DAY + 1, True)]),
    ],
)
def test_a_moving_number_turns_at_the_instant(condition: str, expected: list[Any]) -> None:
    traits = {
        "nps": "{last: survey_answered.score}",
        "gap": "{mean_gap_days: order_completed}",
        "late": '{formula: "days_since(last_order_at) <= 2"}',
    }
    assert turns(condition, traits=traits) == expected


@pytest.mark.parametrize(
    ("total", "condition", "expected"),
    [
        (4, "days_since(last_order_at) / spend >= 2", [(8 * DAY, True)]),
        (-4, "days_since(last_order_at) / spend > -2", [(0, True), (8 * DAY, False)]),
        (-4, "days_since(last_order_at) / spend <= -2", [(8 * DAY, True)]),
        (0, "days_since(last_order_at) / spend <= -2", []),
        (0, "not days_since(last_order_at) / spend <= -2", [(0, True)]),
        (3, "days_since(last_order_at) * spend > 1", [(DAY // 3 + 1, True)]),
        (-3, "days_since(last_order_at) * spend >= -1", [(0, True), (DAY // 3 + 1, False)]),
        (0, "days_since(last_order_at) * spend > 1", []),
        (0.7, "hours_since(last_order_at) / spend >= 10", [(7 * HOUR, True)]),
        (5, "days_since(last_order_at) > spend / orders", [(5 * DAY + 1, True)]),
        (5, "-days_since(last_order_at) / (orders - spend) > 1", [(4 * DAY + 1, True)]),
        (1e-6, "hours_since(last_order_at) * spend >= 0.000003", [(3 * HOUR, True)]),
        (999999999999999, "days_since(last_order_at) * spend > 1", [(1, True)]),
        (999999999999999, "days_since(last_order_at) / spend > 0", [(1, True)]),
        (2, "hours_since(last_order_at) / spend / 3 == 1", [(6 * HOUR, True), (6 * HOUR + 1, False)]),
    ],
)
def test_factors_and_divisors_are_the_customers_own(total: float, condition: str, expected: list[Any]) -> None:
    traits = {"spend": "{sum: order_completed.total}", "orders": "{count: order_completed}"}
    text = world(AGE | traits, s=condition)
    for plain in (False, True):
        life = Life(program(text, plain=plain)).order(START, total).until(START + 100 * DAY)
        assert [(when - START, now) for when, now in life.moves("s")] == expected


def test_an_order_puts_the_absence_off() -> None:
    life = Life(world(AGE, lapsed="days_since(last_order_at) > 45"))
    life.order(START).order(START + 45 * DAY).order(START + 46 * DAY, late_by=3 * DAY)
    life.until(START + 200 * DAY)
    assert life.moves("lapsed") == [(START + 90 * DAY + 1, True)]


def test_an_order_on_the_due_ms_comes_after_what_is_due() -> None:
    life = Life(world(AGE, lapsed="days_since(last_order_at) >= 45"))
    life.order(START).order(START + 45 * DAY)
    assert life.moves("lapsed") == [(START + 45 * DAY, True), (START + 45 * DAY, False)]


def test_an_event_that_arrives_late_may_end_an_age_that_has_begun() -> None:
    life = Life(world(AGE, lapsed="days_since(last_order_at) > 10"))
    life.order(START).order(START + 12 * DAY, late_by=9 * DAY).until(START + 40 * DAY)
    assert life.moves("lapsed") == [
        (START + 10 * DAY + 1, True),
        (START + 12 * DAY, False),
        (START + 13 * DAY + 1, True),
    ]


def test_bands_of_an_age_follow_one_another() -> None:
    text = """
traits: {last_order_at: {last_at: order_completed}}
dimensions:
  recency: {bands: days_since(last_order_at), at: [30, 90.5], names: [fresh, cooling, cold], missing: never}
"""
    life = Life(text).event("page_viewed", START, url="u").order(START + DAY).until(START + 200 * DAY)
    assert life.moves("recency") == [
        (START, "never"),
        (START + DAY, "fresh"),
        (START + 31 * DAY, "cooling"),
        (START + DAY + 90 * DAY + DAY // 2, "cold"),
    ]


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        (None, "2026-03-29T00:00:00+02:00"),
        ("Europe/Riga", "2026-03-29T00:00:00+02:00"),
        ("America/New_York", "2026-03-29T00:00:00-04:00"),
        ("Asia/Kathmandu", "2026-03-29T00:00:00+05:45"),
        ("No/Where", "2026-03-29T00:00:00+02:00"),
    ],
)
def test_a_date_stands_for_midnight_where_the_customer_lives(zone: str | None, midnight: str) -> None:
    conditions = {
        "before": "last_order_at < profile.birthday",
        "passed": "hours_since(profile.birthday) >= 24",
        "ahead": "days_since(profile.birthday) < 0",
    }
    text = world(AGE, **conditions) + "policy: {time_zone: Europe/Riga}\n"
    day = at(midnight)
    life = Life(text).event("profile_updated", day - 3 * DAY, birthday="2026-03-29", time_zone=zone)
    life.order(day - 1).until(day).order(day).until(day + 3 * DAY)
    assert life.moves("before") == [(day - 1, True), (day, False)]
    assert life.moves("passed") == [(day + DAY, True)]
    assert life.moves("ahead") == [(day - 3 * DAY, True), (day, False)]


def test_a_move_to_another_zone_moves_the_date() -> None:
    text = world({}, old="hours_since(profile.birthday) >= 0")
    riga, tokyo = at("2026-06-01T00:00:00+03:00"), at("2026-06-01T00:00:00+09:00")
    life = Life(text).event("profile_updated", riga - DAY, birthday="2026-06-01", time_zone="Europe/Riga")
    life.event("profile_updated", tokyo - HOUR, time_zone="Asia/Tokyo").until(tokyo)
    life.event("profile_updated", tokyo + HOUR, time_zone="Europe/Riga").until(riga + DAY)
    assert life.moves("old") == [(tokyo, True), (tokyo + HOUR, False), (riga, True)]


def test_ages_of_the_window_are_constant_between_its_own_due_instants() -> None:
    traits = AGE | {"orders_3d": "{count: order_completed, within: 3d}"}
    life = Life(world(traits, s="days_since(last_order_at) > orders_3d"))
    life.order(START).order(START + DAY).until(START + 30 * DAY)
    # One order: over a day; two: more than two days, reached at 3 d + 1, but at 3 d the first left and 2 > 1.
    assert life.moves("s") == [(START + 3 * DAY, True)]


PIECES = ["days_since(a)", "hours_since(b) / 24", "2", "spend", "-1.5", "days_since(b)"]


def random_moving(random: Random, depth: int = 3) -> str:
    """A number that may move, as the language allows it."""
    if depth == 0 or random.random() < 0.2:
        return random.choice(PIECES)
    inner = [random_moving(random, depth - 1) for _ in range(3)]
    return random.choice(
        [
            "({0} + {1})",
            "({0} - {1})",
            "min({0}, {1})",
            "max({0}, {1}, {2})",
            "abs({0})",
            "(-{0})",
            "({0} * spend)",
            "({0} / spend)",
            "({0} * -0.7)",
            "coalesce({0}, {1})",
            "({0} if {1} > 1 else {2})",
        ]
    ).format(*inner)


@pytest.mark.parametrize("seed", range(40))
def test_what_a_moving_comparison_says_changes_at_announced_instants_only(seed: int) -> None:
    """At any instant between two announced ones a condition says what it said at the last."""
    random = Random(seed)
    traits = {
        "a": "{last_at: order_completed}",
        "b": "{last_at: page_viewed}",
        "spend": "{last: order_completed.total}",
    }
    comparisons = ["<", "<=", ">", ">=", "==", "!="]
    conditions = {
        f"s{number}": f"{random_moving(random)} {random.choice(comparisons)} {random_moving(random)}"
        for number in range(5)
    }
    life = Life(world(traits, **conditions))
    life.order(START, random.choice([-3, 0, 2, 0.5]))
    if random.random() < 0.8:
        life.event("page_viewed", START + random.randrange(5 * DAY), url="u")
    end = life.now + 60 * DAY
    while life.now < end:
        upto = min(life.state.queued, end)
        instants = {upto - 1, *(random.randrange(life.now, upto) for _ in range(6))}
        for instant in sorted(instants - {life.now - 1}):
            assert not life.seen_at(instant), (instant - START, conditions)
        life.until(upto)


def test_fractions_of_a_millisecond_are_no_matter_of_doubles() -> None:
    """Of 97 parts of an hour each begins at the first whole ms after it."""
    conditions = {f"s{n}": f"hours_since(last_order_at) * 97 >= {n}" for n in range(1, 98)}
    life = Life(world(AGE, **conditions)).order(START).until(START + 2 * HOUR)
    begins = {name: when - START for when, name, _, _ in life.moved}
    assert begins == {f"s{n}": ceil(Fraction(n * HOUR, 97)) for n in range(1, 98)}
