"""What customers live through, told as given, when, then: the whole shard in memory, from records to decisions."""

from __future__ import annotations

import pytest

from tests.simulation.journey import (
    START,
    Cancel,
    Hold,
    Journey,
    Schedule,
    Send,
    Suppress,
    cart_updated,
    consented,
    happened,
    ms,
    order_completed,
    profile,
    rules,
    text_of,
    time_passes,
)

POLICY = """
policy:
  time_zone: Europe/Riga
  sender: {name: Petshop, email: hello@petshop.example}
  links: {unsubscribe: "https://petshop.example/stop"}
"""
CATS = (
    """
traits: {bought: {set: order_completed.items.category}}
segments: {cat_home: {when: "'cat_furniture' in bought"}}
triggers:
  thanks:
    on: {enters: cat_home}
    after: 14d
    at: "10:00"
    once: per_customer
    message: {template: note, channels: [email]}
"""
    + POLICY
)


def on_order(**said: str) -> str:
    """A rulebook whose one trigger answers each order."""
    more = "".join(f"    {name.rstrip('_')}: {value}\n" for name, value in said.items())
    return (
        "triggers:\n  thanks:\n    on: {event: order_completed}\n"
        + more
        + "    message: {template: note, channels: [email]}\n"
        + POLICY
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


QUIET = on_order() + '  quiet_hours: {from: "21:00", to: "09:00"}\n'


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


SPENDING = (
    """
traits: {orders: {count: order_completed}, spend: {sum: order_completed.total}}
segments: {big: {when: spend >= 20}}
triggers:
  thanks: {on: {enters: big}, message: {template: note, channels: [email]}}
"""
    + POLICY
)


def test_an_order_that_is_told_twice_counts_once(journey: Journey) -> None:
    journey.given(rules(SPENDING), consented("ann"))
    first = order_completed("ann", at="2026-02-01T10:00+00:00", id="o1")
    journey.when(first, order_completed("ann", at="2026-02-02T10:00+00:00", id="o1", total=500)).then()
    # On the last ms of the thirty days it is the same order still, whoever else has the id.
    journey.when(order_completed("ann", at="2026-03-03T09:59:59.999+00:00", id="o1")).then()
    journey.when(order_completed("bea", at="2026-03-03T09:59:59.999+00:00", id="o1")).then()
    assert journey.trait("orders") == (1, 1)
    assert journey.world.meta.duplicates == 2
    journey.when(order_completed("ann", at="2026-03-03T10:00+00:00", id="o1")).then(Send("thanks"))
    assert journey.trait("orders") == (2, 1)


PARCELS = "events: {parcel_tracked: {weight: number}}\ntraits: {parcels: {count: parcel_tracked}}\n"
HEAVY = (
    PARCELS
    + """
segments: {waiting: {when: parcels > 0}}
triggers:
  on_its_way: {on: {enters: waiting}, include_existing: yes, message: {template: note, channels: [email]}}
"""
    + POLICY
)


def test_a_type_that_nobody_knows_lies_still_until_a_rulebook_does(journey: Journey) -> None:
    journey.given(rules(SPENDING), consented("ann"))
    parcel = happened("parcel_tracked", "ann", at="2026-02-01T00:00+00:00", weight=3)
    stranger = happened("parcel_tracked", "zoe", at="2026-02-01T00:00+00:00", weight=3)
    journey.when(parcel, stranger).then()
    assert journey.world.meta.unknown == 2
    assert [customer for customer, _ in journey.world.all_states()] == ["ann"]
    journey.when(rules(HEAVY, at="2026-02-02T00:00+00:00"))
    journey.then(
        Send("on_its_way", at="2026-02-02T00:00+00:00"), Suppress("on_its_way", reason="consent", customer="zoe")
    )
    assert journey.moves("waiting") == [("2026-02-01T00:00:00.000+00:00", True)]


def test_what_a_declared_type_cannot_be_is_a_dead_letter(journey: Journey) -> None:
    """It moves the clock and nothing else: its id is free for the right one."""
    journey.given(rules(HEAVY), consented("ann"))
    broken = happened("parcel_tracked", "ann", at="2026-02-01T00:00+00:00", id="p1", weight="heavy")
    far = happened("parcel_tracked", "ann", at="2026-02-01T00:00+00:00", id="p2", weight=1e15)
    journey.when(broken, far).then()
    assert journey.world.meta.dead_letters == 2
    assert [offset for offset, _ in journey.world.store.letters()] == [3, 4]
    assert text_of(journey.world.meta.journey_ms) == "2026-02-01T00:00:00.000+00:00"
    journey.when(happened("parcel_tracked", "ann", at="2026-02-02T00:00+00:00", id="p1", weight=3))
    journey.then(Send("on_its_way"))


@pytest.mark.parametrize(
    ("declared", "condition"),
    [
        ("parcel_tracked: {weight: text}", "event.weight == '3 kg'"),
        ("parcel_tracked: {weight: number}", "event.weight is null"),
        ("parcel_tracked: {weight: date}", "event.weight is null"),
        ("other_tracked: {weight: text}", "event.weight is null"),
    ],
)
def test_a_match_outlives_what_its_event_was_declared_as(journey: Journey, declared: str, condition: str) -> None:
    """To the rulebook that asks it the event may be none: then it is as if none had made the match."""
    book = f"""
events: {{{declared}}}
segments: {{known: {{when: known_since is not null}}}}
triggers:
  on_its_way: {{on: {{enters: known}}, after: 1d, if: {condition}, message: {{template: note, channels: [email]}}}}
"""
    before = book.replace(declared, "parcel_tracked: {weight: text}").replace(condition, "event.weight is null")
    journey.given(rules(before + POLICY))
    parcel = happened("parcel_tracked", "ann", at="2026-02-01T00:00+00:00", weight="3 kg")
    journey.when(parcel).then(Schedule("on_its_way"))
    journey.given(consented("ann", at="2026-02-01T01:00+00:00"), rules(book + POLICY, at="2026-02-01T02:00+00:00"))
    journey.when(time_passes(until="2026-02-03T00:00+00:00")).then(Send("on_its_way", at="2026-02-02T00:00+00:00"))


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


def test_a_new_trigger_may_take_those_who_are_in(journey: Journey) -> None:
    """And what a removed trigger had promised is off."""
    history = order_completed("ann", "cat_furniture", at="2026-01-02T10:00+00:00")
    journey.given(consented("ann"), history, order_completed("bea", "cat_furniture", at="2026-01-02T10:00+00:00"))
    journey.when(rules(CATS, at="2026-01-03T00:00+00:00")).then()  # matches nobody who is in already
    journey.when(order_completed("cat", "cat_furniture", at="2026-01-04T10:00+00:00"))
    journey.then(Schedule("thanks", customer="cat"))
    renamed = CATS.replace("  thanks:", "  welcome:").replace("    after: 14d\n", "    include_existing: yes\n")
    journey.when(rules(renamed, at="2026-01-05T00:00+02:00"))
    journey.then(
        Schedule("welcome", until="2026-01-05T10:00+02:00"),
        Schedule("welcome", customer="bea"),
        Cancel("thanks", reason="trigger_removed", customer="cat"),
        Schedule("welcome", customer="cat"),
    )
    journey.when(time_passes(until="2026-02-01T00:00+00:00"))
    journey.then(
        Send("welcome", at="2026-01-05T10:00+02:00"),
        Suppress("welcome", reason="consent", customer="bea"),
        Suppress("welcome", reason="consent", customer="cat"),
    )
    journey.when(rules(renamed + "  caps: [{at_most: 1, per: 1d}]\n", at="2026-02-02T00:00+00:00")).then()


def test_a_condition_asked_at_an_activation_sees_what_has_left_its_window(journey: Journey) -> None:
    book = SPENDING.replace("spend: {sum: order_completed.total}", "spend: {sum: order_completed.total, within: 2d}")
    book = book.replace("big: {when: spend >= 20}", "buyer: {when: orders > 0}")
    book = book.replace("{enters: big}", "{enters: buyer}, include_existing: yes, if: spend > 0")
    journey.given(consented("ann"), order_completed("ann", at="2026-01-02T10:00+00:00"))
    journey.given(consented("bea", at="2026-01-03T09:00+00:00"))
    journey.given(order_completed("bea", at="2026-01-03T10:00+00:00"))
    journey.when(rules(book, at="2026-01-04T10:00+00:00"))
    journey.then(Suppress("thanks", reason="condition"), Send("thanks", customer="bea"))


def test_a_pause_holds_and_its_end_asks_at_once(journey: Journey) -> None:
    paused = CATS.replace("    after: 14d\n", "    after: 1d\n    paused: yes\n")
    journey.given(rules(paused), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", "cat_furniture", at="2026-02-01T12:00+02:00")).then(Schedule("thanks"))
    journey.when(time_passes(until="2026-02-20T00:00+02:00"))
    journey.then(Hold("thanks", reason="paused", at="2026-02-03T10:00+02:00"))
    journey.when(rules(paused.replace("    paused: yes\n", ""), at="2026-02-20T00:00+02:00"))
    journey.then(Send("thanks", at="2026-02-20T00:00+02:00"))


def test_a_pause_that_lasts_too_long_ends_in_silence(journey: Journey) -> None:
    paused = on_order(paused="yes", expires_after="3d")
    journey.given(rules(paused), consented("ann"))
    journey.when(order_completed("ann", at="2026-02-01T10:00+00:00"))
    journey.then(Hold("thanks", reason="paused"))
    journey.when(rules(on_order(expires_after="3d"), at="2026-02-04T10:00:00.001+00:00"))
    journey.then(Suppress("thanks", reason="expired"))


def test_a_move_to_another_zone_leaves_the_due_instant_as_it_was_fixed(journey: Journey) -> None:
    journey.given(rules(CATS), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", "cat_furniture", at="2026-02-01T12:00+02:00"))
    journey.then(Schedule("thanks", until="2026-02-16T10:00+02:00"))
    journey.when(profile("ann", time_zone="Asia/Tokyo", at="2026-02-02T12:00+02:00")).then()
    journey.when(time_passes(until="2026-03-01T00:00+00:00")).then(Send("thanks", at="2026-02-16T10:00+02:00"))


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


def test_a_rebuild_knows_all_and_says_nothing(journey: Journey) -> None:
    journey.given(rules(QUIET), consented("ann", tz="Europe/Riga"), consented("bea", tz="Asia/Tokyo"))
    for day in range(1, 8):
        journey.given(order_completed("ann", at=f"2026-06-0{day}T22:00+03:00"))
        journey.given(order_completed("bea", at=f"2026-06-0{day}T22:30+03:00"))
    said = list(journey.facts.decisions.read())
    journey.rebuilt().then()
    assert list(journey.facts.decisions.read()) == said
    journey.when(time_passes(until="2026-06-08T09:00+03:00"))
    journey.then(Send("thanks", customer="bea"), Send("thanks"))


def test_history_before_the_first_rulebook_is_known_and_matches_nothing(journey: Journey) -> None:
    journey.given(consented("ann"), order_completed("ann", at="2026-01-02T10:00+00:00", total=19))
    journey.when(rules(SPENDING, at="2026-02-01T00:00+00:00")).then()
    assert journey.trait("spend") == (19, 1)
    journey.when(order_completed("ann", at="2026-02-02T10:00+00:00", total=1)).then(Send("thanks"))
    assert ms(START) == journey.world.state("ann").known_since__at
