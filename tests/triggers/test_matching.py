"""What makes a match, and when it is due."""

from __future__ import annotations

import pytest

from tests.triggers.customer import Customer
from tests.triggers.journey import Happened, Journey, outcomes
from tests.triggers.rulebooks import DAY_MS, HOUR_MS, PLAIN, at, clock, enters, event, leaves, moves, rules, trigger
from triggers.definitions import On, TriggerDef
from triggers.occasion import IN, OUT, Transition
from triggers.schedule import due_instant

SENT = [("send", "thanks", "")]


def met(on: On, *transitions: Transition, event_type: str = "page_viewed") -> bool:
    journey = Journey(rules(trigger("thanks", on)))
    return outcomes(journey.event(event_type, "2026-03-01T12:00", *transitions)) == SENT


def test_entering_a_segment_matches_at_once() -> None:
    assert met(enters("cat_home"), ("cat_home", OUT, IN))


@pytest.mark.parametrize("change", [("cat_home", IN, OUT), ("dog_home", OUT, IN)])
def test_another_change_is_no_entering(change: Transition) -> None:
    assert not met(enters("cat_home"), change)


def test_leaving_a_segment_matches() -> None:
    assert met(leaves("cat_home"), ("cat_home", IN, OUT))
    assert not met(leaves("cat_home"), ("cat_home", OUT, IN))


@pytest.mark.parametrize(
    ("before", "to", "change", "expected"),
    [
        ("new", "repeat", ("lifecycle", "new", "repeat"), True),
        ("new", "repeat", ("lifecycle", "lost", "repeat"), False),
        ("new", "repeat", ("lifecycle", "new", "lost"), False),
        (None, "repeat", ("lifecycle", "lost", "repeat"), True),
        (None, "repeat", ("lifecycle", None, "repeat"), True),
        ("new", None, ("lifecycle", "new", "lost"), True),
        ("new", None, ("lifecycle", None, "new"), False),
        (None, None, ("lifecycle", None, "new"), True),
        (None, None, ("value", "low", "high"), False),
    ],
)
def test_moving_matches_what_it_names(before: str | None, to: str | None, change: Transition, expected: bool) -> None:
    assert met(moves("lifecycle", before=before, to=to), change) is expected


def test_an_event_matches_by_its_type() -> None:
    assert met(event("page_viewed"))
    assert not met(event("page_viewed"), event_type="order_completed")


def test_where_sees_the_event_and_the_customer() -> None:
    def large(state: object, t_ms: int, event: object, cause: object) -> bool:
        assert isinstance(event, Happened)
        assert isinstance(state, Customer)
        assert t_ms in (at("2026-03-01T12:00"), at("2026-03-01T13:00"))
        return event.fields["total"] == 90

    journey = Journey(rules(trigger("thanks", event("order_completed", where=PLAIN)), conditions={"thanks:on": large}))
    assert journey.event("order_completed", "2026-03-01T12:00", total=10) == []
    assert outcomes(journey.event("order_completed", "2026-03-01T13:00", total=90)) == SENT


def test_one_step_matches_triggers_in_the_order_of_their_names() -> None:
    book = rules(
        trigger("zebra", enters("cat_home"), after_ms=DAY_MS), trigger("ant", event("page_viewed"), after_ms=DAY_MS)
    )
    made = Journey(book).event("page_viewed", "2026-03-01T12:00", ("cat_home", OUT, IN))
    assert outcomes(made) == [("schedule", "ant", ""), ("schedule", "zebra", "")]


def test_a_match_of_later_is_scheduled_and_sent_on_its_day() -> None:
    journey = Journey(
        rules(trigger("thanks", enters("cat_home"), after_ms=14 * DAY_MS, at_ms=clock("10:00"))),
        Customer(fields={"email": "ann@pets.example", "time_zone": "Europe/Riga"}),
    )
    (schedule,) = journey.event("order_completed", "2026-03-20T13:30", ("cat_home", OUT, IN))
    assert schedule.kind == "schedule"
    assert schedule.due_ms == schedule.ask_ms == at("2026-04-04T10:00+03:00")
    assert schedule.matched_at_ms == schedule.at_ms == at("2026-03-20T13:30")
    assert schedule.cause == "event:order_completed-0"
    assert schedule.cause_offset == 0
    assert journey.until("2026-04-04T06:59:59.999") == []
    (send,) = journey.until("2026-04-04T07:00")
    assert (send.kind, send.at_ms, send.parts) == ("send", schedule.due_ms, {"txt": "thanks for ann"})
    assert journey.ledger.pending == []


def test_a_match_due_now_has_no_schedule_record() -> None:
    journey = Journey(rules(trigger("thanks", enters("cat_home"), at_ms=clock("12:00"))))
    assert outcomes(journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))) == SENT


def test_a_schedule_says_which_traits_made_it() -> None:
    from triggers.decide import decide
    from triggers.decisions import OWN
    from triggers.ledger import Ledger
    from triggers.occasion import Occasion

    occasion = Occasion(
        customer="ann",
        t_ms=0,
        position=(0, OWN, "ann"),
        cause="event:1",
        cause_offset=0,
        rulebook="r",
        event_type="order_completed",
        transitions=[("cat_home", OUT, IN), ("dog_home", OUT, IN)],
        evidence={"cat_home": {"orders": [0, 1]}, "dog_home": {"barks": [0, 9]}},
    )
    book = rules(trigger("thanks", enters("cat_home"), after_ms=DAY_MS))
    (schedule,) = decide(occasion, Customer(segments={"cat_home"}), Ledger(), book)
    assert schedule.evidence == {"traits": {"orders": [0, 1]}}


def test_coming_back_makes_a_new_match() -> None:
    journey = Journey(rules(trigger("thanks", enters("cat_home"), even_if_left=True, after_ms=DAY_MS)))
    journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))
    journey.event("order_refunded", "2026-03-01T13:00", ("cat_home", IN, OUT))
    journey.event("order_completed", "2026-03-01T14:00", ("cat_home", OUT, IN))
    assert journey.outcome() == [("schedule", "thanks", "")] * 2
    journey.until("2026-03-03T00:00")
    assert journey.outcome()[2:] == SENT * 2


def due(t: str, at_text: str | None, *, after_ms: int = 0, zone: str = "UTC") -> int:
    definition: TriggerDef = trigger(
        "thanks", enters("cat_home"), after_ms=after_ms, at_ms=None if at_text is None else clock(at_text)
    )
    return due_instant(definition, at(t), zone)


def test_without_a_local_time_it_is_due_after_the_time_that_passed() -> None:
    assert due("2026-03-28T12:00", None, after_ms=DAY_MS, zone="Europe/Riga") == at("2026-03-29T12:00")


def test_the_local_time_is_looked_for_from_then_on() -> None:
    assert due("2026-03-01T09:00", "10:00", after_ms=HOUR_MS) == at("2026-03-01T10:00")
    assert due("2026-03-01T09:00:00.001", "10:00", after_ms=HOUR_MS) == at("2026-03-02T10:00")


def test_a_local_time_that_the_clocks_skip_is_the_first_after_the_gap() -> None:
    # In Riga the clocks go from 03:00 to 04:00 on 29 March 2026.
    assert due("2026-03-28T12:00", "03:30", zone="Europe/Riga") == at("2026-03-29T04:00+03:00")


def test_a_local_time_that_the_clocks_repeat_is_the_first_of_the_two() -> None:
    # In Riga the clocks go from 04:00 back to 03:00 on 25 October 2026.
    assert due("2026-10-24T12:00", "03:30", zone="Europe/Riga") == at("2026-10-25T03:30+03:00")
    assert due("2026-10-25T03:31+03:00", "03:30", zone="Europe/Riga") == at("2026-10-26T03:30+02:00")
