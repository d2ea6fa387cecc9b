"""The ledger is a fold of the decision stream alone."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.triggers.rulebooks import DAY_MS, cap, enters, event, rules, trigger
from triggers.decisions import OWN, Decision
from triggers.definitions import Once, Policy
from triggers.ledger import (
    NEVER,
    Ledger,
    Pending,
    Use,
    apply,
    asked_by,
    canonical,
    next_ask,
    once_objection,
    pending_matches,
    sends_within,
)

DAY = DAY_MS


def decided(
    kind: str,
    *,
    trigger: str = "thanks",
    on: str = "enters cat_home",
    cause: str = "",
    made: int = 0,
    ask_ms: int = -1,
    reason: str = "",
    channel: str = "",
    at_ms: int = 10,
) -> Decision:
    return Decision(
        kind=kind,
        trigger=trigger,
        reason=reason,
        on=on,
        cause=cause or f"event:{made}",
        cause_offset=made,
        made=(made, OWN, "ann"),
        matched_at_ms=0,
        due_ms=10,
        ask_ms=ask_ms,
        at_ms=at_ms,
        rulebook="r",
        purpose="marketing" if channel else "",
        channel=channel,
    )


def folded(*decisions: Decision) -> Ledger:
    ledger = Ledger()
    for decision in decisions:
        apply(ledger, decision)
    return ledger


def test_a_schedule_waits() -> None:
    ledger = folded(decided("schedule", ask_ms=10))
    (match,) = pending_matches(ledger)
    assert match == Pending("thanks", "enters cat_home", "event:0", 0, (0, OWN, "ann"), 0, 10, 10, held=False)
    assert next_ask(ledger) == 10


def test_a_hold_takes_the_place_of_the_schedule() -> None:
    ledger = folded(decided("schedule", ask_ms=10), decided("hold", ask_ms=30, reason="quiet_hours"))
    (match,) = pending_matches(ledger)
    assert (match.ask_ms, match.held, match.due_ms) == (30, True, 10)


def test_a_hold_without_a_schedule_waits_too() -> None:
    assert next_ask(folded(decided("hold", ask_ms=30, reason="quiet_hours"))) == 30


def test_what_is_paused_is_asked_at_no_instant() -> None:
    ledger = folded(decided("hold", reason="paused"))
    assert next_ask(ledger) == NEVER
    assert next_ask(Ledger()) == NEVER
    apply(ledger, decided("schedule", made=1, ask_ms=50))
    assert next_ask(ledger) == 50


def test_every_end_takes_its_match_out() -> None:
    for kind in ("cancel", "suppress", "send"):
        ledger = folded(decided("schedule", ask_ms=10), decided("schedule", made=1, ask_ms=5), decided(kind))
        assert [match.made[0] for match in pending_matches(ledger)] == [1]


def test_only_sends_and_holdouts_use_anything_up() -> None:
    ledger = folded(
        decided("send", channel="email"),
        decided("suppress", made=1, reason="cap"),
        decided("cancel", made=2, reason="left"),
        decided("suppress", made=3, reason="holdout", channel="sms"),
    )
    assert ledger.uses == [
        Use(10, "thanks", "event:0", "email", "marketing", sent=True),
        Use(10, "thanks", "event:3", "sms", "marketing", sent=False),
    ]


def test_an_end_that_nothing_waits_for_is_folded_all_the_same() -> None:
    assert folded(decided("cancel", reason="left")) == Ledger()


def test_sends_are_those_of_the_window() -> None:
    uses = [Use(at_ms, "a", "c", "email", "marketing", sent) for at_ms, sent in ((1, True), (5, False), (6, True))]
    ledger = Ledger(uses=uses)
    assert [use.at_ms for use in sends_within(ledger, 5, 6)] == [6]
    assert [use.at_ms for use in sends_within(ledger, 6, 6)] == [6, 1]
    assert [use.at_ms for use in sends_within(ledger, 6, 5)] == [1]


def test_once_names_the_newest_use_that_objects() -> None:
    ledger = Ledger(uses=[Use(at_ms, "a", f"event:{at_ms}", "email", "marketing") for at_ms in (1, 5)])
    newest = once_objection(ledger, trigger="a", once=Once.PER_CUSTOMER, cause="event:9", t_ms=9)
    assert newest is not None
    assert newest.at_ms == 5
    assert once_objection(ledger, trigger="b", once=Once.PER_CUSTOMER, cause="event:9", t_ms=9) is None
    assert once_objection(ledger, trigger="a", once=4, cause="event:9", t_ms=9) is None
    assert once_objection(ledger, trigger="a", once=5, cause="event:9", t_ms=9) == newest
    again = Use(7, "a", "event:1", "email", "marketing")
    ledger.uses.append(again)
    assert once_objection(ledger, trigger="a", once=Once.PER_CAUSE, cause="event:1", t_ms=9) == again
    assert once_objection(ledger, trigger="a", once=Once.PER_CAUSE, cause="event:9", t_ms=9) is None


moments = st.integers(0, 9)
steps = st.tuples(
    st.sampled_from(["schedule", "hold", "paused", "cancel", "send"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["enters x", "enters y"]),
    moments,
    moments,
)


@given(st.lists(steps, max_size=30), moments)
def test_queues_say_the_same_as_a_plain_table(taken: list[tuple[str, str, str, int, int]], t_ms: int) -> None:
    ledger, table, ons = Ledger(), dict[tuple[str, int], int](), dict[tuple[str, int], str]()
    for kind, name, on, made, ask_ms in taken:
        key = (name, made)
        at_ms = 0 if key not in ons else 10  # decided in the step that made it, or later
        ons.setdefault(key, on)  # the `on` of a match never changes
        if kind in ("schedule", "hold"):
            table[key] = ask_ms
        elif kind == "paused":
            table[key] = ask_ms = -1
        else:
            table.pop(key, None)
        kind = "hold" if kind == "paused" else kind
        apply(ledger, decided(kind, trigger=name, made=made, ask_ms=ask_ms, on=ons[key], at_ms=at_ms))
    assert {(match.trigger, match.made[0]): match.ask_ms for match in pending_matches(ledger)} == table
    assert next_ask(ledger) == min((ask_ms for ask_ms in table.values() if ask_ms >= 0), default=NEVER)
    for paused in (True, False):
        found = {
            (match.trigger, match.made[0]) for queue in ledger.pending for match in asked_by(queue, t_ms, paused=paused)
        }
        assert found == {key for key, ask_ms in table.items() if (0 if paused else -1) <= ask_ms <= t_ms}
    assert all(queue for queue in ledger.pending)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ledger), type=Ledger) == ledger


class TestCanonical:
    BOOK = rules(
        trigger("cause", event("order_completed")),
        trigger("customer", event("order_completed"), once=Once.PER_CUSTOMER),
        trigger("week", event("order_completed"), once=7 * DAY),
        trigger("waits", enters("cat_home"), after_ms=DAY),
        policy=Policy(caps=(cap(1, 3 * DAY), cap(2, 2 * DAY))),
    )

    def test_of_pending_matches_it_takes_what_does_not_depend_on_the_partition(self) -> None:
        here, there = (
            folded(
                decided("schedule", made=made, cause="event:o1", ask_ms=10),
                decided("hold", made=made + 3, cause="event:o2", ask_ms=-1),
            )
            for made in (4, 1000)
        )
        assert canonical(here, 0, self.BOOK) == canonical(there, 0, self.BOOK)
        assert canonical(here, 0, self.BOOK)["pending"] == [
            ["thanks", "enters cat_home", "event:o1", 0, 10, 10, False],
            ["thanks", "enters cat_home", "event:o2", 0, 10, -1, True],
        ]

    def test_a_held_match_differs_from_a_scheduled_one(self) -> None:
        scheduled, held = (folded(decided(kind, ask_ms=10)) for kind in ("schedule", "hold"))
        assert canonical(scheduled, 0, self.BOOK) != canonical(held, 0, self.BOOK)

    def test_of_sends_it_takes_those_that_the_longest_cap_can_see(self) -> None:
        ledger = Ledger(uses=[Use(at_ms, "gone", "c", "email", "marketing") for at_ms in (0, DAY)])
        assert canonical(ledger, 3 * DAY - 1, self.BOOK)["sends"] == [
            [0, "gone", "email", "marketing"],
            [DAY, "gone", "email", "marketing"],
        ]
        assert canonical(ledger, 3 * DAY, self.BOOK)["sends"] == [[DAY, "gone", "email", "marketing"]]
        assert canonical(ledger, 0, rules())["sends"] == []

    def test_what_is_held_out_is_no_send(self) -> None:
        ledger = Ledger(uses=[Use(0, "cause", "c", "email", "marketing", sent=False)])
        assert canonical(ledger, 0, self.BOOK) == {"pending": [], "sends": [], "once": [["cause", "c"]]}

    def test_of_onces_it_takes_those_that_still_object(self) -> None:
        ledger = Ledger(
            uses=[
                Use(at_ms, name, f"event:{name}{at_ms}", "email", "marketing")
                for at_ms in (0, 5)
                for name in ("cause", "customer", "gone", "week")
            ]
        )
        expected = [["cause", "event:cause0", "event:cause5"], ["customer", 5], ["week", 5]]
        assert canonical(ledger, 5 + 7 * DAY - 1, self.BOOK)["once"] == expected
        assert canonical(ledger, 5 + 7 * DAY, self.BOOK)["once"] == expected[:2]
