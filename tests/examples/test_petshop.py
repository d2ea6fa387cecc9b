"""The petshop's year, each decision worked out by hand from the rulebook and the events."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.ledgers import read_ledger
from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from templates.catalogue import stock
from tests.examples.story import Said, Story, live_through
from tests.tidy.tree import ROOT
from triggers.decisions import Decision
from triggers.ledger import pending_matches

PETSHOP = ROOT / "examples/petshop"
LINES = (PETSHOP / "events.jsonl").read_bytes().splitlines()
LIVE_FROM = datetime(2025, 2, 1, tzinfo=ZoneInfo("Europe/Riga"))
ZONES = {"john": "Europe/London"}


@cache
def rulebook() -> Rulebook:
    return load_folder(PETSHOP / "rulebook", stock=stock())


@cache
def story(batch: int = 1_000, partitions: int = 1) -> Story:
    return live_through(rulebook(), LINES, live_from=LIVE_FROM, batch=batch, partitions=partitions)


def told(customer: str, *, batch: int = 1_000, partitions: int = 1) -> list[tuple[str, str, str, str]]:
    """(at, trigger, what, channel) of one customer, without the year."""
    everything: list[Said] = story(batch, partitions).said(ZONES, "Europe/Riga")
    return [
        (each.at.removeprefix("2025-"), each.trigger, each.what, each.channel)
        for each in everything
        if each.customer == customer
    ]


def sent(customer: str, trigger: str) -> Decision:
    [message] = [
        decision
        for who, decision in story().decisions()
        if who == customer and decision.trigger == trigger and decision.kind == "send"
    ]
    return message


EXPECTED = {
    "anna": [
        ("03-04 09:12", "cat_home_thanks", "schedule", ""),
        ("03-04 09:12", "order_thanks", "send", "email"),
        ("03-18 10:00", "cat_home_thanks", "send", "email"),
    ],
    "boris": [
        ("02-07 16:50", "club_invite", "schedule", ""),
        ("02-07 16:50", "order_thanks", "send", "sms"),
        ("02-08 12:00", "club_invite", "send", "sms"),
        ("02-21 17:05", "new_high_value", "schedule", ""),
        ("02-21 17:05", "order_thanks", "send", "sms"),
        ("02-23 12:00", "new_high_value", "send", "sms"),
        ("03-31 14:20", "we_miss_you", "schedule", ""),
        ("04-01 11:00", "we_miss_you", "suppress: holdout", ""),
        ("04-10 18:20", "welcome_back", "schedule", ""),
        ("04-10 18:20", "order_thanks", "send", "sms"),
        ("04-10 20:20", "welcome_back", "send", "sms"),
    ],
    "john": [
        ("02-14 20:30", "spring_walks", "schedule", ""),
        ("02-14 20:30", "order_thanks", "send", "email"),
        ("02-17 10:00", "spring_walks", "hold: paused", ""),
        ("03-06 18:10", "club_invite", "schedule", ""),
        ("03-06 18:10", "new_high_value", "schedule", ""),
        ("03-06 18:10", "order_thanks", "send", "email"),
        ("03-07 12:00", "club_invite", "suppress: consent", ""),
        ("03-08 12:00", "new_high_value", "suppress: consent", ""),
    ],
    "liga": [
        ("02-03 21:40", "cart_reminder", "schedule", ""),
        ("02-04 01:40", "cart_reminder", "hold: quiet_hours", ""),
        ("02-04 09:00", "cart_reminder", "send", "email"),
        ("02-05 19:25", "order_thanks", "send", "email"),
        ("02-20 12:00", "cart_reminder", "schedule", ""),
        ("02-20 13:15", "cart_reminder", "cancel: cancel_when", ""),
        ("02-20 13:15", "new_high_value", "schedule", ""),
        ("02-22 12:00", "new_high_value", "send", "email"),
        ("02-25 08:05", "say_sorry", "schedule", ""),
        ("02-25 11:05", "say_sorry", "send", "email"),
        ("02-26 10:00", "ticket_feedback", "schedule", ""),
        ("02-27 18:00", "ticket_feedback", "suppress: cap", ""),
        ("03-11 17:30", "cart_reminder", "schedule", ""),
        ("03-11 21:30", "cart_reminder", "hold: quiet_hours", ""),
        ("03-12 09:00", "cart_reminder", "suppress: expired", ""),
        ("03-22 13:15", "we_miss_you", "schedule", ""),
        ("03-23 11:00", "we_miss_you", "send", "email"),
    ],
    "marta": [
        ("02-10 09:12", "spring_walks", "schedule", ""),
        ("02-12 10:00", "spring_walks", "hold: paused", ""),
        ("02-13 11:20", "ticket_feedback", "schedule", ""),
        ("02-14 18:00", "ticket_feedback", "send", "email"),
        ("03-11 10:00", "ticket_feedback", "schedule", ""),
        ("03-11 15:00", "ticket_feedback", "cancel: cancel_when", ""),
        ("03-12 09:40", "say_sorry", "schedule", ""),
        ("03-12 12:40", "say_sorry", "suppress: condition", ""),
        ("03-13 16:00", "ticket_feedback", "schedule", ""),
        ("03-14 10:00", "cart_reminder", "schedule", ""),
        ("03-14 14:00", "cart_reminder", "send", "email"),
        ("03-14 18:00", "ticket_feedback", "send", "email"),
        ("03-16 10:30", "cart_reminder", "schedule", ""),
        ("03-16 14:30", "cart_reminder", "suppress: once", ""),
        ("04-04 16:00", "ticket_feedback", "schedule", ""),
        ("04-05 18:00", "ticket_feedback", "send", "sms"),
        ("04-06 12:00", "first_grooming", "schedule", ""),
        ("04-08 09:30", "first_grooming", "send", "sms"),
    ],
    "olga": [
        ("02-01 00:00", "club_invite", "schedule", ""),
        ("02-01 12:00", "club_invite", "send", "email"),
        ("02-25 12:10", "we_miss_you", "schedule", ""),
        ("02-26 11:00", "we_miss_you", "suppress: unreachable", ""),
        ("03-04 12:30", "welcome_back", "schedule", ""),
        ("03-04 12:30", "order_thanks", "send", "email"),
        ("03-04 14:30", "welcome_back", "send", "email"),
        ("04-10 06:56", "we_miss_you", "schedule", ""),
        ("04-10 10:15", "we_miss_you", "cancel: left", ""),
        ("04-10 10:15", "new_high_value", "schedule", ""),
        ("04-10 10:15", "welcome_back", "schedule", ""),
        ("04-10 10:15", "order_thanks", "send", "email"),
        ("04-10 12:15", "welcome_back", "send", "email"),
        ("04-11 12:00", "new_high_value", "send", "email"),
    ],
    "peteris": [
        ("02-28 12:05", "cat_home_thanks", "schedule", ""),
        ("02-28 12:05", "order_thanks", "suppress: no_address", ""),
        ("03-15 10:00", "cat_home_thanks", "suppress: no_address", ""),
    ],
}


@pytest.mark.parametrize("customer", sorted(EXPECTED))
def test_every_decision_is_the_one_worked_out_by_hand(customer: str) -> None:
    assert told(customer) == EXPECTED[customer]


def test_one_record_at_a_time_decides_the_same() -> None:
    assert {customer: told(customer, batch=1) for customer in EXPECTED} == EXPECTED


@pytest.mark.parametrize("partitions", [4, 7])
def test_any_number_of_partitions_decides_the_same(partitions: int) -> None:
    assert {customer: told(customer, partitions=partitions) for customer in EXPECTED} == EXPECTED


def test_nobody_else_was_decided_about() -> None:
    assert {who for who, _ in story().decisions()} == set(EXPECTED)


def test_the_scratching_post_and_the_cat_house() -> None:
    """Given Anna's order, when two weeks have passed, then at ten one e-mail says all that it should."""
    message = sent("anna", "cat_home_thanks")
    text, page = message.parts["txt"], message.parts["html"]
    assert message.address == "anna@mailbox.example"
    assert message.cause == "event:anna-05"
    assert message.parts["subject"] == "Anna, has Miso moved in?"
    for part in (text, page):
        assert "Sisal scratching post and Felt cat house" in part
        for question in ("Quality:", "Price:", "Delivery:"):
            assert question in part
        assert "bonus card" in part
        assert "10 % off cat food" in part
        assert "31 March 2025" in part
        assert "CATFOOD10" in part
        assert "https://petshop.example/stop" in part
        assert "https://petshop.example/survey" in part


@pytest.mark.parametrize(
    ("customer", "trigger", "words"),
    [
        ("olga", "club_invite", "Теперь вы — наш постоянный гость"),
        ("boris", "club_invite", "Бонусная карта ждёт на кассе"),
        ("liga", "new_high_value", "THANKS7"),
        ("marta", "first_grooming", "31 May 2025"),
        ("marta", "cart_reminder", "Jūs kaut ko atstājāt grozā"),
    ],
)
def test_everybody_is_written_to_in_their_language(customer: str, trigger: str, words: str) -> None:
    assert words in sent(customer, trigger).parts["txt"]


def test_what_the_paused_rule_holds_is_still_waiting() -> None:
    waiting = {
        (customer, match.trigger) for customer, state in known() for match in pending_matches(read_ledger(state))
    }
    assert waiting == {("john", "spring_walks"), ("marta", "spring_walks")}


def test_a_late_event_counts_as_if_it_had_come_in_time() -> None:
    """Boris's till was offline on 1 March; one order of six."""
    lines = [json.loads(line) for line in LINES]
    in_time = [{key: value for key, value in line.items() if key != "appended_at"} for line in lines]
    in_time.sort(key=lambda line: datetime.fromisoformat(line["occurred_at"]))
    assert in_time != lines
    traits = traits_of("boris", story())
    assert traits == traits_of("boris", live_through(rulebook(), in_time, live_from=LIVE_FROM))
    assert (traits["orders"], traits["spend"]) == ((6, 1), (495, 2))


def test_an_order_sent_twice_counts_once() -> None:
    world = story().shards[0].world
    assert world is not None
    assert world.meta.duplicates == 1
    assert traits_of("liga", story())["orders"] == (2, 1)


def known() -> list[tuple[str, Any]]:
    world = story().shards[0].world
    assert world is not None
    return list(world.all_states())


def traits_of(customer: str, told_by: Story) -> dict[str, Any]:
    """The traits as of the end; numbers as (numerator, denominator)."""
    world = told_by.shards[0].world
    assert world is not None
    return dict(world.program.trait_values(world.state(customer), world.meta.journey_ms))
