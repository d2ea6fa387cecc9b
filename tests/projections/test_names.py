"""Names that look alike once they are parts of identifiers are told apart."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import MsgspecError

from projections.profile import asked_for, consented
from tests.projections.lives import START, Life


def test_a_trait_and_a_counter_of_messages() -> None:
    text = """
traits: {sent_email: {count: order_completed}}
segments: {mailed: {when: sent.email >= 1}, two: {when: sent_email == 2}}
"""
    life = Life(text).order(START).event("message_sent", START + 1, message_id="m", channel="email")
    assert life.trait("sent_email") == 1
    assert life.inside("mailed")
    assert not life.inside("two")


def test_a_trait_and_a_field_of_the_profile() -> None:
    text = """
profile: {x__n: number}
traits: {profile__x: {count: order_completed}}
segments: {tall: {when: profile.x__n >= 5}, once: {when: profile__x == 1}}
"""
    life = Life(text).event("profile_updated", START, x__n=7).order(START + 1)
    assert life.inside("tall")
    assert life.inside("once")


def test_fields_that_differ_by_what_keywords_are_given() -> None:
    text = """
events: {seat_booked: {class: text, class_: number}}
profile: {from: text, from_: number}
traits: {named: {last: seat_booked.class}, numbered: {last: seat_booked.class_}}
segments: {riga: {when: profile.from == 'Riga' and profile.from_ == 2}}
"""
    booked: Any = {"class": "q", "class_": 5}
    updated: Any = {"from": "Riga", "from_": 2}
    life = Life(text).event("seat_booked", START, **booked).event("profile_updated", START + 1, **updated)
    assert (life.trait("named"), life.trait("numbered")) == ("q", 5)
    assert life.inside("riga")


def test_consents_whose_names_have_what_separates_them() -> None:
    life = Life("traits: {orders: {count: order_completed}}")
    granted = [("email", "marketing"), ("email", "marketing!"), ("a.b", "c"), ("a", "b.c"), ("*", "*"), ("\\", ".")]
    for hour, (channel, purpose) in enumerate(granted):
        life.event("consent_changed", START + hour, channel=channel, purpose=purpose, granted=True)
    life.event("unsubscribed", START + 100, channel="a", purpose="b.c")
    life.event("unsubscribed", START + 101, channel="*", purpose=None)
    consent = life.state.consent
    assert asked_for(consent) == sorted(granted)
    assert [each for each in granted if not consented(consent, *each)] == [("a", "b.c"), ("*", "*")]


def test_what_is_left_out_of_an_unsubscription_or_empty_means_all() -> None:
    said: list[Any] = [{}, {"channel": "", "purpose": ""}]
    for left_out in said:
        life = Life("traits: {orders: {count: order_completed}}")
        life.event("consent_changed", START, channel="sms", purpose="marketing", granted=True)
        assert consented(life.state.consent, "sms", "marketing")
        life.event("unsubscribed", START + 1, **left_out)
        assert not consented(life.state.consent, "sms", "marketing")


def test_a_number_is_no_date() -> None:
    life = Life("events: {stay_booked: {day: date}}\ntraits: {day: {last: stay_booked.day}}")
    with pytest.raises(MsgspecError, match="Expected `str"):
        life.event("stay_booked", START, day=3)
