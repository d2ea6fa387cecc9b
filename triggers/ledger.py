"""What is pending and what was used up: a fold of the decision stream alone, never of events."""

from __future__ import annotations

from bisect import bisect_left
from itertools import takewhile
from typing import Final

import msgspec

from triggers.decisions import Decision, Position
from triggers.definitions import Once
from triggers.reasons import Kind, Reason
from triggers.rules import Rules

NEVER: Final = 1 << 62
NOT_ASKED: Final = -1  # the ask_ms of a match held by a paused trigger, and of a decision that ends its match


class Pending(msgspec.Struct, array_like=True, gc=False):
    """A match that awaits its decision; (made, trigger) is its key.

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

    def key(self) -> tuple[Position, str]:
        """What tells it from every other match of the customer; in order of age."""
        return self.made, self.trigger


class Use(msgspec.Struct, array_like=True, gc=False):
    """A send, or a holdout (`sent` False), which uses `once` up as a send does and counts for no cap."""

    at_ms: int
    trigger: str
    cause: str
    channel: str
    purpose: str
    sent: bool = True


class Ledger(msgspec.Struct, array_like=True):
    """One customer's pending matches, in order of their keys, and uses, oldest first. No use is ever pruned, since a
    later rulebook could ask for older ones."""

    pending: list[Pending] = msgspec.field(default_factory=list)
    uses: list[Use] = msgspec.field(default_factory=list)


def apply(ledger: Ledger, decision: Decision) -> None:
    """Fold one decision; the same when deciding and when replaying."""
    pending, key = ledger.pending, (decision.made, decision.trigger)
    at = bisect_left(pending, key, key=Pending.key)
    found = at < len(pending) and pending[at].key() == key
    if decision.kind in (Kind.SCHEDULE, Kind.HOLD):
        pending[at : at + found] = [_pending_of(decision)]
        return
    if found:
        del pending[at]
    sent = decision.kind == Kind.SEND
    if sent or decision.reason == Reason.HOLDOUT:
        ledger.uses.append(
            Use(decision.at_ms, decision.trigger, decision.cause, decision.channel, decision.purpose, sent)
        )


def _pending_of(decision: Decision) -> Pending:
    return Pending(
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


def next_ask(ledger: Ledger) -> int:
    """The earliest instant, in ms, at which a pending match is asked; NEVER if none is."""
    return min((match.ask_ms for match in ledger.pending if match.ask_ms != NOT_ASKED), default=NEVER)


def sends_within(ledger: Ledger, per_ms: int, t_ms: int) -> list[Use]:
    """The messages sent with t - per < sent <= t, newest first."""
    # Positions grow with time, so the uses are in order of at_ms and the older ones need not be looked at.
    recent = takewhile(lambda use: use.at_ms > t_ms - per_ms, reversed(ledger.uses))
    return [use for use in recent if use.sent and use.at_ms <= t_ms]


def once_objection(ledger: Ledger, *, trigger: str, once: Once | int, cause: str, t_ms: int) -> Use | None:
    """The newest use because of which the trigger may not send again at `t_ms` for this cause; None if it may."""
    for use in reversed(ledger.uses):
        if use.trigger != trigger:
            continue
        if once == Once.PER_CAUSE:
            if use.cause == cause:
                return use
        elif once == Once.PER_CUSTOMER or t_ms < use.at_ms + int(once):
            return use
        else:
            return None
    return None


def canonical(ledger: Ledger, as_of_ms: int, rules: Rules) -> dict[str, list[list[object]]]:
    """The ledger as the state hash takes it: equal for any number of partitions, so without offsets, and pruned to
    what the longest active cap, or a `once` that still objects, could see at `as_of_ms`."""
    pending: list[list[object]] = [
        [m.trigger, m.on, m.cause, m.matched_at_ms, m.due_ms, m.ask_ms, m.held]
        for m in sorted(ledger.pending, key=lambda m: (m.trigger, m.matched_at_ms, m.cause, m.due_ms))
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
