"""In which order one step decides."""

from __future__ import annotations

from tests.triggers.journey import Journey, outcomes
from tests.triggers.rulebooks import DAY_MS, HOUR_MS, cap, enters, event, rules, trigger
from triggers.definitions import Once, Policy
from triggers.occasion import IN, OUT


def test_the_highest_priority_is_asked_first_then_the_first_name() -> None:
    book = rules(
        trigger("a", event("order_completed")),
        trigger("c", event("order_completed"), priority=5),
        trigger("b", event("order_completed"), priority=5),
        trigger("z", event("order_completed"), priority=-1),
        policy=Policy(caps=(cap(2, DAY_MS),)),
    )
    assert outcomes(Journey(book).event("order_completed", "2026-03-01T12:00")) == [
        ("send", "b", ""),
        ("send", "c", ""),
        ("suppress", "a", "cap"),
        ("suppress", "z", "cap"),
    ]


def test_of_one_triggers_matches_the_oldest_is_asked_first() -> None:
    journey = Journey(rules(trigger("a", event("order_completed"), after_ms=DAY_MS, at_ms=10 * HOUR_MS)))
    for hour in ("11", "12", "13"):
        journey.event("order_completed", f"2026-03-01T{hour}:00")
    assert [decision.cause for decision in journey.until("2026-03-03T10:00")] == [
        "event:order_completed-0",
        "event:order_completed-1",
        "event:order_completed-2",
    ]


def test_an_older_match_goes_before_one_made_in_the_step() -> None:
    said = {"once": Once.PER_CUSTOMER, "include_existing": True, "even_if_left": True}
    journey = Journey(rules(trigger("a", enters("cat_home"), paused=True, **said)))
    journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))
    journey.event("order_refunded", "2026-03-01T13:00", ("cat_home", IN, OUT))
    unpaused = rules(trigger("a", enters("cat_home"), **said))
    journey.activate(unpaused, "2026-03-01T14:00", ("cat_home", OUT, IN), brought_in=["cat_home"])
    assert [(decision.reason, decision.cause[:5]) for decision in journey.last] == [("", "event"), ("once", "activ")]


def test_due_and_new_matches_are_asked_together() -> None:
    book = rules(
        trigger("a", event("order_completed"), after_ms=HOUR_MS),
        trigger("b", enters("cat_home"), priority=1),
    )
    journey = Journey(book)
    journey.event("order_completed", "2026-03-01T12:00")
    assert outcomes(journey.by_time("2026-03-01T13:00", ("cat_home", OUT, IN))) == [
        ("send", "b", ""),
        ("send", "a", ""),
    ]


def test_cancels_then_schedules_then_what_was_asked() -> None:
    book = rules(
        trigger("a_waits", event("order_completed"), after_ms=DAY_MS, cancel_when=(event("order_completed"),)),
        trigger("b_now", event("order_completed"), priority=9),
    )
    journey = Journey(book)
    journey.event("order_completed", "2026-03-01T12:00")
    assert outcomes(journey.event("order_completed", "2026-03-01T13:00")) == [
        ("cancel", "a_waits", "cancel_when"),
        ("schedule", "a_waits", ""),
        ("send", "b_now", ""),
    ]


def test_what_is_overdue_is_decided_at_the_steps_own_time() -> None:
    # Code that forgot a match, or an outage: the decision is made now, beside the messages sent since.
    book = rules(
        trigger("late", event("order_completed"), after_ms=5 * HOUR_MS),
        trigger("now", event("page_viewed")),
        policy=Policy(caps=(cap(1, 8 * HOUR_MS),)),
    )
    journey = Journey(book)
    journey.event("order_completed", "2026-03-01T01:00")
    forgotten = journey.ledger.pending.pop()
    journey.replayed.pending.clear()
    journey.event("page_viewed", "2026-03-01T10:00")
    for ledger in (journey.ledger, journey.replayed):
        ledger.pending.append(list(forgotten))
    (end,) = journey.step_at("2026-03-01T12:00")
    assert (end.reason, end.at_ms - end.due_ms) == ("cap", 6 * HOUR_MS)
