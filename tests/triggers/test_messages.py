"""What is sent: rendering, offers, the message's id, and who is held out."""

from __future__ import annotations

import hashlib

import pytest

from tests.triggers.customer import Customer
from tests.triggers.journey import Journey, outcomes
from tests.triggers.rulebooks import DAY_MS, WITH_EVENT, at, enters, event, rules, trigger
from triggers.decide import OUTPUT_LIMIT_BYTES
from triggers.definitions import Offer, TriggerDef
from triggers.draws import below, draw, message_id
from triggers.occasion import IN, OUT, OfferTerms


def thanks(**said: object) -> TriggerDef:
    return trigger("thanks", event("order_completed"), **said)


def day(text: str) -> int:
    return at(text) // DAY_MS


class TestRendering:
    def test_the_template_is_given_the_event_and_the_choice(self) -> None:
        journey = Journey(
            rules(thanks(template="stock", after_ms=DAY_MS)),
            Customer(language="lv", fields={"email": "ann@pets.example", "time_zone": "Europe/Riga"}),
        )
        journey.event("order_completed", "2026-03-01T12:00", total=8)
        (send,) = journey.until("2026-03-09T00:00")
        (request,) = journey.customer.requests
        assert journey.events[request.cause_offset].fields == {"total": 8}
        assert (request.trigger, request.template, request.channel) == ("thanks", "stock", "email")
        assert (request.address, request.purpose, request.language) == ("ann@pets.example", "marketing", "lv")
        assert (request.message_id, request.t_ms, request.zone) == (send.message_id, send.at_ms, "Europe/Riga")
        assert request.offer is None

    def test_the_steps_own_event_is_not_fetched_again(self) -> None:
        journey = Journey(rules(thanks(condition=WITH_EVENT)))
        (end,) = journey.event("order_completed", "2026-03-01T12:00", total=8)
        assert end.reason == "condition"
        assert journey.fetched == []

    def test_a_match_of_time_alone_has_no_record(self) -> None:
        journey = Journey(rules(trigger("thanks", enters("lapsing"))))
        journey.by_time("2026-03-01T12:00", ("lapsing", OUT, IN))
        assert journey.customer.requests[0].cause_offset == -1

    def test_a_template_that_fails_suppresses_with_its_error(self) -> None:
        (end,) = Journey(rules(thanks(template="broken"))).event("order_completed", "2026-03-01T12:00")
        assert (end.kind, end.reason, end.parts, end.message_id) == ("suppress", "template", {}, "")
        assert end.evidence == {"error": "broken/email.txt: 'nobody' is undefined"}

    def test_a_step_whose_output_would_be_too_large_sends_what_fits(self) -> None:
        book = rules(
            trigger("big", event("order_completed"), template="huge"),
            trigger("bigger", event("order_completed"), template="huge", holdout=1_000_000),
            trigger("small", event("order_completed")),
        )
        journey = Journey(book)
        decisions = journey.event("order_completed", "2026-03-01T12:00")
        assert outcomes(decisions) == [("send", "big", ""), ("suppress", "bigger", "template"), ("send", "small", "")]
        assert decisions[1].evidence == {"error": f"the step's output would pass {OUTPUT_LIMIT_BYTES} bytes"}
        # One step later there is room again.
        assert outcomes(journey.event("order_completed", "2026-03-01T13:00"))[0] == ("send", "big", "")


class TestOffers:
    def expires(self, until: str | int | tuple[str, int] | None, when: str, zone: str = "UTC") -> int | None:
        offer = Offer(code="CAT10", percent=10_000_000, category="cat_food", until=until)
        journey = Journey(rules(thanks(offer=offer)), Customer(fields={"email": "ann@pets.example", "time_zone": zone}))
        journey.event("order_completed", when)
        terms = journey.customer.requests[0].offer
        assert terms is not None
        assert (terms.code, terms.percent, terms.amount, terms.category) == ("CAT10", 10_000_000, None, "cat_food")
        return terms.expires_on

    @pytest.mark.parametrize(
        ("when", "zone", "last"),
        [
            ("2026-02-14T12:00", "UTC", "2026-02-28"),
            ("2028-02-29T12:00", "UTC", "2028-02-29"),
            ("2026-12-31T12:00", "UTC", "2026-12-31"),
            ("2026-03-31T22:30", "UTC", "2026-03-31"),
            ("2026-03-31T22:30", "Europe/Riga", "2026-04-30"),  # already April there
            ("2026-04-01T02:00", "America/New_York", "2026-03-31"),  # still March there
        ],
    )
    def test_until_the_end_of_the_local_month(self, when: str, zone: str, last: str) -> None:
        assert self.expires("end_of_month", when, zone) == day(last)

    def test_for_a_time_from_the_sending_on(self) -> None:
        assert self.expires(7 * DAY_MS, "2026-03-25T12:00") == day("2026-04-01")
        assert self.expires(7 * DAY_MS, "2026-03-24T22:30", "Europe/Riga") == day("2026-04-01")

    def test_until_a_date(self) -> None:
        assert self.expires(("date", day("2026-05-09")), "2026-03-25T12:00") == day("2026-05-09")

    def test_without_an_end(self) -> None:
        assert self.expires(None, "2026-03-25T12:00") is None

    def test_it_counts_from_the_sending_not_from_the_match(self) -> None:
        offer = Offer(code="CAT10", amount=5_000_000, until="end_of_month")
        journey = Journey(rules(thanks(offer=offer, after_ms=14 * DAY_MS)))
        journey.event("order_completed", "2026-03-20T12:00")
        journey.until("2026-05-01T00:00")
        assert journey.customer.requests[0].offer == OfferTerms(
            code="CAT10", amount=5_000_000, expires_on=day("2026-04-30")
        )


class TestMessageId:
    def test_it_is_a_hash_of_its_cause(self) -> None:
        (send,) = Journey(rules(thanks(after_ms=0))).event("order_completed", "2026-03-01T12:00", id="o1")
        spelled = "\n".join(("thanks", "ann", "event:o1", str(at("2026-03-01T12:00"))))
        assert send.message_id == hashlib.sha256(spelled.encode()).hexdigest()[:32]

    @pytest.mark.parametrize(
        "other",
        [("b", "ann", "event:1", 5), ("a", "bob", "event:1", 5), ("a", "ann", "due:1", 5), ("a", "ann", "event:1", 6)],
    )
    def test_whatever_differs_gives_another(self, other: tuple[str, str, str, int]) -> None:
        assert message_id("a", "ann", "event:1", 5) != message_id(*other)

    def test_it_does_not_depend_on_when_a_hold_ended(self) -> None:
        early, late = Journey(rules(thanks())), Journey(rules(thanks(paused=True)))
        for journey in (early, late):
            journey.event("order_completed", "2026-03-01T12:00", id="o1")
        late.activate(rules(thanks()), "2026-04-01T12:00")
        assert late.last[0].message_id == early.last[0].message_id


class TestHoldout:
    def test_the_draw_is_the_specified_one(self) -> None:
        # sha256("ann\nthanks\nspring") begins with these bytes.
        first = hashlib.sha256(b"ann\nthanks\nspring").digest()[:8]
        assert draw("ann", "thanks", "spring") == int.from_bytes(first, "big")

    @pytest.mark.parametrize(
        ("drawn", "share", "expected"),
        [
            (0, 0, False),
            (0, 1, True),
            ((1 << 63) - 1, 500_000, True),
            (1 << 63, 500_000, False),
            ((1 << 64) - 1, 1_000_000, True),
        ],
    )
    def test_it_is_below_a_share_exactly(self, drawn: int, share: int, expected: bool) -> None:
        assert below(drawn, share) is expected

    def test_about_the_share_is_held_out(self) -> None:
        held = sum(below(draw(f"h{number}", "thanks", ""), 100_000) for number in range(10_000))
        assert 900 < held < 1_100

    def test_the_salt_draws_again(self) -> None:
        held = {
            salt: {number for number in range(200) if below(draw(f"h{number}", "thanks", salt), 500_000)}
            for salt in ("", "spring")
        }
        assert held[""] != held["spring"]

    def test_who_is_held_out_is_recorded_with_the_channel_it_would_have_taken(self) -> None:
        (end,) = Journey(rules(thanks(holdout=1_000_000))).event("order_completed", "2026-03-01T12:00")
        assert (end.kind, end.reason, end.channel, end.purpose) == ("suppress", "holdout", "email", "marketing")
        assert end.evidence == {"share": 1_000_000, "draw": draw("ann", "thanks", "") * 1_000_000 >> 64}
        assert end.parts == {}
