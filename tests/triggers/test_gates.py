"""Each gate: what it objects to, with which reason, and in which order they are asked."""

from __future__ import annotations

import pytest

from projections.expressions.tree import Node
from tests.triggers.customer import Customer
from tests.triggers.journey import Happened, Journey, outcomes
from tests.triggers.rulebooks import DAY_MS, HOUR_MS, PLAIN, WITH_EVENT, at, clock, enters, event, quiet, rules, trigger
from triggers.asking import Asking, Send, Verdict
from triggers.decisions import OWN, Decision
from triggers.definitions import Cap, Once, Policy, TriggerDef
from triggers.gates import ask, held_out
from triggers.ledger import Ledger, Pending, Use
from triggers.occasion import IN, OUT, Occasion
from triggers.rules import Condition

NIGHT = Policy(quiet_hours=quiet("21:00", "09:00"))


def asked(definition: TriggerDef, *, customer: Customer | None = None, policy: Policy | None = None) -> Decision:
    """What is decided about one match on an order at noon."""
    journey = Journey(rules(definition, policy=policy), customer)
    (decision,) = journey.event("order_completed", "2026-03-01T12:00")
    return decision


def thanks(**said: object) -> TriggerDef:
    return trigger("thanks", event("order_completed"), **said)


def test_a_match_no_gate_objects_to_is_sent() -> None:
    customer = Customer(traits={"thanks": {"orders": 3}})
    send = asked(thanks(), customer=customer)
    assert (send.kind, send.reason, send.channel, send.address) == ("send", "", "email", "ann@pets.example")
    assert (send.purpose, send.parts) == ("marketing", {"txt": "thanks for ann"})
    assert (send.at_ms, send.due_ms, send.ask_ms, send.rulebook) == (at("2026-03-01T12:00"),) * 2 + (-1, "r")
    assert send.evidence == {"traits": {"orders": 3}, "channels": {}}


class TestExpired:
    @pytest.mark.parametrize(("hours", "kind"), [(12, "send"), (11, "suppress")])
    def test_a_hold_never_ends_in_a_stale_message(self, hours: int, kind: str) -> None:
        # Due at 21:00, asked again at 09:00: exactly 12 hours late.
        journey = Journey(rules(thanks(after_ms=HOUR_MS, expires_after_ms=hours * HOUR_MS), policy=NIGHT))
        journey.event("order_completed", "2026-03-01T20:00")
        (hold, end) = journey.until("2026-03-02T09:00")
        assert (hold.kind, end.kind) == ("hold", kind)

    def test_it_says_how_late_it_is(self) -> None:
        journey = Journey(rules(thanks(expires_after_ms=DAY_MS, paused=True)))
        journey.event("order_completed", "2026-03-01T12:00")
        (end,) = journey.activate(rules(thanks(expires_after_ms=DAY_MS)), "2026-03-02T12:00:00.001")
        assert (end.reason, end.evidence) == ("expired", {"late_ms": DAY_MS + 1, "expires_after_ms": DAY_MS})


class TestPaused:
    def test_a_due_match_is_held_until_an_activation(self) -> None:
        journey = Journey(rules(thanks(paused=True)))
        (hold,) = journey.event("order_completed", "2026-03-01T12:00")
        assert (hold.kind, hold.reason, hold.ask_ms) == ("hold", "paused", -1)
        assert journey.until("2027-03-01T12:00") == []

    def test_matches_are_made_all_the_same(self) -> None:
        journey = Journey(rules(thanks(paused=True, after_ms=HOUR_MS)))
        assert outcomes(journey.event("order_completed", "2026-03-01T12:00")) == [("schedule", "thanks", "")]
        assert outcomes(journey.until("2026-03-02T12:00")) == [("hold", "thanks", "paused")]

    def test_a_pause_cancels_nothing_but_what_else_cancels_does(self) -> None:
        journey = Journey(rules(trigger("thanks", enters("cat_home"), paused=True)))
        journey.event("order_completed", "2026-03-01T12:00", ("cat_home", OUT, IN))
        assert journey.event("page_viewed", "2026-03-01T13:00") == []
        left = journey.event("order_refunded", "2026-03-01T14:00", ("cat_home", IN, OUT))
        assert outcomes(left) == [("cancel", "thanks", "left")]


class TestCondition:
    def decide(self, condition: Condition) -> Decision:
        book = rules(thanks(condition=WITH_EVENT, after_ms=HOUR_MS), conditions={"thanks:if": condition})
        journey = Journey(book, Customer(traits={"thanks": {"nps": 3}}))
        journey.event("order_completed", "2026-03-01T12:00", total=80)
        (decision,) = journey.until("2026-03-01T13:00")
        return decision

    def test_one_that_does_not_hold_suppresses_and_shows_the_traits(self) -> None:
        end = self.decide(lambda *_: False)
        assert (end.kind, end.reason, end.evidence) == ("suppress", "condition", {"traits": {"nps": 3}})

    def test_it_is_asked_when_due_and_sees_the_event_that_caused_the_match(self) -> None:
        def worth_it(state: object, t_ms: int, event: object, cause: object) -> bool:
            assert isinstance(event, Happened)
            assert (t_ms, cause) == (at("2026-03-01T13:00"), None)
            return event.fields["total"] == 80

        assert self.decide(worth_it).kind == "send"

    def test_a_match_that_no_event_caused_gives_it_none(self) -> None:
        def no_event(state: object, t_ms: int, event: object, cause: object) -> bool:
            return event is None

        book = rules(trigger("thanks", enters("lapsing"), condition=WITH_EVENT), conditions={"thanks:if": no_event})
        assert outcomes(Journey(book).by_time("2026-03-01T12:00", ("lapsing", OUT, IN))) == [("send", "thanks", "")]

    @pytest.mark.parametrize(("condition", "fetched"), [(PLAIN, []), (WITH_EVENT, [0])])
    def test_the_event_is_fetched_only_for_a_condition_that_reads_it(self, condition: Node, fetched: list[int]) -> None:
        journey = Journey(rules(thanks(condition=condition, after_ms=HOUR_MS)))
        journey.event("order_completed", "2026-03-01T12:00", total=80)
        assert outcomes(journey.until("2026-03-01T13:00")) == [("suppress", "thanks", "condition")]
        assert journey.fetched == fetched


class TestOnce:
    def test_per_cause_objects_to_the_same_cause_only(self) -> None:
        journey = Journey(rules(thanks()))
        journey.event("order_completed", "2026-03-01T12:00", id="o1")
        journey.event("order_completed", "2026-03-01T12:00", id="o2")
        (end,) = journey.event("order_completed", "2026-05-01T12:00", id="o1")
        assert journey.outcome()[:2] == [("send", "thanks", "")] * 2
        assert end.reason == "once"
        assert end.evidence == {
            "once": "per_cause",
            "used_at_ms": at("2026-03-01T12:00"),
            "used_by": "event:o1",
            "sent": True,
        }

    def test_per_customer_objects_for_ever(self) -> None:
        journey = Journey(rules(thanks(once=Once.PER_CUSTOMER)))
        journey.event("order_completed", "2026-03-01T12:00")
        (end,) = journey.event("order_completed", "2036-03-01T12:00")
        assert (end.reason, end.evidence["once"]) == ("once", "per_customer")

    @pytest.mark.parametrize(("when", "kind"), [("2026-03-08T11:59:59.999", "suppress"), ("2026-03-08T12:00", "send")])
    def test_a_duration_objects_until_it_has_passed(self, when: str, kind: str) -> None:
        journey = Journey(rules(thanks(once=7 * DAY_MS)))
        journey.event("order_completed", "2026-03-01T12:00")
        (decision,) = journey.event("order_completed", when)
        assert decision.kind == kind

    def test_a_duration_counts_from_the_newest_use(self) -> None:
        journey = Journey(rules(thanks(once=7 * DAY_MS)))
        for day in ("01", "08", "14"):
            journey.event("order_completed", f"2026-03-{day}T12:00")
        assert [kind for kind, _, _ in journey.outcome()] == ["send", "send", "suppress"]

    def test_another_triggers_send_uses_nothing_up(self) -> None:
        other = trigger("other", event("page_viewed"), once=Once.PER_CUSTOMER)
        journey = Journey(rules(thanks(once=Once.PER_CUSTOMER), other))
        journey.event("page_viewed", "2026-03-01T12:00")
        assert outcomes(journey.event("order_completed", "2026-03-01T13:00")) == [("send", "thanks", "")]

    def test_a_suppression_uses_nothing_up(self) -> None:
        journey = Journey(rules(thanks(once=Once.PER_CUSTOMER)), Customer(consents=set()))
        journey.event("order_completed", "2026-03-01T12:00")
        journey.customer.consents.add(("email", "marketing"))
        journey.event("order_completed", "2026-03-01T13:00")
        assert journey.outcome() == [("suppress", "thanks", "consent"), ("send", "thanks", "")]

    def test_a_holdout_uses_it_up(self) -> None:
        journey = Journey(rules(thanks(once=Once.PER_CUSTOMER, holdout=1_000_000)))
        journey.event("order_completed", "2026-03-01T12:00")
        (end,) = journey.event("order_completed", "2026-03-02T12:00")
        assert (end.reason, end.evidence["sent"]) == ("once", False)

    def test_it_is_kept_by_name_across_rulebooks(self) -> None:
        journey = Journey(rules(thanks(once=Once.PER_CUSTOMER)))
        journey.event("order_completed", "2026-03-01T12:00")
        journey.activate(rules(), "2026-03-02T12:00")
        journey.activate(rules(trigger("thanks", event("page_viewed"), once=400 * DAY_MS)), "2026-03-03T12:00")
        assert outcomes(journey.event("page_viewed", "2027-03-01T12:00")) == [("suppress", "thanks", "once")]


class TestOrder:
    """The first gate that objects gives the reason."""

    # To a match with this trigger everything objects; each fix uncovers the next gate.
    FIXES: tuple[tuple[str, dict[str, object]], ...] = (
        ("expired", {"expires_after_ms": None}),
        ("paused", {"paused": False}),
        ("condition", {"condition": None}),
        ("once", {"once": Once.PER_CAUSE}),
        ("consent", {"channels": ("sms",)}),
        ("cap", {"purpose": "news"}),
        ("quiet_hours", {"purpose": "transactional"}),
        ("template", {"template": "thanks"}),
        ("holdout", {"holdout": 0}),
    )

    def verdict(self, fixes: int) -> Verdict:
        said: dict[str, object] = {
            "expires_after_ms": HOUR_MS,
            "paused": True,
            "condition": PLAIN,
            "once": Once.PER_CUSTOMER,
            "template": "broken",
            "holdout": 1_000_000,
        }
        for _, fix in self.FIXES[:fixes]:
            said.update(fix)
        policy = Policy(caps=(Cap(at_most=0, per_ms=DAY_MS, purpose="marketing"),), quiet_hours=NIGHT.quiet_hours)
        customer = Customer(fields={"phone": "1"}, consents={("sms", "marketing"), ("sms", "news")})
        book = rules(thanks(**said), policy=policy)
        match = Pending("thanks", "event", "event:o2", -1, (1, OWN, "ann"), 0, 0, 0)
        occasion = Occasion(customer="ann", t_ms=22 * HOUR_MS, position=(1, OWN, "ann"), cause="event:o2", rulebook="r")
        ledger = Ledger(uses=[Use(0, "thanks", "event:o1", "email", "marketing")])
        asking = Asking.of(match, occasion, customer, ledger, book)
        verdict = ask(asking)
        return held_out(asking, verdict) or verdict if isinstance(verdict, Send) else verdict

    @pytest.mark.parametrize("fixes", range(9))
    def test_of_two_that_object_the_first_is_named(self, fixes: int) -> None:
        verdict = self.verdict(fixes)
        assert not isinstance(verdict, Send)
        assert verdict.reason == self.FIXES[fixes][0]

    def test_with_nothing_left_to_object_to_it_is_sent(self) -> None:
        assert isinstance(self.verdict(9), Send)

    def test_every_gate_is_asked_again_after_a_hold(self) -> None:
        journey = Journey(rules(thanks(at_ms=clock("22:00")), policy=NIGHT))
        journey.event("order_completed", "2026-03-01T12:00")
        journey.until("2026-03-01T23:00")
        journey.customer.consents.clear()
        journey.until("2026-03-02T09:00")
        assert journey.outcome()[1:] == [("hold", "thanks", "quiet_hours"), ("suppress", "thanks", "consent")]
