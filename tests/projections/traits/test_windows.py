"""Windows, sets and lists keep what a plain list of all events would say, whatever comes late."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.expressions.runtime import NEVER
from projections.traits.windowed import count_exit, first_exit, sum_exit
from projections.traits.windows import (
    add_recent,
    add_value,
    add_weight,
    cut,
    decay,
    expire_values,
    insert_extreme,
    insert_instant,
    insert_pair,
    top_of,
    top_of_window,
)
from tests.projections.lives import DAY, HOUR, START, Life, world

TIMES = st.lists(st.tuples(st.integers(0, 12), st.integers(-5, 5)), max_size=30)


@given(TIMES)
def test_instants_and_pairs_stand_in_order_of_time_then_of_arrival(entries: list[tuple[int, int]]) -> None:
    instants: list[int] = []
    pairs: list[int] = []
    for o, x in entries:
        insert_instant(instants, o)
        insert_pair(pairs, 0, o, x)
    assert instants == sorted(o for o, _ in entries)
    assert list(zip(pairs[::2], pairs[1::2], strict=True)) == sorted(entries, key=lambda entry: entry[0])


@given(TIMES, st.integers(0, 12))
def test_an_extreme_is_that_of_what_has_not_left(entries: list[tuple[int, int]], gone: int) -> None:
    window: list[int] = []
    for o, x in entries:
        insert_extreme(window, 0, o, x)
    head = 0
    while head < len(window) and window[head] <= gone:
        head += 2
    inside = [x for o, x in entries if o > gone]
    assert (window[head + 1] if head < len(window) else None) == max(inside, default=None)
    values = window[1::2]
    assert values == sorted(set(values), reverse=True)


def test_a_late_pair_goes_in_behind_the_head() -> None:
    window = [1, 10, 2, 20, 5, 50]
    insert_pair(window, 4, 3, 30)
    assert window == [1, 10, 2, 20, 3, 30, 5, 50]
    insert_extreme(window, 4, 4, 40)  # surpassed by a later one
    assert window == [1, 10, 2, 20, 3, 30, 5, 50]
    insert_extreme(window, 4, 4, 60)  # takes over from 30, but never reaches before the head
    assert window == [1, 10, 2, 20, 4, 60, 5, 50]


@pytest.mark.parametrize(("size", "head", "left", "new_head"), [(6, 2, 6, 2), (6, 3, 6, 3), (6, 4, 2, 0), (6, 6, 0, 0)])
def test_a_list_is_cut_when_more_than_half_of_it_is_dead(size: int, head: int, left: int, new_head: int) -> None:
    window = list(range(size))
    assert cut(window, head) == new_head
    assert window == list(range(size))[size - left :]


def test_exits_that_cross_a_cut() -> None:
    window = [9, 9, 10, 11, 12, 13]
    assert first_exit(window, 2) == 10
    assert first_exit(window, 6) == NEVER
    assert count_exit(window, 2, [3]) == 11  # from 4 to 2 when the entry of 11 leaves
    assert count_exit(window, 2, [1, 4]) == 10
    assert count_exit(window, 2, [0, 5]) == NEVER
    pairs = [10, 5, 11, 1, 12, 4]
    assert sum_exit(pairs, 0, 10, [5]) == 11
    assert sum_exit(pairs, 0, 10, [20]) == NEVER
    assert sum_exit([*range(100)], 0, 10**6, [1]) <= 34  # early rather than a long walk


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 6)), max_size=40), st.integers(1, 4))
def test_a_set_keeps_those_whose_latest_is_newest(entries: list[tuple[str, int]], limit: int) -> None:
    latest: dict[Any, tuple[int, int]] = {}
    changed: list[str] = []
    for order, (x, o) in enumerate(entries):
        add_value(latest, x, (o, order), limit, changed)
    newest: dict[str, tuple[int, int]] = {}
    for order, (x, o) in enumerate(entries):
        newest[x] = max((o, order), newest.get(x, (o, order)))
    assert latest == dict(sorted(newest.items(), key=lambda item: item[1])[-limit:])
    assert {x for x, times in Counter(changed).items() if times % 2} == set(latest)


def test_of_equal_instants_the_later_in_the_log_is_newer() -> None:
    latest: dict[Any, tuple[int, int]] = {}
    for order, x in enumerate("abc"):
        add_value(latest, x, (7, order), 2, [])
    assert set(latest) == {"b", "c"}
    changed: list[str] = []
    add_value(latest, "a", (6, 9), 2, changed)  # late, older than both: comes and goes
    assert set(latest) == {"b", "c"}
    assert changed == ["a", "a"]
    add_value(latest, "b", (8, 10), 2, changed)
    add_value(latest, "d", (7, 11), 2, changed)
    assert set(latest) == {"b", "d"}


def test_values_leave_by_their_latest_occurrence() -> None:
    latest = {"a": (5, 0), "b": (6, 1), "c": (6, 2)}
    changed: list[str] = []
    assert expire_values(latest, 5, changed) == 6
    assert (latest, changed) == ({"b": (6, 1), "c": (6, 2)}, ["a"])
    assert expire_values(latest, 6, changed) == NEVER
    assert latest == {}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), max_size=20), st.integers(1, 4))
def test_recent_are_the_last_in_time(entries: list[tuple[int, int]], limit: int) -> None:
    at: list[int] = []
    order: list[int] = []
    values: list[int] = []
    for k, (o, x) in enumerate(entries):
        add_recent(at, order, values, (o, k, x), limit)
    last = sorted(((o, k, x) for k, (o, x) in enumerate(entries)), key=lambda entry: entry[:2])[-limit:]
    assert list(zip(at, order, values, strict=True)) == last


def test_weights_decay_by_halves() -> None:
    sums: dict[Any, tuple[float, float, int]] = {}
    for o, x in ((0, "old"), (DAY, "new")):
        factor, exponent = decay(o, DAY)
        add_weight(sums, x, factor, exponent)
    assert top_of(sums) == "new"
    factor, exponent = decay(0, DAY)
    add_weight(sums, "old", factor * 1.0, exponent)
    assert top_of(sums) == "new"  # 2 x 1/2 is a tie, and n comes before o
    add_weight(sums, "old", factor * 1e-6, exponent)
    assert top_of(sums) == "old"


def test_a_thousand_half_lives_do_not_overflow() -> None:
    sums: dict[Any, tuple[float, float, int]] = {}
    for o in (0, 10_000, 1_700_000_000_000):
        factor, exponent = decay(o, 1)
        add_weight(sums, str(o), factor, exponent)
        add_weight(sums, "all", factor, exponent)
    assert top_of(sums) == "1700000000000"


@pytest.mark.parametrize(
    ("sums", "top"),
    [
        ({}, None),
        ({"a": (0.0, 4.0, 0)}, None),
        ({"a": (-1.0, 1.0, 0), "b": (1e-10, 1.0, 0)}, None),
        ({"b": (1.0, 1.0, 0), "a": (1.0 - 1e-12, 1.0, 0)}, "a"),
        ({"b": (1.0, 1.0, 0), "a": (1.0 - 1e-6, 1.0, 0)}, "b"),
        ({"b": (1.0, 1.0, 1), "a": (2.0, 2.0, 0)}, "a"),
        ({"\U0001f600": (1.0, 1.0, 0), "\uffff": (1.0, 1.0, 0)}, "\uffff"),  # by code points
    ],
)
def test_what_competes_and_what_ties(sums: Any, top: str | None) -> None:
    assert top_of(sums) == top


def test_a_windows_top_is_summed_afresh() -> None:
    window = [(1, 0, "a", 1.0), (2, 0, "b", 0.5), (3, 0, "b", 0.6)]
    assert top_of_window(window, None) == "b"
    assert top_of_window(window[:2], None) == "a"
    assert top_of_window([], 5) is None


# ---------------------------------------------------------------- compiled
def test_an_event_leaves_at_its_instant_plus_the_window() -> None:
    life = Life(
        world({"orders_3d": "{count: order_completed, within: 3d}"}, some="orders_3d > 0", two="orders_3d == 2")
    )
    life.order(START).order(START + HOUR, late_by=2 * HOUR).until(START + 9 * DAY)
    assert life.moves("some") == [(START, True), (START + 3 * DAY, False)]
    assert life.moves("two") == [(START + HOUR, True), (START - HOUR + 3 * DAY, False)]


def test_an_event_that_comes_after_its_window_ended_never_counts() -> None:
    life = Life(world({"spend_1d": "{sum: order_completed.total, within: 1d}"}, some="spend_1d > 0"))
    life.order(START, 5, late_by=DAY)
    assert life.moves("some") == []
    life.order(START + 1, 5, late_by=DAY - 1)
    assert life.moves("some") == [(START + 1, True)]
    life.until(START + DAY)
    assert life.moves("some") == [(START + 1, True), (START + 2, False)]


def test_an_event_of_the_future_counts_from_now() -> None:
    life = Life(world({"spend_1d": "{sum: order_completed.total, within: 1d}"}, some="spend_1d > 0"))
    life.order(START, 5, late_by=-10 * DAY).until(START + 20 * DAY)
    assert life.moves("some") == [(START, True), (START + DAY, False)]


@pytest.mark.parametrize(
    ("definition", "value", "with_late_ones"),
    [
        ("{count: order_completed, within: 10h}", 10, 11),
        ("{sum: order_completed.total, within: 10h}", 9955, 14955),
        ("{mean: order_completed.total, within: 10h}", Fraction(1991, 2), Fraction(14955, 11)),
        ("{min: order_completed.total, within: 10h}", 991, 991),
        ("{max: order_completed.total, within: 10h}", 1000, 5000),
    ],
)
def test_a_head_that_is_cut_many_times(definition: str, value: Any, with_late_ones: Any) -> None:
    life = Life(world({"w": definition}, full="w >= 10"))
    longest = 0
    for hour in range(1, 1001):
        life.order(START + hour * HOUR, hour)
        longest = max(longest, len(life.state.w__w))
    assert life.trait("w") == value
    assert longest <= 42  # twice what is alive
    now = START + 1000 * HOUR
    life.order(now, 5000, late_by=9 * HOUR).order(now, -7000, late_by=10 * HOUR - 1).until(now + HOUR - 1)
    assert life.trait("w") == with_late_ones
