"""The evaluator judges the engine, so it is judged by hand: histories small enough to work out on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.evaluator.clock import first_at, instant, load, quiet_ends
from tests.evaluator.decisions import customers_of
from tests.evaluator.generate import generate
from tests.evaluator.judge import judge
from tests.evaluator.model import (
    DAY_MS,
    HOUR_MS,
    Activation,
    Cap,
    Case,
    Dimension,
    Event,
    Expr,
    On,
    Policy,
    Rulebook,
    Segment,
    Tick,
    Trait,
    Trigger,
)
from tests.evaluator.world import World
from tests.simulation.agreement.comparison import disagreements
from tests.simulation.agreement.engine_side import run_engine

ORDERS = Trait(kind="count", value="number", nullable=False, types=("order_completed",))
BOUGHT = Trait(
    kind="set",
    value="set:text",
    nullable=False,
    types=("order_completed",),
    path="order_completed.items.category",
)
LAST_ORDER = Trait(kind="last_at", value="time", nullable=True, types=("order_completed",))
SPEND_1D = Trait(
    kind="sum", value="number", nullable=False, types=("order_completed",), path="order_completed.total", within=DAY_MS
)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def order(id_: str, when: int, *categories: str, total: Any = 1, late_by: int = 0) -> Event:
    items = [{"sku": category, "category": category} for category in categories]
    data = {"order_id": id_, "total": total, "items": items}
    return event("order_completed", id_, when, late_by=late_by, **data)


def event(type_: str, id_: str, when: int, late_by: int = 0, **data: Any) -> Event:
    return Event(customer="ann", id=id_, type=type_, occurred_at_ms=when - late_by, appended_at_ms=when, data=data)


def profile(when: int, **fields: Any) -> Event:
    return event("profile_updated", f"profile-{when}", when, **fields)


def consent(when: int, channel: str = "email") -> Event:
    return event("consent_changed", f"c{when}", when, channel=channel, purpose="marketing", granted=True)


def book(order_: Sequence[str] = (), **parts: Any) -> Rulebook:
    names = [*parts.get("segments", {}), *parts.get("dimensions", {})]
    return Rulebook(evaluation_order=tuple(order_ or names), **parts)


def case(rulebook: Rulebook, *records: Event | Tick | Activation, then: Rulebook | None = None) -> Case:
    """A history under one rulebook from its start on."""
    first = Activation(appended_at_ms=records[0].appended_at_ms, rulebook=0)
    books = (rulebook,) if then is None else (rulebook, then)
    return Case(seed=0, rulebooks=books, records=(first, *records))


def moves(of: Case) -> list[tuple[str, str | None, str, int, str]]:
    return [(m.name, m.before, m.after, m.at_ms, m.cause) for m in judge(of).transitions["ann"]]


def decided(of: Case) -> list[tuple[str, str, int]]:
    return [(d.kind, d.reason, d.at_ms) for d in judge(of).decisions["ann"]]


def one_segment(when: Expr, leaves_when: Expr | None = None, **traits: Trait) -> Rulebook:
    return book(traits=traits, segments={"s": Segment(when=when, leaves_when=leaves_when)})


def trigger(**fields: Any) -> Trigger:
    given = {"on": On(kind="enters", name="s"), "template": "plain", "channels": ("email",), **fields}
    return Trigger(**given)


def test_the_cat_scenario() -> None:
    bought_at = at("2026-10-20T15:12:00+03:00")
    rulebook = book(
        traits={"bought": BOUGHT},
        segments={"s": Segment(when=("in", ("text", "cat_furniture"), ("trait", "bought")))},
        triggers={"thanks": trigger(after=14 * DAY_MS, at=600, once="per_customer")},
        policy=Policy(time_zone="UTC"),
    )
    history = case(
        rulebook,
        profile(bought_at - DAY_MS, email="ann@shop.example", time_zone="Europe/Riga"),
        consent(bought_at - DAY_MS),
        order("o1", bought_at, "cat_furniture", "cat_furniture"),
        order("o2", bought_at + DAY_MS, "cat_furniture"),
        Tick(appended_at_ms=bought_at + 30 * DAY_MS),
    )
    # Riga's clocks go back on 25 October: 14 x 24 h after 15:12 is 14:12, so the next 10:00 is the day after's.
    due = at("2026-11-04T10:00:00+02:00")
    assert decided(history) == [("schedule", "", bought_at), ("send", "", due)]
    assert moves(history) == [("s", "out", "in", bought_at, "event:o1")]


def test_an_event_leaves_its_window_at_its_end() -> None:
    rulebook = one_segment((">", ("trait", "spend"), ("num", "5")), spend=SPEND_1D)
    history = case(rulebook, order("a", 1000, total=6), Tick(appended_at_ms=2 * DAY_MS))
    end = 1000 + DAY_MS
    assert moves(history) == [("s", "out", "in", 1000, "event:a"), ("s", "in", "out", end, f"due:{end}")]


def test_an_age_turns_on_the_first_whole_ms_after_the_bound() -> None:
    age = ("call", "days_since", (("trait", "last"),))
    turns = {}
    for sign in (">", ">=", "=="):
        rulebook = one_segment((sign, age, ("num", "45")), last=LAST_ORDER)
        history = case(rulebook, order("a", 1000), Tick(appended_at_ms=90 * DAY_MS))
        turns[sign] = [(after, at_ms - 1000 - 45 * DAY_MS) for _, _, after, at_ms, _ in moves(history)]
    assert turns == {">": [("in", 1)], ">=": [("in", 0)], "==": [("in", 0), ("out", 1)]}


def test_a_kink_turns_a_comparison_twice_between_two_events() -> None:
    age = ("call", "days_since", (("trait", "last"),))
    near = ("call", "abs", (("-", age, ("num", "3")),))
    rulebook = one_segment(("<", near, ("num", "1")), last=LAST_ORDER)
    history = case(rulebook, order("a", 0), Tick(appended_at_ms=9 * DAY_MS))
    assert [(after, at_ms) for _, _, after, at_ms, _ in moves(history)] == [
        ("in", 2 * DAY_MS + 1),
        ("out", 4 * DAY_MS),
    ]


def test_with_leaves_when_a_member_stays_until_that_holds() -> None:
    orders = ("trait", "orders")
    rulebook = one_segment(("==", orders, ("num", "2")), (">=", orders, ("num", "4")), orders=ORDERS)
    history = case(rulebook, *(order(f"o{n}", n) for n in range(1, 6)))
    assert [(after, at_ms) for _, _, after, at_ms, _ in moves(history)] == [("in", 2), ("out", 4)]


def test_a_late_event_counts_as_if_in_order_and_moves_at_its_records_time() -> None:
    first = Trait(kind="first", value="number", nullable=True, types=("order_completed",), path="order_completed.total")
    rulebook = one_segment(("==", ("trait", "first"), ("num", "7")), first=first)
    history = case(rulebook, order("a", 1000, total=3), order("b", 2000, total=7, late_by=1500))
    assert moves(history) == [("s", "out", "in", 2000, "event:b")]


def test_the_first_step_comes_from_outside() -> None:
    rulebook = book(
        traits={"orders": ORDERS},
        segments={"new": Segment(when=("==", ("trait", "orders"), ("num", "1")))},
        dimensions={
            "size": Dimension(bands=("trait", "orders"), at=("1", "3"), names=("none", "few", "many"), missing=None)
        },
    )
    history = case(rulebook, order("a", 5), order("b", 6), order("c", 7))
    assert moves(history) == [
        ("new", "out", "in", 5, "event:a"),
        ("size", None, "few", 5, "event:a"),
        ("new", "in", "out", 6, "event:b"),
        ("size", "few", "many", 7, "event:c"),
    ]


@pytest.mark.parametrize(("later", "count"), [(30 * DAY_MS - 1, 1), (30 * DAY_MS, 2)])
def test_an_id_counts_again_after_30_days(later: int, count: int) -> None:
    rulebook = one_segment((">", ("trait", "orders"), ("num", "5")), orders=ORDERS)
    history = case(rulebook, order("a", 1000), order("a", 1000 + later))
    assert judge(history).traits["ann"] == {"orders": Fraction(count)}


def test_a_copy_is_measured_against_the_one_that_counted_last() -> None:
    rulebook = one_segment((">=", ("trait", "orders"), ("num", "3")), orders=ORDERS)
    days = (0, 29, 37, 38, 66, 67)  # counted on days 0, 37 and 67
    history = case(rulebook, *(order("a", 1000 + day * DAY_MS) for day in days))
    assert moves(history) == [("s", "out", "in", 1000 + 67 * DAY_MS, "event:a")]
    assert judge(history).traits["ann"] == {"orders": Fraction(3)}
    assert disagreements(judge(history), run_engine(history)) == []


def test_a_quantity_that_is_not_said_is_one_and_a_null_stays_null() -> None:
    path = "order_completed.items.quantity"
    pieces = Trait(kind="sum", value="number", nullable=False, types=("order_completed",), path=path)
    rulebook = one_segment((">=", ("trait", "pieces"), ("num", "4")), pieces=pieces)
    items = [{"sku": "a"}, {"sku": "b", "quantity": None}, {"sku": "c", "quantity": 3}]
    history = case(rulebook, event("order_completed", "o1", 1000, order_id="o1", total=1, items=items))
    assert judge(history).traits["ann"] == {"pieces": Fraction(4)}
    assert disagreements(judge(history), run_engine(history)) == []


def test_null_makes_every_comparison_false_and_arithmetic_null() -> None:
    none = ("trait", "last")
    last = Trait(kind="last", value="number", nullable=True, types=("survey_answered",), path="survey_answered.score")
    tests: dict[str, Expr] = {
        "below": ("<", none, ("num", "9")),
        "not_below": ("not", ("<", none, ("num", "9"))),
        "unequal": ("!=", none, ("num", "9")),
        "not_in": ("not in", none, ("list", (("num", "1"),))),
        "sum_is_null": ("is null", ("+", none, ("num", "1"))),
        "by_zero_is_null": ("is null", ("/", ("num", "1"), ("num", "0"))),
        "coalesced": ("==", ("call", "coalesce", (none, ("num", "4"))), ("num", "4")),
    }
    rulebook = book(traits={"last": last}, segments={name: Segment(when=when) for name, when in tests.items()})
    inside = judge(case(rulebook, order("a", 1))).memberships["ann"]
    assert {name for name, value in inside.items() if value == "in"} == {
        "not_below",
        "sum_is_null",
        "by_zero_is_null",
        "coalesced",
    }


def quiet_history(*triggers: Trigger, policy: Policy, orders: Sequence[int]) -> Case:
    start = at("2026-06-01T12:00:00+00:00")
    rulebook = book(
        traits={"orders": ORDERS},
        segments={"s": Segment(when=(">=", ("trait", "orders"), ("num", "1")))},
        triggers={f"m{index}": each for index, each in enumerate(triggers)},
        policy=policy,
    )
    return case(
        rulebook,
        profile(start, email="ann@shop.example"),
        consent(start),
        *(order(f"o{index}", start + later) for index, later in enumerate(orders)),
        Tick(appended_at_ms=start + 9 * DAY_MS),
    )


def test_quiet_hours_hold_until_the_morning_and_then_the_match_may_have_expired() -> None:
    start = at("2026-06-01T12:00:00+00:00")
    policy = Policy(quiet=(1260, 540))
    night, morning = start + 10 * HOUR_MS, start + 21 * HOUR_MS
    kept = quiet_history(trigger(expires_after=11 * HOUR_MS), policy=policy, orders=[10 * HOUR_MS])
    assert decided(kept) == [("hold", "quiet_hours", night), ("send", "", morning)]
    stale = quiet_history(trigger(expires_after=11 * HOUR_MS - 1000), policy=policy, orders=[10 * HOUR_MS])
    assert decided(stale) == [("hold", "quiet_hours", night), ("suppress", "expired", morning)]


def test_a_cap_counts_this_instants_earlier_sends_by_priority() -> None:
    policy = Policy(caps=(Cap(at_most=1, per=DAY_MS),))
    on = On(kind="event", name="order_completed")
    history = quiet_history(
        trigger(on=on), trigger(on=on, priority=1), policy=policy, orders=[HOUR_MS, HOUR_MS + DAY_MS]
    )
    assert [(d.kind, d.reason, d.trigger) for d in judge(history).decisions["ann"]] == [
        ("send", "", "m1"),
        ("suppress", "cap", "m0"),
        ("send", "", "m1"),
        ("suppress", "cap", "m0"),
    ]


def test_who_leaves_before_the_due_instant_is_cancelled_and_a_later_return_matches_anew() -> None:
    orders = ("trait", "orders")
    rulebook = book(
        traits={"orders": ORDERS},
        segments={"s": Segment(when=("or", (("==", orders, ("num", "1")), ("==", orders, ("num", "3")))))},
        triggers={"m": trigger(after=HOUR_MS)},
    )
    history = case(rulebook, *(order(f"o{n}", n * 1000) for n in range(1, 4)), Tick(appended_at_ms=DAY_MS))
    assert decided(history) == [
        ("schedule", "", 1000),
        ("cancel", "left", 2000),
        ("schedule", "", 3000),
        ("suppress", "consent", 3000 + HOUR_MS),
    ]


def test_an_activation_cancels_what_it_removes_and_matches_those_it_brings_in() -> None:
    old = book(
        traits={"orders": ORDERS},
        segments={"s": Segment(when=("==", ("trait", "orders"), ("num", "9")))},
        triggers={
            "gone": trigger(on=On(kind="event", name="order_completed"), after=HOUR_MS),
            "kept": trigger(include_existing=True),
        },
    )
    new = book(
        traits={"orders": ORDERS},
        segments={"s": Segment(when=("==", ("trait", "orders"), ("num", "1")))},
        triggers={"kept": trigger(include_existing=True)},
    )
    history = case(old, order("a", 1000), Activation(appended_at_ms=2000, rulebook=1), then=new)
    assert [(d.kind, d.reason, d.trigger, d.cause) for d in judge(history).decisions["ann"]] == [
        ("schedule", "", "gone", "event:a"),
        ("cancel", "trigger_removed", "gone", "event:a"),
        ("suppress", "consent", "kept", "activation:2000"),
    ]
    assert moves(history) == [("s", "out", "in", 1000, "event:a")]


def test_local_times_in_gaps_and_doubled_hours() -> None:
    riga, apia, howe = load("Europe/Riga"), load("Pacific/Apia"), load("Australia/Lord_Howe")
    gap = datetime.fromisoformat("2026-03-29").date()
    assert instant(gap, 3 * 60 + 30, riga) == at("2026-03-29T04:00:00+03:00")
    doubled = datetime.fromisoformat("2026-10-25").date()
    assert instant(doubled, 3 * 60 + 30, riga) == at("2026-10-25T03:30:00+03:00")
    # Between the first 3:30 and the second, the next one is tomorrow's.
    assert first_at(at("2026-10-25T03:40:00+03:00"), 210, riga) == at("2026-10-26T03:30:00+02:00")
    skipped = datetime.fromisoformat("2011-12-30").date()
    assert instant(skipped, 600, apia) == at("2011-12-31T00:00:00+14:00")
    # Lord Howe turns by half an hour: 2:10 comes once a day, on 4 October not at all.
    assert instant(datetime.fromisoformat("2026-10-04").date(), 130, howe) == at("2026-10-04T02:30:00+11:00")
    # Quiet until 2:30, which the doubled hour makes quiet again.
    assert quiet_ends(at("2026-10-25T03:10:00+02:00"), (60, 210), riga) == at("2026-10-25T03:30:00+02:00")


@pytest.mark.parametrize("seed", range(0, 40, 2))
def test_evaluating_at_one_more_instant_changes_nothing(seed: int) -> None:
    some = generate(seed)
    rng = Random(seed)
    for customer in customers_of(some):
        world = World(some, some.rulebooks[0], customer)
        for step, following in zip(world.steps, [*world.steps[1:], None], strict=True):
            until = some.end_ms if following is None else following.at_ms - 1
            for at_ms in {step.at_ms, until, *(rng.randint(step.at_ms, max(step.at_ms, until)) for _ in range(3))}:
                if at_ms >= step.at_ms:
                    again = world.evaluate_memberships(step.events, at_ms, step.memberships)
                    assert again == step.memberships
