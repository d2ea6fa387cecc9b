"""Why a message is not sent, or taken back: once, caps, cancels, addresses and templates."""

from __future__ import annotations

import pytest

from tests.simulation.books import POLICY, SPENDING, on_order
from tests.simulation.journey import (
    Cancel,
    Journey,
    Schedule,
    Send,
    Suppress,
    cart_updated,
    consented,
    happened,
    order_completed,
    profile,
    rules,
    time_passes,
)


@pytest.mark.parametrize(
    ("once", "second"),
    [("per_cause", Send("thanks")), ("per_customer", Suppress("thanks", reason="once"))],
)
def test_once(journey: Journey, once: str, second: Send) -> None:
    journey.given(rules(on_order(once=once)), consented("ann"))
    journey.when(order_completed("ann", at="2026-01-02T10:00+00:00")).then(Send("thanks"))
    journey.when(order_completed("ann", at="2026-06-02T10:00+00:00")).then(second)


def test_once_for_some_time_ends_on_the_ms(journey: Journey) -> None:
    journey.given(rules(on_order(once="30d")), consented("ann"))
    journey.when(order_completed("ann", at="2026-01-02T10:00+00:00")).then(Send("thanks"))
    journey.when(order_completed("ann", at="2026-02-01T09:59:59.999+00:00")).then(Suppress("thanks", reason="once"))
    journey.when(order_completed("ann", at="2026-02-01T10:00+00:00")).then(Send("thanks"))


def test_a_cap_counts_what_was_sent_in_its_time(journey: Journey) -> None:
    journey.given(rules(on_order() + "  caps: [{at_most: 2, per: 7d, purpose: marketing}]\n"), consented("ann"))
    for day in ("01", "02"):
        journey.when(order_completed("ann", at=f"2026-02-{day}T10:00+00:00")).then(Send("thanks"))
    journey.when(order_completed("ann", at="2026-02-08T09:59:59.999+00:00")).then(Suppress("thanks", reason="cap"))
    journey.when(order_completed("ann", at="2026-02-08T10:00+00:00")).then(Send("thanks"))
    journey.when(order_completed("bea", at="2026-02-08T10:00+00:00"))
    journey.then(Suppress("thanks", reason="consent", customer="bea"))


CARTS = (
    """
triggers:
  reminder:
    on: {event: cart_updated}
    after: 4h
    cancel_when: {event: order_completed, where: event.coupon == cause.cart_id}
    message: {template: note, channels: [email]}
"""
    + POLICY
)


def test_the_order_of_that_cart_takes_the_reminder_back(journey: Journey) -> None:
    journey.given(rules(CARTS), consented("ann"))
    journey.when(cart_updated("ann", "c1", at="2026-02-01T10:00+00:00")).then(Schedule("reminder"))
    journey.when(cart_updated("ann", "c2", at="2026-02-01T11:00+00:00"))
    journey.then(Schedule("reminder", until="2026-02-01T15:00+00:00"))
    journey.when(order_completed("ann", coupon="c1", at="2026-02-01T12:00+00:00"))
    journey.then(Cancel("reminder", reason="cancel_when"))
    # Paid at the very ms at which the reminder is due, it comes too late.
    journey.when(order_completed("ann", coupon="c2", at="2026-02-01T15:00+00:00")).then(Send("reminder"))


def test_who_leaves_before_it_is_due_gets_nothing(journey: Journey) -> None:
    book = SPENDING.replace("spend >= 20", "spend >= 20 and orders < 3").replace(
        "enters: big}", "enters: big}, after: 2d"
    )
    journey.given(rules(book), consented("ann"))
    journey.when(order_completed("ann", at="2026-02-01T10:00+00:00", total=20)).then(Schedule("thanks"))
    journey.when(order_completed("ann", at="2026-02-02T10:00+00:00")).then()
    journey.when(order_completed("ann", at="2026-02-02T11:00+00:00")).then(Cancel("thanks", reason="left"))
    journey.when(time_passes(until="2026-03-01T00:00+00:00")).then()


def test_an_address_that_bounced_is_not_written_to_until_there_is_another(journey: Journey) -> None:
    journey.given(rules(on_order()), consented("ann"))
    bounced = {"message_id": "m", "channel": "email", "kind": "hard"}
    journey.when(happened("message_bounced", "ann", at="2026-02-01T00:00+00:00", **bounced)).then()
    journey.when(order_completed("ann", at="2026-02-02T00:00+00:00")).then(Suppress("thanks", reason="unreachable"))
    journey.when(profile("ann", email="ann@new.example", at="2026-02-03T00:00+00:00")).then()
    journey.when(order_completed("ann", at="2026-02-04T00:00+00:00")).then(Send("thanks"))


def test_a_template_that_fails_is_a_reason(journey: Journey) -> None:
    journey.given(rules(on_order(once="per_customer")), consented("ann"))
    journey.when(profile("ann", first_name="Broken", at="2026-02-01T00:00+00:00"))
    journey.when(order_completed("ann", at="2026-02-02T00:00+00:00")).then(Suppress("thanks", reason="template"))
    journey.when(profile("ann", first_name="Ann", at="2026-02-03T00:00+00:00"))
    journey.when(order_completed("ann", at="2026-02-04T00:00+00:00")).then(Send("thanks"))
