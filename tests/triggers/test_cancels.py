"""What cancels a pending match, and what does not."""

from __future__ import annotations

import pytest

from tests.triggers.customer import Customer
from tests.triggers.journey import Happened, Journey, outcomes
from tests.triggers.rulebooks import (
    DAY_MS,
    HOUR_MS,
    PLAIN,
    WITH_CAUSE,
    at,
    clock,
    enters,
    event,
    leaves,
    moves,
    quiet,
    rules,
    trigger,
)
from triggers.definitions import On, Policy
from triggers.occasion import IN, OUT, Transition

LEFT = [("cancel", "thanks", "left")]
CANCELLED = [("cancel", "thanks", "cancel_when")]


def same_cart(state: object, t_ms: int, event: object, cause: object) -> bool:
    assert isinstance(event, Happened)
    assert isinstance(cause, Happened)
    return event.fields["cart_id"] == cause.fields["cart_id"]


def waiting(on: On, *transitions: Transition, **said: object) -> Journey:
    journey = Journey(rules(trigger("thanks", on, after_ms=DAY_MS, **said)))
    made = journey.event("order_completed", "2026-03-01T12:00", *transitions)
    assert outcomes(made) == [("schedule", "thanks", "")]
    return journey


def test_leaving_the_segment_cancels() -> None:
    journey = waiting(enters("cat_home"), ("cat_home", OUT, IN))
    (cancel,) = journey.event("order_refunded", "2026-03-01T13:00", ("cat_home", IN, OUT))
    assert (cancel.kind, cancel.reason, cancel.at_ms) == ("cancel", "left", at("2026-03-01T13:00"))
    assert cancel.evidence == {"segment": "cat_home", "now": "out", "traits": {}}
    assert journey.until("2026-03-09T00:00") == []


def test_leaving_at_a_due_instant_cancels_too() -> None:
    journey = waiting(enters("cat_home"), ("cat_home", OUT, IN))
    assert outcomes(journey.by_time("2026-03-01T18:00", ("cat_home", IN, OUT))) == LEFT


def test_leaving_in_the_step_in_which_it_is_due_cancels_before_it_is_asked() -> None:
    journey = waiting(enters("cat_home"), ("cat_home", OUT, IN))
    assert outcomes(journey.by_time("2026-03-02T12:00", ("cat_home", IN, OUT))) == LEFT


def test_moving_on_from_the_value_cancels() -> None:
    journey = waiting(moves("lifecycle", to="repeat"), ("lifecycle", "new", "repeat"))
    (cancel,) = journey.event("order_completed", "2026-03-01T13:00", ("lifecycle", "repeat", "advocate"))
    assert cancel.reason == "left"
    assert cancel.evidence == {"dimension": "lifecycle", "now": "advocate", "traits": {}}


def test_a_move_that_names_no_value_is_not_left() -> None:
    journey = waiting(moves("lifecycle", before="new"), ("lifecycle", "new", "repeat"))
    assert journey.event("order_completed", "2026-03-01T13:00", ("lifecycle", "repeat", "advocate")) == []


@pytest.mark.parametrize("on", [enters("cat_home"), moves("lifecycle", to="repeat")])
def test_even_if_left_keeps_it(on: On) -> None:
    journey = waiting(on, ("cat_home", OUT, IN), ("lifecycle", "new", "repeat"), even_if_left=True)
    journey.event("order_refunded", "2026-03-01T13:00", ("cat_home", IN, OUT), ("lifecycle", "repeat", "new"))
    assert outcomes(journey.until("2026-03-09T00:00")) == [("send", "thanks", "")]


def test_a_match_on_leaving_is_not_left_by_coming_back() -> None:
    journey = waiting(leaves("cat_home"), ("cat_home", IN, OUT))
    assert journey.event("order_completed", "2026-03-01T13:00", ("cat_home", OUT, IN)) == []


def test_a_held_match_is_cancelled_too() -> None:
    book = rules(trigger("thanks", enters("cat_home")), policy=Policy(quiet_hours=quiet("21:00", "09:00")))
    journey = Journey(book)
    held = journey.event("order_completed", "2026-03-01T23:00", ("cat_home", OUT, IN))
    assert outcomes(held) == [("hold", "thanks", "quiet_hours")]
    assert outcomes(journey.event("order_refunded", "2026-03-02T01:00", ("cat_home", IN, OUT))) == LEFT


def test_someone_outside_is_cancelled_whichever_step_left_them_there() -> None:
    # As when a fix of a trait, or a second fold, puts the customer outside: nothing 'leaves', and nothing is sent.
    journey = waiting(enters("cat_home"), ("cat_home", OUT, IN))
    journey.customer.segments.clear()
    assert outcomes(journey.event("page_viewed", "2026-03-01T13:00")) == LEFT


def test_someone_outside_when_it_is_due_is_cancelled_not_sent() -> None:
    journey = waiting(enters("cat_home"), ("cat_home", OUT, IN))
    journey.customer.segments.clear()
    assert outcomes(journey.until("2026-03-09T00:00")) == LEFT


@pytest.mark.parametrize(
    ("on", "event_type", "transitions"),
    [
        (event("order_completed"), "order_completed", ()),
        (enters("vip"), "page_viewed", (("vip", OUT, IN),)),
        (leaves("reachable"), "page_viewed", (("reachable", IN, OUT),)),
        (moves("value", before="low", to="high"), "page_viewed", (("value", "low", "high"),)),
        (moves("value"), "page_viewed", (("value", None, "low"),)),
    ],
)
def test_cancel_when_takes_every_kind_of_occasion(on: On, event_type: str, transitions: tuple[Transition, ...]) -> None:
    journey = waiting(event("order_completed"), cancel_when=(on,))
    (cancel, *_) = journey.event(event_type, "2026-03-01T13:00", *transitions)
    assert cancel.reason == "cancel_when"
    assert cancel.evidence == {"by": on.canonical, "cause": f"event:{event_type}-1"}


def test_what_does_not_fit_cancels_nothing() -> None:
    journey = waiting(
        enters("cat_home"),
        ("cat_home", OUT, IN),
        cancel_when=(event("ticket_opened"), enters("vip"), moves("value", before="low")),
    )
    quiet_step = journey.event("page_viewed", "2026-03-01T13:00", ("vip", IN, OUT), ("value", None, "low"))
    assert quiet_step == []


def test_any_of_a_list_cancels_and_the_first_written_is_named() -> None:
    cancels = (event("ticket_opened"), event("page_viewed"), enters("vip"))
    journey = waiting(event("order_completed"), cancel_when=cancels)
    (cancel,) = journey.event("page_viewed", "2026-03-01T13:00", ("vip", OUT, IN))
    assert cancel.evidence["by"] == "event page_viewed False"


def test_a_match_is_not_cancelled_by_the_step_that_made_it() -> None:
    journey = waiting(event("order_completed"), cancel_when=(event("order_completed"),))
    again = journey.event("order_completed", "2026-03-01T13:00")
    assert outcomes(again) == [("cancel", "thanks", "cancel_when"), ("schedule", "thanks", "")]


def test_left_is_named_before_cancel_when() -> None:
    journey = waiting(enters("cat_home"), ("cat_home", OUT, IN), cancel_when=(event("order_refunded"),))
    assert outcomes(journey.event("order_refunded", "2026-03-01T13:00", ("cat_home", IN, OUT))) == LEFT


def test_where_compares_the_cancelling_event_with_the_cause() -> None:
    cancels = (event("order_completed", where=WITH_CAUSE),)
    book = rules(
        trigger("thanks", event("cart_updated"), after_ms=DAY_MS, cancel_when=cancels),
        conditions={"thanks:cancel:0": same_cart},
    )
    journey = Journey(book)
    journey.event("cart_updated", "2026-03-01T12:00", cart_id="a")
    journey.event("cart_updated", "2026-03-01T12:10", cart_id="b")
    (cancel,) = journey.event("order_completed", "2026-03-01T13:00", cart_id="b")
    assert (cancel.reason, cancel.cause) == ("cancel_when", "event:cart_updated-1")
    (send,) = journey.until("2026-03-09T00:00")
    assert (send.kind, send.cause) == ("send", "event:cart_updated-0")


def test_a_cause_that_is_not_compared_is_not_fetched() -> None:
    cancels = (event("page_viewed", where=PLAIN),)
    journey = Journey(rules(trigger("thanks", event("cart_updated"), after_ms=DAY_MS, cancel_when=cancels)))
    journey.event("cart_updated", "2026-03-01T12:00")
    assert journey.event("page_viewed", "2026-03-01T13:00") == []  # the condition is false
    assert journey.fetched == []


def test_cancels_are_recorded_by_trigger_then_age() -> None:
    book = rules(
        *(trigger(name, enters("cat_home"), after_ms=DAY_MS, even_if_left=True) for name in ("b", "a")),
    )
    journey = Journey(book)
    for hour in ("12", "14"):
        journey.event("order_completed", f"2026-03-01T{hour}:00", ("cat_home", OUT, IN))
        journey.event("order_refunded", f"2026-03-01T{hour}:30", ("cat_home", IN, OUT))
    (first, second, third, fourth) = journey.activate(rules(), "2026-03-01T18:00")
    assert [(cancel.trigger, cancel.made[0]) for cancel in (first, second, third, fourth)] == [
        ("a", 0),
        ("a", 2),
        ("b", 0),
        ("b", 2),
    ]


def test_a_local_time_in_the_customers_own_zone_is_fixed_at_the_match() -> None:
    journey = Journey(
        rules(trigger("thanks", enters("cat_home"), at_ms=clock("10:00"))),
        Customer(fields={"email": "ann@pets.example", "time_zone": "Europe/Riga"}),
    )
    journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))
    journey.customer.fields["time_zone"] = "America/New_York"
    (send,) = journey.until("2026-03-09T00:00")
    assert send.at_ms == at("2026-03-02T10:00+02:00")


def test_a_match_behind_others_can_be_cancelled_in_the_ms_that_made_it() -> None:
    book = rules(
        trigger(
            "thanks",
            event("cart_updated"),
            after_ms=DAY_MS,
            cancel_when=(event("order_completed", where=WITH_CAUSE),),
        ),
        conditions={"thanks:cancel:0": same_cart},
    )
    journey = Journey(book)
    for cart in ("a", "b"):
        journey.event("cart_updated", "2026-03-01T12:00", cart_id=cart)
    (cancel,) = journey.event("order_completed", "2026-03-01T12:00", cart_id="b")
    assert (cancel.kind, cancel.made[0]) == ("cancel", 1)
    assert [match.made[0] for queue in journey.ledger.pending for match in queue] == [0]


def test_a_held_match_is_cancelled_before_a_younger_one_that_is_asked_earlier() -> None:
    definition = trigger("thanks", event("order_completed"), after_ms=2 * HOUR_MS, cancel_when=(event("page_viewed"),))
    journey = Journey(rules(definition, policy=Policy(quiet_hours=quiet("21:00", "09:00"))))
    journey.event("order_completed", "2026-03-01T20:00")
    journey.event("order_completed", "2026-03-02T05:00")
    assert [match.made[0] for queue in journey.ledger.pending for match in queue] == [1, 0]
    cancelled = journey.event("page_viewed", "2026-03-02T06:00")
    assert [cancel.made[0] for cancel in cancelled] == [0, 1]
