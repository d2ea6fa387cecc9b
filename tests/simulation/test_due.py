"""When something is due, told as given, when, then: the whole shard in memory, from records to decisions."""

from __future__ import annotations

from tests.simulation.books import CATS, POLICY, QUIET
from tests.simulation.journey import (
    Hold,
    Journey,
    Schedule,
    Send,
    Suppress,
    consented,
    happened,
    order_completed,
    profile,
    rules,
    time_passes,
)


def test_two_weeks_after_the_cat_furniture_at_ten_their_time(journey: Journey) -> None:
    journey.given(rules(CATS), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", "cat_furniture", "cat_furniture", at="2026-10-20T15:12+03:00"))
    # Fourteen days are 14 x 24 h; the clocks go back on 25 October, so that is 14:12, after ten.
    journey.then(Schedule("thanks", at="2026-10-20T15:12+03:00", until="2026-11-04T10:00+02:00"))
    journey.when(order_completed("ann", "cat_furniture", at="2026-10-22T12:00+03:00")).then()
    journey.when(time_passes(until="2026-11-04T09:59:59.999+02:00")).then()
    journey.when(time_passes(until="2026-12-01T00:00+02:00"))
    journey.then(Send("thanks", at="2026-11-04T10:00+02:00"))


ABSENCE = (
    """
traits: {last_order_at: {last_at: order_completed}}
segments: {lapsing: {when: days_since(last_order_at) > 45}}
triggers:
  miss_you:
    on: {enters: lapsing}
    message: {template: note, channels: [email]}
"""
    + POLICY
)


def test_an_absence_is_seen_at_its_exact_instant(journey: Journey) -> None:
    journey.given(rules(ABSENCE), consented("ann"), order_completed("ann", at="2026-01-05T12:00+00:00"))
    journey.when(time_passes(until="2026-02-19T12:00+00:00")).then()
    journey.when(time_passes(until="2026-05-01T00:00+00:00"))
    journey.then(Send("miss_you", at="2026-02-19T12:00:00.001+00:00"))
    assert journey.moves("lapsing") == [("2026-02-19T12:00:00.001+00:00", True)]


def test_an_absence_is_told_by_other_customers_records_too(journey: Journey) -> None:
    journey.given(rules(ABSENCE), consented("ann"), order_completed("ann", at="2026-01-05T12:00+00:00"))
    journey.when(order_completed("bea", at="2026-03-01T00:00+00:00"))
    journey.then(Send("miss_you", at="2026-02-19T12:00:00.001+00:00"))


def test_a_late_order_ends_an_absence_when_it_arrives(journey: Journey) -> None:
    journey.given(rules(ABSENCE), consented("ann"), order_completed("ann", at="2026-01-05T12:00+00:00"))
    journey.when(time_passes(until="2026-02-25T00:00+00:00")).then(Send("miss_you"))
    journey.when(order_completed("ann", at="2026-02-01T00:00+00:00", arrived="2026-02-25T06:00+00:00")).then()
    assert journey.moves("lapsing") == [
        ("2026-02-19T12:00:00.001+00:00", True),
        ("2026-02-25T06:00:00.000+00:00", False),
    ]
    journey.when(time_passes(until="2026-06-01T00:00+00:00"))
    journey.then(Send("miss_you", at="2026-03-18T00:00:00.001+00:00"))


def test_quiet_hours_hold_until_the_morning(journey: Journey) -> None:
    """In the night of the 29th the clocks go forward: nine o'clock comes an hour earlier."""
    journey.given(rules(QUIET), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", at="2026-03-28T22:30+02:00"))
    journey.then(Hold("thanks", until="2026-03-29T09:00+03:00"))
    journey.when(time_passes(until="2026-03-30T00:00+03:00")).then(Send("thanks", at="2026-03-29T09:00+03:00"))


def test_quiet_hours_are_those_where_the_customer_lives(journey: Journey) -> None:
    journey.given(rules(QUIET), consented("ann", tz="Europe/Riga"), consented("joe", tz="America/New_York"))
    journey.when(order_completed("ann", at="2026-06-01T22:00+03:00"))
    journey.then(Hold("thanks", until="2026-06-02T09:00+03:00"))
    journey.when(order_completed("joe", at="2026-06-01T22:00+03:00")).then(Send("thanks", customer="joe"))


def test_a_hold_asks_everything_again(journey: Journey) -> None:
    journey.given(rules(QUIET), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", at="2026-06-01T22:00+03:00")).then(Hold("thanks"))
    journey.when(happened("unsubscribed", "ann", at="2026-06-01T23:00+03:00")).then()
    journey.when(time_passes(until="2026-06-03T00:00+03:00"))
    journey.then(Suppress("thanks", reason="consent", at="2026-06-02T09:00+03:00"))


def test_a_move_to_another_zone_leaves_the_due_instant_as_it_was_fixed(journey: Journey) -> None:
    journey.given(rules(CATS), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", "cat_furniture", at="2026-02-01T12:00+02:00"))
    journey.then(Schedule("thanks", until="2026-02-16T10:00+02:00"))
    journey.when(profile("ann", time_zone="Asia/Tokyo", at="2026-02-02T12:00+02:00")).then()
    journey.when(time_passes(until="2026-03-01T00:00+00:00")).then(Send("thanks", at="2026-02-16T10:00+02:00"))
