"""Nothing is sent while the customer's clock says it is quiet."""

from __future__ import annotations

import pytest

from tests.triggers.customer import Customer
from tests.triggers.journey import Journey
from tests.triggers.rulebooks import at, event, quiet, rules, trigger
from triggers.decisions import Decision
from triggers.definitions import Policy, QuietHours

NIGHT = quiet("21:00", "09:00")


def decided(when: str, *, hours: QuietHours = NIGHT, zone: str = "UTC", purpose: str = "marketing") -> Decision:
    book = rules(trigger("thanks", event("order_completed"), purpose=purpose), policy=Policy(quiet_hours=hours))
    customer = Customer(fields={"email": "ann@pets.example", "time_zone": zone})
    (decision,) = Journey(book, customer).event("order_completed", when)
    return decision


@pytest.mark.parametrize(
    ("when", "until"),
    [
        ("2026-03-01T20:59:59.999", None),
        ("2026-03-01T21:00", "2026-03-02T09:00"),
        ("2026-03-02T00:00", "2026-03-02T09:00"),
        ("2026-03-02T08:59:59.999", "2026-03-02T09:00"),
        ("2026-03-02T09:00", None),
    ],
)
def test_round_midnight(when: str, until: str | None) -> None:
    decision = decided(when)
    if until is None:
        assert decision.kind == "send"
    else:
        assert (decision.kind, decision.reason, decision.ask_ms) == ("hold", "quiet_hours", at(until))


@pytest.mark.parametrize(
    ("when", "until"),
    [
        ("2026-03-01T12:59:59.999", None),
        ("2026-03-01T13:00", "2026-03-01T15:00"),
        ("2026-03-01T15:00", None),
    ],
)
def test_within_a_day(when: str, until: str | None) -> None:
    decision = decided(when, hours=quiet("13:00", "15:00"))
    assert decision.ask_ms == (-1 if until is None else at(until))


def test_it_says_what_the_clock_said() -> None:
    hold = decided("2026-03-01T22:30+02:00", zone="Europe/Riga")
    assert hold.evidence == {"local_time": "22:30", "zone": "Europe/Riga", "quiet": "21:00-09:00"}
    assert (hold.channel, hold.address, hold.purpose) == ("email", "ann@pets.example", "marketing")


def test_a_hold_lasts_to_the_morning_over_a_change_of_clocks() -> None:
    hold = decided("2026-03-28T22:30+02:00", zone="Europe/Riga")
    assert hold.ask_ms == at("2026-03-29T09:00+03:00")


def test_quiet_hours_that_end_in_a_gap_end_with_it() -> None:
    hold = decided("2026-03-29T01:00+02:00", hours=quiet("00:00", "03:30"), zone="Europe/Riga")
    assert hold.ask_ms == at("2026-03-29T04:00+03:00")


@pytest.mark.parametrize("offset", ["+03:00", "+02:00"])
def test_a_doubled_hour_is_quiet_twice(offset: str) -> None:
    # In Riga on 25 October 2026, 03:00 to 04:00 happens twice; by the wall clock both are quiet.
    hold = decided(f"2026-10-25T03:20{offset}", hours=quiet("03:10", "03:40"), zone="Europe/Riga")
    assert hold.ask_ms == at(f"2026-10-25T03:40{offset}")


def test_between_the_two_it_is_not_quiet_and_then_it_is_again() -> None:
    hours = quiet("03:10", "03:40")
    assert decided("2026-10-25T03:50+03:00", hours=hours, zone="Europe/Riga").kind == "send"
    assert decided("2026-10-25T03:10+02:00", hours=hours, zone="Europe/Riga").kind == "hold"


def test_a_hold_into_the_doubled_hour_ends_the_first_time_the_clock_says_so() -> None:
    hold = decided("2026-10-24T23:00+03:00", hours=quiet("22:00", "03:30"), zone="Europe/Riga")
    assert hold.ask_ms == at("2026-10-25T03:30+03:00")


def test_the_zone_is_the_one_the_customer_has_when_asked() -> None:
    book = rules(trigger("thanks", event("order_completed")), policy=Policy(quiet_hours=NIGHT))
    journey = Journey(book, Customer(fields={"email": "ann@pets.example", "time_zone": "Europe/Riga"}))
    journey.event("order_completed", "2026-03-01T22:30+02:00")
    journey.customer.fields["time_zone"] = "America/New_York"
    (again,) = journey.until("2026-03-02T09:00+02:00")  # 02:00 in New York
    assert (again.kind, again.ask_ms) == ("hold", at("2026-03-02T09:00-05:00"))


def test_a_zone_that_does_not_exist_gives_way_to_the_policys() -> None:
    assert decided("2026-03-01T22:00", zone="Mars/Olympus").ask_ms == at("2026-03-02T09:00")


def test_transactional_messages_are_sent_at_night() -> None:
    assert decided("2026-03-01T23:00", purpose="transactional").kind == "send"


def test_unless_the_policy_applies_to_them() -> None:
    hours = quiet("21:00", "09:00", "marketing", "transactional")
    assert decided("2026-03-01T23:00", hours=hours, purpose="transactional").kind == "hold"


@pytest.mark.parametrize(("named", "kind"), [("marketing", "hold"), ("news", "hold"), ("transactional", "send")])
def test_other_purposes_go_with_marketing_or_by_their_own_name(named: str, kind: str) -> None:
    book = rules(
        trigger("thanks", event("order_completed"), purpose="news"),
        policy=Policy(quiet_hours=quiet("21:00", "09:00", named)),
    )
    (decision,) = Journey(book, Customer(consents={("email", "news")})).event("order_completed", "2026-03-01T23:00")
    assert decision.kind == kind
