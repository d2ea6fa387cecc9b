"""Which steps are decided, seen from what comes of them: none too few, also after other code."""

from __future__ import annotations

import pytest

from engine.outputs import encode_batch, mark
from tests.engine.test_shard import opened
from tests.simulation.journey import (
    START,
    Cancel,
    Happening,
    Journey,
    Schedule,
    Send,
    append,
    consented,
    ms,
    order_completed,
    profile,
    rules,
    time_passes,
)
from triggers.decisions import OWN, Decision, Output

SHOP = """
traits:
  orders: {count: order_completed}
  spend_9d: {sum: order_completed.total, within: 9d}
segments:
  one: {when: orders == 1}
  spender: {when: spend_9d > 5}
dimensions:
  step: {bands: orders, at: [1, 2, 3], names: [none, first, second, more]}
triggers:
  ON: {on: WHEN, after: 20d, message: {template: note, channels: [email]}}
"""
ORDER, DUE = "2026-01-02T10:00+00:00", "2026-01-22T10:00+00:00"


def shop(when: str = "{enters: one}", *, name: str = "thanks", at: str = START) -> Happening:
    return rules(SHOP.replace("ON:", f"{name}:").replace("WHEN", when), at=at)


def by_other_code(journey: Journey, *records: Happening, outputs: list[Output], whole: bool = True) -> None:
    """Other code takes the records and writes these outputs alone; then this code opens the shard."""
    for record in (record for each in records for record in each):
        append(journey.facts.log, record)
    marks = [mark(journey.facts.log.end() - 1)] if whole else []
    journey.facts.decisions.append(encode_batch([*outputs, *marks]))
    journey.told = len(journey.decisions())
    journey.shard = opened(journey)


def newest(journey: Journey, customer: str) -> Decision:
    return next(made for of, made in reversed(journey.decisions()) if of == customer)


def cancel(of: Decision) -> Decision:
    return Decision(
        kind="cancel", trigger=of.trigger, reason="left", on=of.on, cause=of.cause, made=of.made,
        matched_at_ms=of.matched_at_ms, due_ms=of.due_ms, ask_ms=-1, at_ms=of.due_ms, rulebook=of.rulebook,
    )  # fmt: skip


# ---------------------------------------------------------------- what other code left behind
def test_a_match_made_for_someone_outside_ends_with_their_next_step(journey: Journey) -> None:
    journey.given(shop(), consented("bob"), consented("ann"), order_completed("bob", at=ORDER))
    of = newest(journey, "bob")
    made = (journey.facts.log.end(), OWN, "ann")
    match = Decision(
        kind="schedule", trigger="thanks", on=of.on, cause="event:o", made=made, matched_at_ms=ms(ORDER),
        due_ms=of.due_ms, ask_ms=of.ask_ms, at_ms=ms(ORDER), rulebook=of.rulebook,
    )  # fmt: skip
    by_other_code(journey, profile("ann", at=ORDER, city="Riga"), outputs=[Output(made, [match])])
    journey.when(profile("ann", at="2026-01-05T10:00+00:00", city="Liepaja"))
    journey.then(Cancel("thanks", reason="left", at="2026-01-05T10:00+00:00"))


SECOND_ORDER = order_completed("ann", at="2026-01-03T10:00+00:00")


@pytest.mark.parametrize(
    ("when", "leaving", "at"),
    [
        ("{enters: one}", SECOND_ORDER, "2026-01-04T10:00+00:00"),
        ("{moves: {dimension: step, to: first}}", SECOND_ORDER, "2026-01-04T10:00+00:00"),
        ("{enters: spender}", time_passes(until="2026-01-12T10:00+00:00"), "2026-01-13T10:00+00:00"),
    ],
)
def test_a_match_that_other_code_did_not_cancel_ends_with_the_next_step(
    journey: Journey, when: str, leaving: Happening, at: str
) -> None:
    journey.given(shop(when), consented("ann"))
    journey.when(order_completed("ann", at=ORDER)).then(Schedule("thanks"))
    by_other_code(journey, leaving, outputs=[])
    journey.when(profile("ann", at=at, city="Riga")).then(Cancel("thanks", reason="left", at=at))


def test_a_match_that_other_code_left_behind_at_an_activation_ends_with_the_next_step(journey: Journey) -> None:
    journey.given(shop(), consented("ann"), consented("bob"))
    journey.given(order_completed("ann", at=ORDER), order_completed("bob", at=ORDER))
    made = Output((journey.facts.log.end(), OWN, "bob"), [cancel(newest(journey, "bob"))])
    renamed = shop(name="welcome", at="2026-01-04T10:00+00:00")
    by_other_code(journey, renamed, outputs=[made], whole=False)
    journey.when(profile("ann", at="2026-01-05T10:00+00:00", city="Riga"))
    journey.then(Cancel("thanks", reason="trigger_removed", at="2026-01-05T10:00+00:00"))


def test_a_match_that_other_code_did_not_ask_is_asked_in_the_customers_own_step(journey: Journey) -> None:
    """The frontier is among what was due before the record, after her turn."""
    journey.given(shop(), consented("ann"), consented("bob"))
    journey.given(order_completed("ann", at=ORDER, total=1), order_completed("bob", at=ORDER))
    made = Output((journey.facts.log.end(), ms(DUE), "bob"), [cancel(newest(journey, "bob"))])
    late = "2026-01-22T11:00+00:00"
    by_other_code(journey, profile("ann", at=late, city="Riga"), outputs=[made], whole=False)
    journey.when().then(Send("thanks", at=late))


# ---------------------------------------------------------------- moves
SECOND, THIRD = "2026-01-02T11:00+00:00", "2026-01-02T12:00+00:00"
MOVES = [
    ("{dimension: step}", [START, ORDER, SECOND, THIRD]),
    ("{dimension: step, to: first}", [ORDER]),
    ("{dimension: step, from: first}", [SECOND]),
    ("{dimension: step, to: more}", [THIRD]),
    ("{dimension: step, from: second, to: more}", [THIRD]),
    ("{dimension: step, from: first, to: more}", []),
]


@pytest.mark.parametrize(("move", "at"), MOVES)
def test_a_move_matches_where_both_its_ends_fit(journey: Journey, move: str, at: list[str]) -> None:
    journey.given(shop(f"{{moves: {move}}}, even_if_left: yes"))
    journey.when(consented("ann"), *(order_completed("ann", at=each) for each in (ORDER, SECOND, THIRD)))
    journey.then(*(Schedule("thanks", at=each) for each in at))


@pytest.mark.parametrize(("move", "at"), MOVES[2:])
def test_a_move_cancels_where_both_its_ends_fit(journey: Journey, move: str, at: list[str]) -> None:
    journey.given(shop(f"{{enters: one}}, even_if_left: yes, cancel_when: {{moves: {move}}}"), consented("ann"))
    journey.when(*(order_completed("ann", at=each) for each in (ORDER, SECOND, THIRD)))
    journey.then(Schedule("thanks", at=ORDER), *(Cancel("thanks", reason="cancel_when", at=each) for each in at))
