"""What is pending and what was used up: a fold of the decision stream alone, never of events."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

import msgspec

from triggers.decisions import Decision, Position
from triggers.definitions import Once
from triggers.reasons import Kind, Reason
from triggers.rules import Rules

NEVER: Final = 1 << 62
NOT_ASKED: Final = -1  # the ask_ms of a match held by a paused trigger, and of a decision that ends its match


class Pending(msgspec.Struct, array_like=True, gc=False):
    """A match that awaits its decision; (trigger, made) is its key.

    `ask_ms` is when it is asked next (-1: when its trigger is no longer paused); `held` tells a hold from a schedule.
    """

    trigger: str
    on: str
    cause: str
    cause_offset: int
    made: Position
    matched_at_ms: int
    due_ms: int
    ask_ms: int
    held: bool = False


class Use(msgspec.Struct, array_like=True, gc=False):
    """A send, or a holdout (`sent` False), which uses `once` up as a send does and counts for no cap."""

    at_ms: int
    trigger: str
    cause: str
    channel: str
    purpose: str
    sent: bool = True


class Ledger(msgspec.Struct, array_like=True, gc=False):
    """One customer's pending matches and uses.

    `pending` has a queue, never an empty one, for each (trigger, on), in this order, itself in order of (ask_ms,
    made): a step looks at the heads, however many matches wait. `uses` are oldest first; none is ever pruned, since
    a later rulebook could ask for older ones.
    """

    pending: list[list[Pending]] = msgspec.field(default_factory=list)
    uses: list[Use] = msgspec.field(default_factory=list)


def apply(ledger: Ledger, decision: Decision) -> None:
    """Fold one decision; the same when deciding and when replaying."""
    if ledger.pending:
        _take_out(ledger, decision)
    if decision.kind in (Kind.SCHEDULE, Kind.HOLD):
        _put_in(ledger, decision)
    elif decision.kind == Kind.SEND or decision.reason == Reason.HOLDOUT:
        sent = decision.kind == Kind.SEND
        use = Use(decision.at_ms, decision.trigger, decision.cause, decision.channel, decision.purpose, sent)
        ledger.uses.append(use)


def _queue_key(queue: list[Pending]) -> tuple[str, str]:
    return queue[0].trigger, queue[0].on


def _turn(match: Pending) -> tuple[int, Position]:
    return match.ask_ms, match.made


def _ask_ms(match: Pending) -> int:
    return match.ask_ms


def _queue_at(ledger: Ledger, key: tuple[str, str]) -> tuple[int, bool]:
    """Where the queue of (trigger, on) stands or would stand, and whether it does."""
    at = bisect_left(ledger.pending, key, key=_queue_key)
    return at, at < len(ledger.pending) and _queue_key(ledger.pending[at]) == key


def _take_out(ledger: Ledger, decision: Decision) -> None:
    at, found = _queue_at(ledger, (decision.trigger, decision.on))
    if not found:
        return
    queue = ledger.pending[at]
    place = _place_in(queue, decision)
    if place is not None:
        del queue[place]
    if not queue:
        del ledger.pending[at]


def _place_in(queue: list[Pending], decision: Decision) -> int | None:
    """Where the match that is decided stands in its queue; None if it was made in this very step, or never waited."""
    place = bisect_left(queue, (NOT_ASKED, decision.made), key=_turn)
    if place < len(queue) and queue[place].made == decision.made:
        return place
    # What is asked is due, and what is cancelled mostly old: both stand near the head. The rest of the queue need
    # not be searched for a match that this step made.
    made_now = decision.at_ms == decision.matched_at_ms and decision.kind != Kind.CANCEL
    end = bisect_left(queue, decision.at_ms + 1, key=_ask_ms) if made_now else len(queue)
    return next((place for place in range(end) if queue[place].made == decision.made), None)


def _put_in(ledger: Ledger, decision: Decision) -> None:
    match = Pending(
        trigger=decision.trigger,
        on=decision.on,
        cause=decision.cause,
        cause_offset=decision.cause_offset,
        made=decision.made,
        matched_at_ms=decision.matched_at_ms,
        due_ms=decision.due_ms,
        ask_ms=decision.ask_ms,
        held=decision.kind == Kind.HOLD,
    )
    at, found = _queue_at(ledger, (decision.trigger, decision.on))
    if found:
        insort(ledger.pending[at], match, key=_turn)
    else:
        ledger.pending.insert(at, [match])


def pending_matches(ledger: Ledger) -> list[Pending]:
    """Every pending match, by (trigger, age)."""
    return sorted((match for queue in ledger.pending for match in queue), key=lambda match: (match.trigger, match.made))


def asked_by(queue: list[Pending], t_ms: int, *, paused: bool) -> list[Pending]:
    """Those of a queue that are asked at `t_ms`: the due ones and, once their trigger is no longer paused, those that
    its pause held."""
    start = bisect_left(queue, NOT_ASKED + 1, key=_ask_ms) if paused else 0
    return queue[start : bisect_left(queue, t_ms + 1, key=_ask_ms)]


def next_ask(ledger: Ledger) -> int:
    """The earliest instant, in ms, at which a pending match is asked; NEVER if none is."""
    pending = ledger.pending
    return min(map(_next_in, pending)) if pending else NEVER


def _next_in(queue: list[Pending]) -> int:
    if queue[0].ask_ms != NOT_ASKED:
        return queue[0].ask_ms
    timed = bisect_left(queue, NOT_ASKED + 1, key=_ask_ms)
    return queue[timed].ask_ms if timed < len(queue) else NEVER


def sends_within(ledger: Ledger, per_ms: int, t_ms: int) -> list[Use]:
    """The messages sent with t - per < sent <= t, newest first."""
    found = []
    for use in reversed(ledger.uses):  # in order of at_ms, since positions grow with time
        if use.at_ms <= t_ms - per_ms:
            break
        if use.sent and use.at_ms <= t_ms:
            found.append(use)
    return found


def once_objection(ledger: Ledger, *, trigger: str, once: Once | int, cause: str, t_ms: int) -> Use | None:
    """The newest use because of which the trigger may not send again at `t_ms` for this cause; None if it may."""
    by_cause = once == Once.PER_CAUSE
    for use in reversed(ledger.uses):
        if use.trigger == trigger and (not by_cause or use.cause == cause):
            return use if by_cause or once == Once.PER_CUSTOMER or t_ms < use.at_ms + int(once) else None
    return None


def canonical(ledger: Ledger, as_of_ms: int, rules: Rules) -> dict[str, list[list[object]]]:
    """The ledger as the state hash takes it: equal for any number of partitions, so without offsets, and pruned to
    what the longest active cap, or a `once` that still objects, could see at `as_of_ms`."""
    pending: list[list[object]] = [
        [m.trigger, m.on, m.cause, m.matched_at_ms, m.due_ms, m.ask_ms, m.held]
        for m in sorted(pending_matches(ledger), key=lambda m: (m.trigger, m.matched_at_ms, m.cause, m.due_ms))
    ]
    caps: list[list[object]] = [
        [use.at_ms, use.trigger, use.channel, use.purpose]
        for use in sorted(
            sends_within(ledger, rules.longest_cap_ms, as_of_ms),
            key=lambda use: (use.at_ms, use.trigger, use.channel, use.purpose),
        )
    ]
    return {"pending": pending, "sends": caps, "once": _onces(ledger, as_of_ms, rules)}


def _onces(ledger: Ledger, as_of_ms: int, rules: Rules) -> list[list[object]]:
    """What each active trigger's `once` still objects to: causes, or the last use."""
    causes: dict[str, set[str]] = {}
    last_ms: dict[str, int] = {}
    for use in ledger.uses:
        rule = rules.rules.get(use.trigger)
        if rule is None:
            continue
        once = rule.definition.once
        if once == Once.PER_CAUSE:
            causes.setdefault(use.trigger, set()).add(use.cause)
        elif once == Once.PER_CUSTOMER or as_of_ms < use.at_ms + int(once):
            last_ms[use.trigger] = max(use.at_ms, last_ms.get(use.trigger, use.at_ms))
    by_cause: list[list[object]] = [[trigger, *sorted(found)] for trigger, found in causes.items()]
    by_time: list[list[object]] = [[trigger, at_ms] for trigger, at_ms in last_ms.items()]
    return sorted(by_cause + by_time, key=lambda entry: str(entry[0]))
