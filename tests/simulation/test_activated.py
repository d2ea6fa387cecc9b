"""What an activation makes of history, of matches that wait and of pauses, and a rebuild of it all."""

from __future__ import annotations

from tests.simulation.books import CATS, QUIET, SPENDING, on_order
from tests.simulation.journey import (
    START,
    Cancel,
    Hold,
    Journey,
    Schedule,
    Send,
    Suppress,
    consented,
    ms,
    order_completed,
    rules,
    time_passes,
)


def test_history_before_the_first_rulebook_is_known_and_matches_nothing(journey: Journey) -> None:
    journey.given(consented("ann"), order_completed("ann", at="2026-01-02T10:00+00:00", total=19))
    journey.when(rules(SPENDING, at="2026-02-01T00:00+00:00")).then()
    assert journey.trait("spend") == (19, 1)
    journey.when(order_completed("ann", at="2026-02-02T10:00+00:00", total=1)).then(Send("thanks"))
    assert ms(START) == journey.world.state("ann").known_since__at


def test_a_new_trigger_may_take_those_who_are_in(journey: Journey) -> None:
    """And what a removed trigger had promised is off."""
    history = order_completed("ann", "cat_furniture", at="2026-01-02T10:00+00:00")
    journey.given(consented("ann"), history, order_completed("bea", "cat_furniture", at="2026-01-02T10:00+00:00"))
    journey.when(rules(CATS, at="2026-01-03T00:00+00:00")).then()  # matches nobody who is in already
    journey.when(order_completed("cat", "cat_furniture", at="2026-01-04T10:00+00:00"))
    journey.then(Schedule("thanks", customer="cat"))
    renamed = CATS.replace("  thanks:", "  welcome:").replace("    after: 14d\n", "    include_existing: yes\n")
    journey.when(rules(renamed, at="2026-01-05T00:00+02:00"))
    journey.then(
        Schedule("welcome", until="2026-01-05T10:00+02:00"),
        Schedule("welcome", customer="bea"),
        Cancel("thanks", reason="trigger_removed", customer="cat"),
        Schedule("welcome", customer="cat"),
    )
    journey.when(time_passes(until="2026-02-01T00:00+00:00"))
    journey.then(
        Send("welcome", at="2026-01-05T10:00+02:00"),
        Suppress("welcome", reason="consent", customer="bea"),
        Suppress("welcome", reason="consent", customer="cat"),
    )
    journey.when(rules(renamed + "  caps: [{at_most: 1, per: 1d}]\n", at="2026-02-02T00:00+00:00")).then()


def test_a_condition_asked_at_an_activation_sees_what_has_left_its_window(journey: Journey) -> None:
    book = SPENDING.replace("spend: {sum: order_completed.total}", "spend: {sum: order_completed.total, within: 2d}")
    book = book.replace("big: {when: spend >= 20}", "buyer: {when: orders > 0}")
    book = book.replace("{enters: big}", "{enters: buyer}, include_existing: yes, if: spend > 0")
    journey.given(consented("ann"), order_completed("ann", at="2026-01-02T10:00+00:00"))
    journey.given(consented("bea", at="2026-01-03T09:00+00:00"))
    journey.given(order_completed("bea", at="2026-01-03T10:00+00:00"))
    journey.when(rules(book, at="2026-01-04T10:00+00:00"))
    journey.then(Suppress("thanks", reason="condition"), Send("thanks", customer="bea"))


def test_a_pause_holds_and_its_end_asks_at_once(journey: Journey) -> None:
    paused = CATS.replace("    after: 14d\n", "    after: 1d\n    paused: yes\n")
    journey.given(rules(paused), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", "cat_furniture", at="2026-02-01T12:00+02:00")).then(Schedule("thanks"))
    journey.when(time_passes(until="2026-02-20T00:00+02:00"))
    journey.then(Hold("thanks", reason="paused", at="2026-02-03T10:00+02:00"))
    journey.when(rules(paused.replace("    paused: yes\n", ""), at="2026-02-20T00:00+02:00"))
    journey.then(Send("thanks", at="2026-02-20T00:00+02:00"))


def test_a_pause_that_lasts_too_long_ends_in_silence(journey: Journey) -> None:
    paused = on_order(paused="yes", expires_after="3d")
    journey.given(rules(paused), consented("ann"))
    journey.when(order_completed("ann", at="2026-02-01T10:00+00:00"))
    journey.then(Hold("thanks", reason="paused"))
    journey.when(rules(on_order(expires_after="3d"), at="2026-02-04T10:00:00.001+00:00"))
    journey.then(Suppress("thanks", reason="expired"))


def test_a_rebuild_knows_all_and_says_nothing(journey: Journey) -> None:
    journey.given(rules(QUIET), consented("ann", tz="Europe/Riga"), consented("bea", tz="Asia/Tokyo"))
    for day in range(1, 8):
        journey.given(order_completed("ann", at=f"2026-06-0{day}T22:00+03:00"))
        journey.given(order_completed("bea", at=f"2026-06-0{day}T22:30+03:00"))
    said = list(journey.facts.decisions.read())
    journey.rebuilt().then()
    assert list(journey.facts.decisions.read()) == said
    journey.when(time_passes(until="2026-06-08T09:00+03:00"))
    journey.then(Send("thanks", customer="bea"), Send("thanks"))
