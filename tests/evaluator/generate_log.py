"""Random histories: a few customers, late, equal and repeated events, and instants at which something turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.evaluator.clock import first_at, load, midnight
from tests.evaluator.generate_values import (
    CHANNELS,
    CITIES,
    COUNTS,
    DAYS,
    LABELS,
    NO_ZONES,
    NUMBERS,
    PURPOSES,
    STARTS,
    ZONES,
)
from tests.evaluator.model import DAY_MS, HOUR_MS, MINUTE_MS, Activation, Event, Rulebook, Tick

Record = Event | Tick | Activation
REPEAT_MS = 30 * DAY_MS


@dataclass
class Writing:
    """A log on its way; `turns` are instants ahead at which a window may end, a match be due, a comparison turn."""

    rng: Random
    rulebook: Rulebook
    customers: list[str]
    now_ms: int
    records: list[Record] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    @property
    def events(self) -> list[Event]:
        return [record for record in self.records if isinstance(record, Event)]


def a_number(writing: Writing) -> int | float:
    """As JSON gives it: whole numbers and doubles."""
    text = writing.rng.choice(NUMBERS if writing.chance(0.6) else COUNTS)
    if writing.chance(0.02):
        return writing.rng.choice([123456789012.345678, -0.0000005, 99999999999999, 1e-7])
    return float(text) if "." in text or writing.chance(0.2) else int(text)


def maybe(writing: Writing, fields: dict[str, Any], share: float = 0.75) -> dict[str, Any]:
    """Some fields null, some left out."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if writing.chance(share):
            kept[name] = None if writing.chance(0.15) else value
    return kept


def an_item(writing: Writing) -> dict[str, Any]:
    rng = writing.rng
    item = maybe(writing, {"category": rng.choice(LABELS), "brand": rng.choice(LABELS), "price": a_number(writing)})
    if writing.chance(0.6):
        item["quantity"] = rng.choice([1, 2, 3, 0.5])
    return {"sku": f"sku{rng.randrange(5)}", **item}


def an_order(writing: Writing) -> dict[str, Any]:
    rng = writing.rng
    data = maybe(writing, {"coupon": rng.choice(LABELS), "discount": a_number(writing), "store_id": "s1"})
    if writing.chance(0.85):
        data["items"] = [an_item(writing) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    elif writing.chance(0.3):
        data["items"] = None
    return {"order_id": f"o{len(writing.records)}", "total": a_number(writing), **data}


def a_profile(writing: Writing, customer: str) -> dict[str, Any]:
    rng = writing.rng
    zone = rng.choice(NO_ZONES) if writing.chance(0.15) else rng.choice(ZONES)
    fields = {
        "email": f"{rng.choice('abc')}@shop.example",
        "phone": rng.choice(["+37120000001", "+37120000002"]),
        "push_token": "token",
        "letter": "Main Street 1",
        "first_name": rng.choice(["Broken", "Ann", "Bob"]),
        "city": rng.choice(CITIES),
        "shoe_size": rng.choice([38, 41.5]),
        "birthday": str(local_day(writing) - timedelta(days=rng.choice([0, 1, 3, 7, 400]))),
        "time_zone": zone,
    }
    known = any(event.type == "profile_updated" and event.customer == customer for event in writing.events)
    return maybe(writing, fields, 0.3) if known else {**fields, **maybe(writing, fields, 0.1)}


def local_day(writing: Writing) -> date:
    return date(1970, 1, 1) + timedelta(milliseconds=writing.now_ms)


def a_message_event(writing: Writing) -> dict[str, Any]:
    data: dict[str, Any] = {"message_id": "x1", "channel": writing.rng.choice(CHANNELS)}
    if writing.chance(0.4):
        data["address"] = writing.rng.choice(["a@shop.example", "b@shop.example", "+37120000001", None])
    return data


def a_measurement(writing: Writing) -> dict[str, Any]:
    rng = writing.rng
    fields = {
        "amount": a_number(writing),
        "label": rng.choice(LABELS),
        "ok": writing.chance(0.5),
        "seen_at": writing.now_ms + rng.choice([0, -DAY_MS, 3 * DAY_MS, 7 * DAY_MS, -HOUR_MS, 1]),
        "day": str(local_day(writing) + timedelta(days=rng.choice([0, -1, 1, 5]))),
    }
    return maybe(writing, fields)


def data_of(writing: Writing, type_: str, customer: str) -> dict[str, Any]:
    rng = writing.rng
    if type_ == "order_completed":
        return an_order(writing)
    if type_ == "order_refunded":
        return {"order_id": "o1", "total": a_number(writing), **maybe(writing, {"reason": rng.choice(LABELS)})}
    if type_ == "cart_updated":
        return maybe(writing, {"cart_id": rng.choice(["c1", "c2"]), "total": a_number(writing)})
    if type_ == "product_viewed":
        return {"sku": "sku1", **maybe(writing, {"category": rng.choice(LABELS), "price": a_number(writing)})}
    if type_ == "page_viewed":
        return {"url": rng.choice(["/a", "/b"]), **maybe(writing, {"title": rng.choice(LABELS)})}
    if type_ == "survey_answered":
        return {"survey": "nps", **maybe(writing, {"score": a_number(writing), "comment": rng.choice(LABELS)})}
    if type_ == "consent_changed":
        granted = writing.chance(0.8)
        return {"channel": rng.choice(CHANNELS), "purpose": rng.choice(PURPOSES), "granted": granted}
    if type_ == "unsubscribed":
        return maybe(writing, {"channel": rng.choice(CHANNELS), "purpose": rng.choice(PURPOSES)})
    if type_ == "profile_updated":
        return a_profile(writing, customer)
    if type_ == "parcel_tracked":
        return {"parcel": "p1"}
    if type_ == "thing_measured":
        return a_measurement(writing)
    data = a_message_event(writing)
    if type_ == "message_bounced":
        data["kind"] = rng.choice(["hard", "hard", "soft"])
    return data


TYPES = (
    *["order_completed"] * 8,
    *["thing_measured"] * 3,
    *["survey_answered"] * 2,
    *["product_viewed"] * 2,
    *["cart_updated"] * 2,
    *["profile_updated"] * 2,
    *["consent_changed"] * 2,
    "parcel_tracked",
    "order_refunded",
    "page_viewed",
    "message_sent",
    "message_opened",
    "message_clicked",
    "message_bounced",
    "message_complained",
    "unsubscribed",
)


def windows_and_ages(rulebook: Rulebook) -> Iterator[int]:
    """How long after an event something may turn."""
    yield from (trait.within for trait in rulebook.traits.values() if trait.within is not None)
    yield from (int(float(days) * DAY_MS) for days in DAYS)


def turns(writing: Writing) -> Iterator[int]:
    """Instants at which something may turn, for the newest events."""
    rulebook = writing.rulebook
    zone = load(rulebook.policy.time_zone)
    for event in writing.events[-12:]:
        for length_ms in windows_and_ages(rulebook):
            yield event.occurred_at_ms + length_ms
        for trigger in rulebook.triggers.values():
            due_ms = event.appended_at_ms + trigger.after
            yield due_ms if trigger.at is None else first_at(due_ms, trigger.at, zone)
            if isinstance(trigger.once, int):
                yield due_ms + trigger.once
        for cap in rulebook.policy.caps:
            yield event.appended_at_ms + cap.per
    for edge in rulebook.policy.quiet or ():
        yield first_at(writing.now_ms, edge, zone)
    yield midnight(local_day(writing), zone)


def next_instant(writing: Writing) -> int:
    """Now, soon, later, or just at, before or after a turn."""
    rng, now_ms = writing.rng, writing.now_ms
    form = rng.random()
    if form < 0.12:
        return now_ms
    if form < 0.5:
        ahead = sorted({turn for turn in turns(writing) if now_ms < turn < now_ms + 9 * DAY_MS})
        if ahead:
            return max(now_ms, rng.choice(ahead[:12]) + rng.choice([-1, 0, 0, 1]))
    return now_ms + rng.choice([1, 1000, 7 * MINUTE_MS, 3 * HOUR_MS, 11 * HOUR_MS, DAY_MS, rng.randrange(3 * DAY_MS)])


def occurred(writing: Writing) -> int:
    """Mostly now; now and then late, by a round length or beside another event, or from the future."""
    rng, now_ms = writing.rng, writing.now_ms
    form = rng.random()
    if form < 0.72:
        return now_ms
    if form < 0.8:
        return now_ms + rng.choice([1, HOUR_MS, DAY_MS])
    if form < 0.9 and writing.events:
        other = rng.choice(writing.events).occurred_at_ms + rng.choice([-1, 0, 1])
        return min(other, now_ms)
    return now_ms - rng.choice([1, HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, rng.randrange(20 * DAY_MS)])


def break_data(writing: Writing, type_: str, data: dict[str, Any]) -> bool:
    """Make some events dead letters: without what they must have, or with a number out of range."""
    if type_ == "order_completed" and writing.chance(0.03):
        del data["total"]
        return True
    if type_ == "survey_answered" and writing.chance(0.05):
        data["score"] = 10**15
        return True
    return False


def write_event(writing: Writing, type_: str, customer: str) -> None:
    rng = writing.rng
    id_ = f"e{len(writing.records)}"
    if writing.events and writing.chance(0.06):
        id_ = rng.choice(writing.events).id
    data = data_of(writing, type_, customer)
    broken = break_data(writing, type_, data)
    writing.records.append(
        Event(
            customer=customer,
            id=id_,
            type=type_,
            occurred_at_ms=occurred(writing),
            appended_at_ms=writing.now_ms,
            data=data,
            broken=broken,
        )
    )


def write_repeat(writing: Writing) -> None:
    """An event whose id comes again, just within 30 days or just not."""
    rng = writing.rng
    matching = {trigger.on.name for trigger in writing.rulebook.triggers.values() if trigger.on.kind == "event"}
    causes = [event for event in writing.events if event.type in matching]
    other = rng.choice(causes if causes and writing.chance(0.8) else writing.events)
    at_ms = other.appended_at_ms + REPEAT_MS + rng.choice([-1, 0, 1])
    if at_ms < writing.now_ms:
        return
    writing.now_ms = at_ms
    data = data_of(writing, other.type, other.customer)
    writing.records.append(
        Event(
            customer=other.customer,
            id=other.id,
            type=other.type,
            occurred_at_ms=at_ms,
            appended_at_ms=at_ms,
            data=data,
        )
    )


def random_log(rng: Random, rulebooks: list[Rulebook], events: int) -> list[Record]:
    """About so many events of 2 to 4 customers, ticks, and an activation for each rulebook."""
    customers = [f"c{index}" for index in range(rng.choice([2, 2, 3, 4]))]
    start_ms = midnight(date.fromisoformat(rng.choice(STARTS)), load("UTC")) + rng.randrange(DAY_MS)
    writing = Writing(rng=rng, rulebook=rulebooks[0], customers=customers, now_ms=start_ms)
    first = rng.choice([0, 0, 0, rng.randrange(12)])
    second = rng.randrange(events // 3, events - 5)
    third = rng.randrange(second, events) if rng.random() < 0.2 and len(rulebooks) > 1 else -1
    for index in range(events):
        for place, number in ((first, 0), (second, 1), (third, 0)):
            if index == place and number < len(rulebooks):
                writing.records.append(Activation(appended_at_ms=writing.now_ms, rulebook=number))
                writing.rulebook = rulebooks[number]
        write_one(writing, index, rng.choice(customers))
    end_ms = next_instant(writing)
    writing.records.append(Tick(appended_at_ms=end_ms + rng.choice([0, 0, DAY_MS, 20 * DAY_MS])))
    return writing.records


def write_one(writing: Writing, index: int, customer: str) -> None:
    known = {event.customer for event in writing.events}
    if customer not in known and writing.chance(0.8):
        write_event(writing, "profile_updated", customer)
        for channel in CHANNELS[:2]:
            data = {"channel": channel, "purpose": "marketing", "granted": True}
            record = Event(
                customer=customer,
                id=f"{channel}-{index}",
                type="consent_changed",
                occurred_at_ms=writing.now_ms,
                appended_at_ms=writing.now_ms,
                data=data,
            )
            if writing.chance(0.85):
                writing.records.append(record)
        return
    writing.now_ms = next_instant(writing)
    if writing.chance(0.06):
        writing.records.append(Tick(appended_at_ms=writing.now_ms))
    elif writing.events and writing.chance(0.05):
        write_repeat(writing)
    else:
        write_event(writing, writing.rng.choice(TYPES), customer)
