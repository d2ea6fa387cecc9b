"""Caps count the messages really sent."""

from __future__ import annotations

import pytest

from tests.triggers.customer import Customer
from tests.triggers.journey import Journey, outcomes
from tests.triggers.rulebooks import DAY_MS, HOUR_MS, cap, event, rules, trigger
from triggers.definitions import Cap, Policy

SENT, CAPPED = [("send", "order", "")], [("suppress", "order", "cap")]


def journey(*caps: Cap, channels: tuple[str, ...] = ("email",), purpose: str = "marketing") -> Journey:
    """Two triggers: one on orders, one on pages; and a receipt, transactional, on refunds."""
    book = rules(
        trigger("order", event("order_completed"), channels=channels, purpose=purpose),
        trigger("page", event("page_viewed"), purpose="news"),
        trigger("receipt", event("order_refunded"), purpose="transactional"),
        policy=Policy(caps=caps),
    )
    consents = {("email", "marketing"), ("email", "news"), ("sms", "marketing")}
    return Journey(book, Customer(consents=consents, fields={"email": "ann@pets.example", "phone": "1"}))


def test_at_most_so_many_are_sent() -> None:
    shop = journey(cap(2, 7 * DAY_MS))
    for day in (1, 2, 3):
        shop.event("order_completed", f"2026-03-0{day}T12:00")
    assert shop.outcome() == SENT * 2 + CAPPED
    assert shop.last[0].evidence == {"cap": "2 per 1w", "sent": 2}


@pytest.mark.parametrize(
    ("when", "expected"),
    [("2026-03-08T11:59:59.999", CAPPED), ("2026-03-08T12:00", SENT), ("2026-03-01T12:00", CAPPED)],
)
def test_the_window_is_open_at_its_start_and_closed_at_its_end(when: str, expected: list[tuple[str, str, str]]) -> None:
    shop = journey(cap(1, 7 * DAY_MS))
    shop.event("order_completed", "2026-03-01T12:00")
    assert outcomes(shop.event("order_completed", when)) == expected


def test_this_instants_earlier_sends_count() -> None:
    book = rules(
        *(trigger(name, event("order_completed")) for name in ("a", "b", "c")), policy=Policy(caps=(cap(2, HOUR_MS),))
    )
    decisions = Journey(book).event("order_completed", "2026-03-01T12:00")
    assert outcomes(decisions) == [("send", "a", ""), ("send", "b", ""), ("suppress", "c", "cap")]


@pytest.mark.parametrize(
    ("fits", "expected"),
    [
        ({}, CAPPED),
        ({"purpose": "marketing"}, SENT),
        ({"purpose": "news"}, SENT),
        ({"channel": "email"}, CAPPED),
        ({"channel": "sms"}, SENT),
        ({"trigger": "order"}, SENT),
        ({"trigger": "page"}, SENT),
        ({"channel": "email", "trigger": "page"}, SENT),
    ],
)
def test_a_cap_asks_and_counts_what_fits_all_it_names(
    fits: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    shop = journey(cap(1, DAY_MS, **fits))
    shop.event("page_viewed", "2026-03-01T12:00")
    assert outcomes(shop.event("order_completed", "2026-03-01T13:00")) == expected


def test_a_cap_on_one_trigger_counts_it_alone() -> None:
    shop = journey(cap(1, DAY_MS, trigger="order"))
    shop.event("order_completed", "2026-03-01T12:00")
    assert outcomes(shop.event("page_viewed", "2026-03-01T13:00")) == [("send", "page", "")]
    assert outcomes(shop.event("order_completed", "2026-03-01T14:00")) == CAPPED


def test_a_cap_on_one_channel_counts_it_alone() -> None:
    shop = journey(cap(1, DAY_MS, channel="email"), channels=("sms", "email"))
    shop.event("order_completed", "2026-03-01T12:00")
    assert outcomes(shop.event("order_completed", "2026-03-01T13:00")) == SENT
    assert outcomes(shop.event("page_viewed", "2026-03-01T14:00")) == [("send", "page", "")]
    assert outcomes(shop.event("page_viewed", "2026-03-01T15:00")) == [("suppress", "page", "cap")]


def test_transactional_messages_are_neither_asked_nor_counted() -> None:
    shop = journey(cap(1, DAY_MS))
    receipts = [shop.event("order_refunded", f"2026-03-01T1{hour}:00")[0].kind for hour in (0, 1)]
    assert receipts == ["send", "send"]
    assert outcomes(shop.event("order_completed", "2026-03-01T12:00")) == SENT
    assert outcomes(shop.event("order_refunded", "2026-03-01T13:00")) == [("send", "receipt", "")]


@pytest.mark.parametrize("named", [{"channel": "email"}, {"trigger": "receipt"}])
def test_nor_by_a_cap_that_names_another_thing(named: dict[str, str]) -> None:
    shop = journey(cap(1, DAY_MS, **named))
    for hour in (0, 1):
        assert outcomes(shop.event("order_refunded", f"2026-03-01T1{hour}:00")) == [("send", "receipt", "")]


def test_a_cap_that_names_transactional_asks_them() -> None:
    shop = journey(cap(1, DAY_MS, purpose="transactional"))
    shop.event("order_refunded", "2026-03-01T12:00")
    assert outcomes(shop.event("order_refunded", "2026-03-01T13:00")) == [("suppress", "receipt", "cap")]
    assert outcomes(shop.event("order_completed", "2026-03-01T14:00")) == SENT


def test_the_first_written_of_those_that_object_is_named() -> None:
    shop = journey(cap(5, DAY_MS), cap(1, DAY_MS, channel="email"), cap(1, DAY_MS, trigger="order"))
    shop.event("order_completed", "2026-03-01T12:00")
    (end,) = shop.event("order_completed", "2026-03-01T13:00")
    assert end.evidence == {"cap": "1 per 1d email", "sent": 1}


def test_what_was_held_out_counts_for_no_cap() -> None:
    book = rules(
        trigger("held_out", event("page_viewed"), holdout=1_000_000),
        trigger("order", event("order_completed")),
        policy=Policy(caps=(cap(1, DAY_MS),)),
    )
    shop = Journey(book)
    shop.event("page_viewed", "2026-03-01T12:00")
    shop.event("order_completed", "2026-03-01T13:00")
    assert shop.outcome() == [("suppress", "held_out", "holdout"), *SENT]


def test_a_longer_cap_of_a_later_rulebook_sees_what_a_shorter_one_let_go() -> None:
    shop = Journey(rules(trigger("order", event("order_completed")), policy=Policy(caps=(cap(1, 8 * HOUR_MS),))))
    shop.event("order_completed", "2026-03-01T01:00")
    longer = rules(trigger("order", event("order_completed")), policy=Policy(caps=(cap(1, 30 * HOUR_MS),)))
    shop.activate(longer, "2026-03-01T21:00")
    assert outcomes(shop.event("order_completed", "2026-03-01T22:00")) == CAPPED
