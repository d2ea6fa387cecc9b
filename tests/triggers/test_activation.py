"""What another rulebook does to what is pending, and what it matches."""

from __future__ import annotations

from tests.triggers.journey import Journey, outcomes
from tests.triggers.rulebooks import DAY_MS, HOUR_MS, at, enters, event, leaves, moves, quiet, rules, trigger
from triggers.definitions import Policy, TriggerDef
from triggers.occasion import IN, OUT

NEXT = "2026-03-01T18:00"


def waiting(definition: TriggerDef) -> Journey:
    """A journey in which the trigger has matched at noon and waits."""
    journey = Journey(rules(definition))
    made = journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))
    assert [decision.kind for decision in made] in (["schedule"], ["hold"])
    return journey


def cat_home(**said: object) -> TriggerDef:
    return trigger("thanks", enters("cat_home"), **{"after_ms": DAY_MS, **said})


def test_a_trigger_that_is_gone_cancels_its_matches() -> None:
    (cancel,) = waiting(cat_home()).activate(rules(), NEXT)
    assert (cancel.kind, cancel.reason, cancel.rulebook) == ("cancel", "trigger_removed", "r2")
    assert cancel.evidence == {"trigger": "gone"}


def test_a_trigger_with_another_on_cancels_its_matches() -> None:
    (cancel,) = waiting(cat_home()).activate(rules(trigger("thanks", enters("dog_home"))), NEXT)
    assert cancel.reason == "trigger_removed"
    assert cancel.evidence == {"on": "enters dog_home"}


def test_a_removed_trigger_is_named_before_having_left() -> None:
    journey = waiting(cat_home())
    assert outcomes(journey.activate(rules(), NEXT, ("cat_home", IN, OUT))) == [("cancel", "thanks", "trigger_removed")]


def test_whatever_else_changed_the_match_keeps_its_due_instant_and_goes_by_the_new_rules() -> None:
    journey = waiting(cat_home())
    assert journey.activate(rules(cat_home(after_ms=HOUR_MS, template="broken")), NEXT) == []
    (end,) = journey.until("2026-03-09T00:00")
    assert (end.reason, end.at_ms) == ("template", at("2026-03-02T12:00"))


def test_a_pause_that_is_taken_off_asks_at_once() -> None:
    journey = waiting(cat_home(after_ms=0, paused=True))
    (send,) = journey.activate(rules(cat_home()), NEXT)
    assert (send.kind, send.at_ms, send.due_ms) == ("send", at(NEXT), at("2026-03-01T12:00"))


def test_a_pause_that_stays_holds_without_a_word() -> None:
    journey = waiting(cat_home(after_ms=0, paused=True))
    assert journey.activate(rules(cat_home(paused=True, priority=3)), NEXT) == []
    (send,) = journey.activate(rules(cat_home()), "2026-03-05T12:00")
    assert send.kind == "send"


def test_a_pause_put_on_holds_what_becomes_due() -> None:
    journey = waiting(cat_home())
    assert journey.activate(rules(cat_home(paused=True)), NEXT) == []
    (hold,) = journey.until("2026-03-09T00:00")
    assert (hold.reason, hold.at_ms) == ("paused", at("2026-03-02T12:00"))


def test_paused_matches_and_timed_ones_wait_side_by_side() -> None:
    journey = waiting(cat_home(after_ms=0, paused=True, even_if_left=True))
    journey.rules = rules(cat_home(paused=True, even_if_left=True))
    journey.event("order_refunded", "2026-03-01T13:00", ("cat_home", IN, OUT))
    journey.event("order_completed", "2026-03-01T14:00", ("cat_home", OUT, IN))
    assert outcomes(journey.activate(rules(cat_home(even_if_left=True)), NEXT)) == [("send", "thanks", "")]
    assert outcomes(journey.until("2026-03-02T14:00")) == [("send", "thanks", "")]


def test_a_pause_taken_off_at_night_holds_till_morning() -> None:
    journey = waiting(cat_home(after_ms=0, paused=True))
    night = Policy(quiet_hours=quiet("21:00", "09:00"))
    (hold,) = journey.activate(rules(cat_home(), policy=night), "2026-03-01T22:00")
    assert (hold.reason, hold.ask_ms) == ("quiet_hours", at("2026-03-02T09:00"))


def test_what_the_new_rulebook_puts_outside_is_cancelled() -> None:
    journey = waiting(cat_home())
    assert outcomes(journey.activate(rules(cat_home()), NEXT, ("cat_home", IN, OUT))) == [("cancel", "thanks", "left")]


def test_the_differences_cancel_by_cancel_when_too() -> None:
    definition = cat_home(cancel_when=(enters("vip"),))
    journey = waiting(definition)
    cancelled = journey.activate(rules(definition), NEXT, ("vip", OUT, IN))
    assert outcomes(cancelled) == [("cancel", "thanks", "cancel_when")]


def test_transitions_by_an_activation_match_nothing() -> None:
    book = rules(
        trigger("a", enters("cat_home")),
        trigger("b", leaves("dog_home")),
        trigger("c", moves("lifecycle")),
    )
    journey = Journey(rules())
    changes = (("cat_home", OUT, IN), ("dog_home", IN, OUT), ("lifecycle", "new", "repeat"))
    assert journey.activate(book, NEXT, *changes, brought_in=["cat_home"]) == []


class TestIncludeExisting:
    WELCOME = trigger("welcome", enters("cat_home"), include_existing=True)

    def test_the_first_activation_that_contains_it_matches_all_who_are_in(self) -> None:
        journey = Journey(rules())
        journey.customer.segments.add("cat_home")
        (send,) = journey.activate(rules(self.WELCOME), NEXT)
        assert (send.kind, send.cause, send.cause_offset) == ("send", f"activation:{at(NEXT)}", -1)

    def test_and_none_who_are_not(self) -> None:
        assert Journey(rules()).activate(rules(self.WELCOME), NEXT) == []

    def test_a_later_one_matches_whom_it_brings_in(self) -> None:
        journey = Journey(rules(self.WELCOME))
        brought = journey.activate(rules(self.WELCOME), NEXT, ("cat_home", OUT, IN), brought_in=["cat_home"])
        assert outcomes(brought) == [("send", "welcome", "")]

    def test_and_none_who_were_in_already(self) -> None:
        journey = Journey(rules(self.WELCOME))
        journey.customer.segments.add("cat_home")
        assert journey.activate(rules(self.WELCOME), NEXT) == []

    def test_a_name_that_an_earlier_rulebook_had_is_not_new(self) -> None:
        journey = Journey(rules(self.WELCOME))
        journey.activate(rules(), NEXT)
        journey.customer.segments.add("cat_home")
        assert journey.activate(rules(self.WELCOME), "2026-03-02T12:00") == []

    def test_a_match_may_be_for_later_and_is_cancelled_like_any_other(self) -> None:
        journey = Journey(rules())
        journey.customer.segments.add("cat_home")
        later = rules(trigger("welcome", enters("cat_home"), include_existing=True, after_ms=DAY_MS))
        journey.activate(later, NEXT)
        journey.event("order_refunded", "2026-03-01T19:00", ("cat_home", IN, OUT))
        assert journey.outcome() == [("schedule", "welcome", ""), ("cancel", "welcome", "left")]

    def test_a_changed_on_cancels_the_old_match_and_matches_whom_it_brings_in(self) -> None:
        old = trigger("welcome", enters("dog_home"), include_existing=True, after_ms=DAY_MS)
        journey = Journey(rules(old))
        journey.event("order_completed", "2026-03-01T12:00", ("dog_home", OUT, IN))
        journey.activate(rules(self.WELCOME), NEXT, ("cat_home", OUT, IN), brought_in=["cat_home"])
        assert journey.outcome()[1:] == [("cancel", "welcome", "trigger_removed"), ("send", "welcome", "")]


def test_what_happened_before_an_activation_is_not_matched_by_it() -> None:
    journey = Journey(rules())
    journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))
    after = rules(trigger("a", event("order_completed")), trigger("b", enters("cat_home")))
    assert journey.activate(after, NEXT) == []
