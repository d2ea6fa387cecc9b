"""What comes twice, comes of a type that nobody knows, or is not what its type was declared as."""

from __future__ import annotations

import pytest

from tests.simulation.books import POLICY, SPENDING
from tests.simulation.journey import (
    Journey,
    Schedule,
    Send,
    Suppress,
    consented,
    happened,
    order_completed,
    rules,
    text_of,
    time_passes,
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
