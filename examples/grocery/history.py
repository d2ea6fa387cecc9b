"""The events of the household tables, in the order of a log.

An event is a map of the fields of an input line: id, type, customer_id, occurred_at and appended_at (ms since the
epoch), source, data. Equal times stand in the order of RANK, then of the id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from examples.grocery.tables import MILLION, Integers, Tables

TIME_ZONE = "America/New_York"
SOURCE = "completejourney"
CONSENT_SALT = ""
CONSENT_TENTHS = 8  # this many of ten households agreed to e-mail: invented, the tables do not know
RANK = {"profile_updated": 0, "consent_changed": 1, "message_sent": 2, "order_completed": 3, "coupon_redeemed": 4}

Event = dict[str, Any]
Place = tuple[int, int, str]  # (time in ms, rank, id)
Entry = tuple[Place, Callable[[], Event]]


def events(tables: Tables) -> Iterator[Event]:
    """Every event of the tables, in the log's order."""
    entries = [*_baskets(tables), *_profiles(tables), *_sends(tables), *_redemptions(tables)]
    entries.sort(key=lambda entry: entry[0])
    for _, make in entries:
        yield make()


def count(tables: Tables) -> int:
    """How many events `events` yields."""
    households = np.unique(tables.lines.household).tolist()
    agreed = sum(agrees(household) for household in households)
    baskets = len(np.unique(tables.lines.basket))
    return baskets + len(households) + agreed + len(tables.sends.household) + len(tables.redemptions.row)


def agrees(household: int) -> bool:
    """Whether the household has (we pretend) agreed to marketing e-mail: u('h<id>', 'example', '') < 0.8."""
    text = f"h{household}\nexample\n{CONSENT_SALT}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") * 10 < CONSENT_TENTHS * 2**64


def local_midnight_ms(day: int) -> int:
    """The local 00:00 of a day counted from 1970-01-01, in ms since the epoch."""
    calendar = date(1970, 1, 1) + timedelta(days=day)
    midnight = datetime(calendar.year, calendar.month, calendar.day, tzinfo=ZoneInfo(TIME_ZONE))
    return int(midnight.timestamp()) * 1000


def prices(sales: Integers, quantity: Integers) -> list[float | None]:
    """Sales / quantity, rounded half-even to 6 places; None where nothing was counted. `sales` in millionths."""
    divisor = np.where(quantity == 0, 1, quantity)
    whole, rest = np.divmod(sales, divisor)
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (whole % 2 == 1))
    shown = ((whole + up) / MILLION).tolist()
    return [None if each == 0 else price for price, each in zip(shown, quantity.tolist(), strict=True)]


def _event(place: Place, kind: str, household: int, data: dict[str, Any]) -> Event:
    at_ms, _, event_id = place
    return {
        "id": event_id,
        "type": kind,
        "customer_id": f"h{household}",
        "occurred_at": at_ms,
        "appended_at": at_ms,
        "source": SOURCE,
        "data": data,
    }


def _baskets(tables: Tables) -> list[Entry]:
    lines, products = tables.lines, tables.products
    starts = np.flatnonzero(np.diff(lines.basket, prepend=-1))
    ends = np.append(starts[1:], len(lines.basket)).tolist()
    totals = (np.add.reduceat(lines.sales, starts) / MILLION).tolist()
    discounts = (np.add.reduceat(lines.discount, starts) / MILLION).tolist()
    price = prices(lines.sales, lines.quantity)
    quantity, product = lines.quantity.tolist(), lines.product.tolist()
    row = products.row_of(lines.product).tolist()
    starts_at = starts.tolist()
    places = [
        (at_ms, RANK["order_completed"], f"basket-{basket}")
        for at_ms, basket in zip(lines.at_ms[starts].tolist(), lines.basket[starts].tolist(), strict=True)
    ]

    def make(index: int) -> Event:
        start = starts_at[index]
        items = [
            {
                "sku": str(product[line]),
                "category": products.category[row[line]],
                "department": products.department[row[line]],
                "brand": products.brand[row[line]],
                "quantity": quantity[line],
                "price": price[line],
            }
            for line in range(start, ends[index])
        ]
        data = {
            "order_id": str(lines.basket[start]),
            "total": totals[index],
            "currency": "USD",
            "discount": discounts[index],
            "store_id": str(lines.store[start]),
            "items": items,
        }
        return _event(places[index], "order_completed", int(lines.household[start]), data)

    return [(place, partial(make, index)) for index, place in enumerate(places)]


def _profiles(tables: Tables) -> list[Entry]:
    """What a household says of itself at its first basket."""
    household, first = np.unique(tables.lines.household, return_inverse=True)
    first_ms = np.full(len(household), np.iinfo(np.int64).max)
    np.minimum.at(first_ms, first, tables.lines.at_ms)
    result: list[Entry] = []
    for each, at_ms in zip(household.tolist(), first_ms.tolist(), strict=True):
        profile: Place = (at_ms, RANK["profile_updated"], f"profile-{each}")
        fields = {
            "email": f"h{each}@example.invalid",
            "time_zone": TIME_ZONE,
            **tables.demographics.get(each, {}),
        }
        result.append((profile, partial(_event, profile, "profile_updated", each, fields)))
        if agrees(each):
            consent: Place = (at_ms, RANK["consent_changed"], f"consent-{each}")
            granted = {"channel": "email", "purpose": "marketing", "granted": True}
            result.append((consent, partial(_event, consent, "consent_changed", each, granted)))
    return result


def _sends(tables: Tables) -> list[Entry]:
    sends = tables.sends
    midnight = {day: local_midnight_ms(day) for day in np.unique(sends.start_day).tolist()}
    result: list[Entry] = []
    columns = (sends.campaign.tolist(), sends.campaign_type, sends.household.tolist(), sends.start_day.tolist())
    for campaign, campaign_type, household, day in zip(*columns, strict=True):
        place: Place = (midnight[day], RANK["message_sent"], f"mail-{campaign}-{household}")
        data = {
            "message_id": place[2],
            "channel": "mail",
            "campaign_id": str(campaign),
            "campaign_type": campaign_type,
        }
        result.append((place, partial(_event, place, "message_sent", household, data)))
    return result


def _redemptions(tables: Tables) -> list[Entry]:
    table = tables.redemptions
    midnight = {day: local_midnight_ms(day) for day in np.unique(table.day).tolist()}
    result: list[Entry] = []
    columns = (table.row, table.household, table.coupon, table.campaign, table.day)
    for row, household, coupon, campaign, day in zip(*(each.tolist() for each in columns), strict=True):
        place: Place = (midnight[day], RANK["coupon_redeemed"], f"coupon-{row}")
        data = {"code": str(coupon), "campaign_id": str(campaign)}
        result.append((place, partial(_event, place, "coupon_redeemed", household, data)))
    return result
