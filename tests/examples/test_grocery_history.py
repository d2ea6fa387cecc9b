"""The converter writes what the household tables say, in the order of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from examples.grocery.convert import convert, main
from examples.grocery.history import RANK, agrees, count, events, local_midnight_ms, prices
from examples.grocery.tables import MILLION, PROFILE_FIELDS, load, quantised

HOUSEHOLDS = 40  # of the quick tests


def _item(sku: str, category: str, department: str, *, quantity: int, price: float) -> dict[str, Any]:
    return {
        "sku": sku,
        "category": category,
        "department": department,
        "brand": "National",
        "quantity": quantity,
        "price": price,
    }


# Worked out by hand: 1.00 + 1.25 + 0.00 paid, 0.49 + 0.25 + 1.00 saved, the pastry 1.25 for three, the coupon's line of
# a product that the table lacks.
BASKET_AT_MS = int(datetime(2017, 1, 21, 12, 8, 59, tzinfo=UTC).timestamp()) * 1000
BASKET = {
    "id": "basket-31540790099",
    "type": "order_completed",
    "customer_id": "h1795",
    "occurred_at": BASKET_AT_MS,
    "appended_at": BASKET_AT_MS,
    "source": "completejourney",
    "data": {
        "order_id": "31540790099",
        "total": 2.25,
        "currency": "USD",
        "discount": 1.74,
        "store_id": "31782",
        "items": [
            _item("837527", "COOKIES/CONES", "GROCERY", quantity=1, price=1.0),
            _item("866227", "BREAKFAST SWEETS", "PASTRY", quantity=3, price=0.416667),
            {"sku": "5978656", "category": None, "department": None, "brand": None, "quantity": 0, "price": None},
        ],
    },
}


@dataclass
class Facts:
    """What one pass over a history finds."""

    types: Counter[str] = field(default_factory=Counter)
    customers: set[str] = field(default_factory=set)
    ids: int = 0
    lines: int = 0
    lines_without_product: int = 0
    lines_without_category: int = 0
    with_demographics: int = 0
    out_of_order: int = 0
    before_profile: Counter[str] = field(default_factory=Counter)
    baskets: dict[str, dict[str, Any]] = field(default_factory=dict)


def facts_of(history: Iterable[dict[str, Any]]) -> Facts:
    facts = Facts()
    seen: set[str] = set()
    profiles: set[str] = set()
    last: tuple[int, int, str] = (0, 0, "")
    for event in history:
        kind, customer = event["type"], event["customer_id"]
        place = (event["occurred_at"], RANK[kind], event["id"])
        facts.out_of_order += place <= last
        last = place
        facts.types[kind] += 1
        facts.customers.add(customer)
        seen.add(event["id"])
        if event["id"] == BASKET["id"]:
            facts.baskets[event["id"]] = event
        if kind == "order_completed":
            items = event["data"]["items"]
            facts.lines += len(items)
            facts.lines_without_category += sum(item["category"] is None for item in items)
            facts.lines_without_product += sum(item["department"] is None for item in items)
        elif kind == "profile_updated":
            profiles.add(customer)
            facts.with_demographics += any(name in event["data"] for name in PROFILE_FIELDS)
        if customer not in profiles:
            facts.before_profile[kind] += 1
    facts.ids = len(seen)
    return facts


@pytest.fixture(scope="module")
def small() -> list[dict[str, Any]]:
    return list(events(load(HOUSEHOLDS)))


@pytest.mark.slow
def test_the_whole_year_is_there() -> None:
    tables = load()
    facts = facts_of(events(tables))
    assert facts.types["order_completed"] == 155_848
    assert facts.types["profile_updated"] == len(facts.customers) == 2_469
    assert facts.types["message_sent"] == 6_589
    assert facts.types["coupon_redeemed"] == 2_102
    assert facts.types["consent_changed"] == 1_977
    assert facts.types.total() == facts.ids == count(tables) == 168_985
    assert facts.with_demographics == 801
    assert facts.lines == 1_469_307
    assert facts.lines_without_product == 4_836
    assert facts.lines_without_category == 7_045
    assert facts.out_of_order == 0
    # Campaigns that began before the first basket, and coupons, which are dated to the midnight before it.
    assert set(facts.before_profile) == {"message_sent", "coupon_redeemed"}
    assert facts.baskets == {"basket-31540790099": BASKET}


def test_money_of_every_line_is_whole_millionths() -> None:
    """The exact decimal sums and quotients, taken the slow way, are those of the integer arithmetic."""
    lines = load(HOUSEHOLDS).lines
    shown = prices(lines.sales, lines.quantity)
    with localcontext() as context:
        context.prec = 60
        for sales, quantity, price in zip(lines.sales.tolist(), lines.quantity.tolist(), shown, strict=True):
            if quantity == 0:
                assert price is None
                continue
            exact = Decimal(sales) / MILLION / quantity
            assert Decimal(repr(price)) == exact.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


@pytest.mark.parametrize(
    ("sales", "quantity", "price"),
    [(0.99, 1, 0.99), (1.25, 3, 0.416667), (20.06, 8725, 0.002299), (0.000001, 2, 0.0), (0.000003, 2, 0.000002)],
)
def test_a_price_is_rounded_half_even_to_six_places(sales: float, quantity: int, price: float) -> None:
    assert prices(quantised(np.array([sales])), np.array([quantity])) == [price]


def test_a_price_of_nothing_is_null() -> None:
    assert prices(np.array([2_610_000]), np.array([0])) == [None]


def test_a_household_says_who_it_is_at_its_first_basket(small: list[dict[str, Any]]) -> None:
    of_first = [event for event in small if event["customer_id"] == "h1"]
    kinds = [event["type"] for event in of_first if event["type"] != "message_sent"]
    profile = next(event for event in of_first if event["type"] == "profile_updated")
    assert kinds[:3] == ["profile_updated", "consent_changed", "order_completed"]
    first_order = next(event for event in of_first if event["type"] == "order_completed")
    assert profile["occurred_at"] == first_order["occurred_at"]
    assert profile["data"] == {
        "email": "h1@example.invalid",
        "time_zone": "America/New_York",
        "age": "65+",
        "income": "35-49K",
        "home_ownership": "Homeowner",
        "marital_status": "Married",
        "household_size": "2",
        "household_comp": "2 Adults No Kids",
        "kids_count": "0",
    }


def test_a_field_nobody_knows_is_left_out(small: list[dict[str, Any]]) -> None:
    profiles = [event["data"] for event in small if event["type"] == "profile_updated"]
    assert len(profiles) == HOUSEHOLDS
    assert all(value is not None for data in profiles for value in data.values())
    assert {len(data) for data in profiles} >= {2, 9}


def test_four_of_five_agreed_and_the_same_ones_each_time() -> None:
    # sha256("h1\nexample\n") begins with 1b, sha256("h2\nexample\n") with e7: 0.11 and 0.91 of the whole range.
    assert agrees(1)
    assert not agrees(2)
    share = sum(map(agrees, range(1, 2501))) / 2500
    assert 0.78 < share < 0.82


@pytest.mark.parametrize(
    ("day", "utc"),
    [("2017-02-08", "2017-02-08T05:00+00:00"), ("2017-07-12", "2017-07-12T04:00+00:00")],
)
def test_a_date_is_its_midnight_in_new_york(day: str, utc: str) -> None:
    days = (date.fromisoformat(day) - date(1970, 1, 1)).days
    assert local_midnight_ms(days) == int(datetime.fromisoformat(utc).timestamp()) * 1000


def test_a_mailing_and_a_coupon(small: list[dict[str, Any]]) -> None:
    by_id = {event["id"]: event for event in small}
    mailing = by_id["mail-8-1"]
    assert mailing["data"] == {
        "message_id": "mail-8-1",
        "channel": "mail",
        "campaign_id": "8",
        "campaign_type": "Type A",
    }
    assert datetime.fromtimestamp(mailing["occurred_at"] / 1000, UTC).isoformat() == "2017-05-08T04:00:00+00:00"
    coupons = [event for event in small if event["type"] == "coupon_redeemed"]
    assert coupons
    assert all(set(event["data"]) == {"code", "campaign_id"} for event in coupons)
    assert all(event["id"].removeprefix("coupon-").isdigit() for event in coupons)


def test_a_part_has_the_smallest_households_and_their_whole_story(small: list[dict[str, Any]]) -> None:
    facts = facts_of(small)
    assert facts.types["profile_updated"] == len(facts.customers) == HOUSEHOLDS
    assert max(int(customer[1:]) for customer in facts.customers) < 60
    assert facts.out_of_order == 0
    assert facts.types.total() == count(load(HOUSEHOLDS)) == len(small)


def test_the_file_is_the_history_and_two_runs_write_the_same_bytes(
    small: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one.msgpack", tmp_path / "deeper" / "two.msgpack"
    written = convert(one, HOUSEHOLDS)
    assert main([str(two), "--households", str(HOUSEHOLDS)]) == 0
    assert one.read_bytes() == two.read_bytes()
    with one.open("rb") as file:
        assert list(msgpack.Unpacker(file)) == small
    assert written.total() == len(small)
    assert f"{len(small):,} events in" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["one.msgpack", "two.msgpack"]


def test_called_wrongly_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "out.msgpack"), "--households", "0"])
    assert stopped.value.code == 2
    assert "must be at least 1; found 0" in capsys.readouterr().err
