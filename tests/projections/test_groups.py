"""Segments that look for a text are sorted into groups by it: nothing of what they say may depend on that."""

from __future__ import annotations

from random import Random

import pytest

from tests.projections.lives import DAY, HOUR, START, Life, at, program, quoted
from tests.projections.test_index import quiet_between

SEGMENTS, IN_GROUPS = 22, 12
TEXTS = ("a", "b", "c")
TRAITS = """
traits:
  orders: {count: order_completed}
  orders_2d: {count: order_completed, within: 2d}
  spend_3d: {sum: order_completed.total, within: 3d}
  lowest_2d: {min: order_completed.total, within: 2d}
  last_order_at: {last_at: order_completed}
  last_view_at: {last_at: page_viewed}
  bought: {set: order_completed.items.category}
  bought_2d: {set: order_completed.items.category, within: 2d}
  store: {last: order_completed.store_id}
  favourite: {top: order_completed.items.category, half_life: 1d}
  favourite_2d: {top: order_completed.items.category, within: 2d}
  average: {formula: spend_3d / orders_2d}
  absence: {formula: days_since(last_order_at) - orders}
"""
ATOMS = (
    "orders >= {n}",
    "orders_2d > {n}",
    "orders_2d == {n}",
    "spend_3d < {n}",
    "spend_3d != {n}",
    "lowest_2d <= {n}",
    "lowest_2d is null",
    "average > {n}",
    "average is not null",
    "average == {n}",
    "days_since(last_order_at) > {n}",
    "hours_since(last_view_at) <= {n}0",
    "days_since(last_view_at) == {n}",
    "days_since(last_order_at) > orders_2d",
    "absence >= {n}",
    "max(absence, hours_since(last_view_at) - {n}) > 3",
    "'{x}' in bought",
    "'{x}' not in bought_2d",
    "store == '{x}'",
    "favourite == '{x}'",
    "favourite_2d == '{x}'",
    "favourite_2d != '{x}'",
    "profile.city in ['{x}', 'z']",
    "profile.city != '{x}'",
    "profile.city is null",
    "len(bought_2d) == {n}",
)
SELECTORS = ("profile.city", "store", "favourite", "favourite_2d")


def an_atom(random: Random) -> str:
    return random.choice(ATOMS).format(n=random.randrange(5), x=random.choice(TEXTS))


def a_condition(random: Random) -> str:
    shape = random.choice(["{0}", "{0} and {1}", "{0} or {1}", "not {0}", "{0} and ({1} or {2})"])
    return shape.format(*(an_atom(random) for _ in range(3)))


def a_rulebook(random: Random, segments: int) -> str:
    """Enough segments that look for a text to make groups of, and some that do not; some read others."""
    selector = random.choice(SELECTORS)
    lines = [TRAITS, "segments:"]
    for number in range(segments):
        when = a_condition(random)
        if number < IN_GROUPS:
            when = f"{selector} == '{random.choice(TEXTS)}' and ({when})"
        if number > IN_GROUPS // 2 and random.random() < 0.4:
            when = f"({when}) and {random.choice(['', 'not '])}s{random.randrange(number)}"
        leaves = f", leaves_when: {quoted(a_condition(random))}" if random.random() < 0.35 else ""
        lines.append(f"  s{number}: {{when: {quoted(when)}{leaves}}}")
    read = random.randrange(min(segments, IN_GROUPS // 2))
    lines.append(f"dimensions:\n  d: [{{one: s{read} and orders > 1}}, {{two: store == 'a'}}, {{three: else}}]")
    return "\n".join(lines)


def an_event(random: Random, life: Life, now: int) -> None:
    late, x = random.choice([0, 0, 0, 1, HOUR, DAY, 3 * DAY]), random.choice([*TEXTS, None])
    kind = random.random()
    if kind < 0.6:
        items = [{"sku": "s", "category": random.choice([*TEXTS, None])} for _ in range(random.randrange(3))]
        life.order(
            now, random.choice([-1, 0, 1, 2, 2, 3, 4, 2.000001, 1.999999]), late_by=late, items=items, store_id=x
        )
    elif kind < 0.8:
        life.event("profile_updated", now, late_by=late, city=x)
    else:
        life.event("page_viewed", now, late_by=late, url="u")


def lived(seed: int, events: int, segments: int = SEGMENTS) -> int:
    """Live the same through both programs; gives how many transitions there were."""
    random = Random(seed)
    text = a_rulebook(random, segments)
    lives, now = [Life(program(text)), Life(program(text, plain=True))], START
    for _ in range(events):
        now += random.choice([0, 1, HOUR, 5 * HOUR, DAY // 2, DAY, DAY + 1, 2 * DAY, 3 * DAY])
        if lives[0].now:
            quiet_between(lives[0], now, random, 1)
        drawn = random.getrandbits(32)
        for life in lives:
            an_event(Random(drawn), life, now)
    quiet_between(lives[0], now + 9 * DAY, random, 5)
    lives[1].until(now + 9 * DAY)
    assert lives[0].moved == lives[1].moved, seed
    assert lives[0].evidence == lives[1].evidence, seed
    return len(lives[0].moved)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 160, 10))
def test_groups_change_nothing(first: int) -> None:
    assert sum(lived(seed, 40) for seed in range(first, first + 10)) > 500


def test_a_few_rulebooks_in_groups() -> None:
    assert sum(lived(seed, 30) for seed in range(3)) > 100


@pytest.mark.parametrize("segments", [2, 3, 5])
def test_what_only_groups_ask_is_not_missed(segments: int) -> None:
    """No segment outside of the groups waits for what theirs wait for."""
    assert sum(lived(seed, 12, segments) for seed in range(25)) > 100


BY_CITY = """
traits:
  orders_3d: {count: order_completed, within: 3d}
  last_order_at: {last_at: order_completed}
segments:
  idle: {when: "profile.city == 'riga' and orders_3d == 0"}
  day: {when: "profile.city == 'oslo' and days_since(last_order_at) > 1"}
  five: {when: "profile.city == 'oslo' and days_since(last_order_at) > 5"}
"""


def test_who_comes_to_a_group_waits_for_what_leaves_a_window_then() -> None:
    life = Life(BY_CITY).order(START).event("profile_updated", START + DAY, city="riga")
    assert life.until(START + 9 * DAY).moves("idle") == [(START + 3 * DAY, True)]


def test_a_late_event_is_waited_for_at_the_ages_that_are_yet_to_come() -> None:
    life = Life(BY_CITY).event("profile_updated", START, city="oslo").order(START + 4 * DAY, late_by=2 * DAY)
    assert life.until(START + 9 * DAY).moves("day") == [(START + 4 * DAY, True)]
    assert life.moves("five") == [(START + 7 * DAY + 1, True)]


def test_the_text_that_sorts_into_groups_may_leave_a_window() -> None:
    by_taste = """
traits:
  taste: {top: order_completed.items.category, within: 3d}
segments:
  cats: {when: taste == 'cat'}
  dogs: {when: taste == 'dog'}
"""
    life = Life(by_taste).order(START, items=[{"sku": "s", "category": "cat"}]).until(START + 9 * DAY)
    assert life.moves("cats") == [(START, True), (START + 3 * DAY, False)]


@pytest.mark.parametrize("group", ["", "profile.city == 'riga' and "])
def test_an_age_ends_where_its_instant_becomes_null(group: str) -> None:
    by_age = f"""
profile: {{joined: time}}
segments:
  old: {{when: "{group}days_since(profile.joined) > 2"}}
  near: {{when: "{group}days_since(profile.joined) > -3"}}
  sea: {{when: "{group}profile.language == 'lv'"}}
"""
    life = Life(by_age).event("profile_updated", START, city="riga", joined="2023-11-10T00:00:00Z")
    life.event("profile_updated", START + DAY, joined=None).event("profile_updated", START + 2 * DAY, city="riga")
    assert life.moves("old") == life.moves("near") == [(START, True), (START + DAY, False)]
    life.event("profile_updated", START + 3 * DAY, joined="2023-11-25T00:00:00Z").until(START + 30 * DAY)
    joined = at("2023-11-25T00:00:00+00:00")
    assert life.moves("old")[2:] == [(joined + 2 * DAY + 1, True)]
    assert life.moves("near")[2:] == [(joined - 3 * DAY + 1, True)]
