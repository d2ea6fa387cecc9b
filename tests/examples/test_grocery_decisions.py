"""What the engine decides over 200 households' year, against what the tables say without the engine."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.rulebook.folder import load_folder
from examples.grocery.history import TIME_ZONE, agrees, events
from examples.grocery.tables import MILLION, Tables, load
from templates.catalogue import stock
from tests.examples.story import Story, live_through
from tests.tidy.tree import ROOT
from triggers.decisions import Decision

pytestmark = pytest.mark.slow

HOUSEHOLDS = 200
HOME = ZoneInfo(TIME_ZONE)
LIVE_FROM = datetime(2017, 2, 1, tzinfo=HOME)
LIVE_MS = int(LIVE_FROM.timestamp() * 1000)


@cache
def tables() -> Tables:
    return load(HOUSEHOLDS)


@cache
def story() -> Story:
    rulebook = load_folder(ROOT / "examples/grocery/rulebook", stock=stock())
    return live_through(rulebook, events(tables()), live_from=LIVE_FROM)


def decided(trigger: str) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = defaultdict(list)
    for customer, decision in story().decisions():
        if decision.trigger == trigger:
            found[customer].append(decision)
    return found


def first_litter_ms() -> dict[str, int]:
    """When each household first bought cat litter."""
    lines, products = tables().lines, tables().products
    litter = np.array([category == "CAT LITTER" for category in products.category])
    bought = litter[products.row_of(lines.product)]
    first: dict[str, int] = {}
    for household, at_ms in zip(lines.household[bought].tolist(), lines.at_ms[bought].tolist(), strict=True):
        first[f"h{household}"] = min(at_ms, first.get(f"h{household}", at_ms))
    return first


def next_ten_ms(at_ms: int) -> int:
    """The first local 10:00 at or after an instant."""
    instant = datetime.fromtimestamp(at_ms / 1000, UTC)
    day = instant.astimezone(HOME).date()
    ten = datetime.combine(day, time(10), HOME)
    if ten < instant:
        ten = datetime.combine(day + timedelta(days=1), time(10), HOME)
    return int(ten.timestamp() * 1000)


def test_the_first_cat_litter_is_thanked_for_two_weeks_later_at_ten() -> None:
    expected = {
        customer: next_ten_ms(at_ms + 14 * 86_400_000)
        for customer, at_ms in first_litter_ms().items()
        if at_ms >= LIVE_MS
    }
    found = {customer: decisions[0] for customer, decisions in decided("cat_litter_thanks").items()}
    assert len(expected) > 20
    assert {customer: decision.due_ms for customer, decision in found.items()} == expected
    assert {decision.kind for decision in found.values()} == {"schedule"}


def test_its_offer_holds_until_the_end_of_the_month_in_which_it_was_sent() -> None:
    sent = [each for decisions in decided("cat_litter_thanks").values() for each in decisions if each.kind == "send"]
    assert sent
    for decision in sent:
        local = datetime.fromtimestamp(decision.at_ms / 1000, HOME)
        last = (local.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        assert f"{last.day} {last:%B %Y}" in decision.parts["txt"]
        assert "10 % off all cat food" in decision.parts["txt"]


def test_only_those_who_agreed_get_letters() -> None:
    receipts = decided("large_order_receipt")
    for customer, decision in story().decisions():
        if decision.kind == "send" and decision.trigger != "large_order_receipt":
            assert agrees(int(customer[1:]))
            assert decision.address == f"{customer}@example.invalid"
        if decision.reason == "consent":
            assert not agrees(int(customer[1:]))
    assert receipts


def test_every_order_of_300_dollars_has_its_receipt() -> None:
    lines = tables().lines
    starts = np.flatnonzero(np.diff(lines.basket, prepend=-1))
    totals = np.add.reduceat(lines.sales, starts)
    large = starts[(totals >= 300 * MILLION) & (lines.at_ms[starts] >= LIVE_MS)]
    receipts = [each for decisions in decided("large_order_receipt").values() for each in decisions]
    assert sorted(each.cause for each in receipts) == sorted(
        f"event:basket-{basket}" for basket in lines.basket[large].tolist()
    )
    assert {each.kind for each in receipts} == {"send"}


def test_no_letter_is_written_at_night_and_none_beyond_the_caps() -> None:
    sent: dict[str, list[int]] = defaultdict(list)
    for customer, decision in story().decisions():
        if decision.kind == "send" and decision.purpose == "marketing":
            hour = datetime.fromtimestamp(decision.at_ms / 1000, HOME).hour
            assert 8 <= hour < 21
            sent[customer].append(decision.at_ms)
    for times in sent.values():
        times.sort()
        for most, days in ((2, 7), (5, 30)):
            crowded = zip(times, times[most:], strict=False)
            assert all(late - early >= days * 86_400_000 for early, late in crowded)
