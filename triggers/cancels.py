"""Which pending matches a step cancels, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from triggers.definitions import OnKind, TriggerDef
from triggers.ledger import Ledger, Pending
from triggers.occasion import CustomerView, Evidence, Occasion
from triggers.reasons import Reason
from triggers.rules import Cancel, Rule, Rules


class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """A pending match that this step ends, and why."""

    match: Pending
    reason: Reason
    evidence: Evidence


def cancelled(occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> list[Cancelled]:
    """The pending matches that this step cancels, in order of (trigger, age)."""
    if not ledger.pending:
        return []
    met: dict[str, list[Cancel]] = {}
    for cancel in rules.cancels.met(occasion.transitions, occasion.event_type):
        met.setdefault(cancel.trigger, []).append(cancel)
    found: list[Cancelled] = []
    for queue in ledger.pending:
        rule = rules.rules.get(queue[0].trigger)
        whole = _whole(queue[0].on, rule, occasion, view)
        if whole is not None:
            found += [Cancelled(match, *whole) for match in queue]
        elif rule is not None and rule.name in met:
            cancels = sorted(met[rule.name], key=lambda cancel: cancel.index)
            found += _cancelled_when(queue, cancels, occasion, view)
    found.sort(key=lambda end: (end.match.trigger, end.match.made))
    return found


def _whole(on: str, rule: Rule | None, occasion: Occasion, view: CustomerView) -> tuple[Reason, Evidence] | None:
    """Why all matches that a trigger made by one `on` end, if they do.

    Judged by what holds now, whichever step made it so: a match that other code, or the second fold of an
    activation, left behind is never sent to someone outside.
    """
    if rule is None:
        return Reason.TRIGGER_REMOVED, {"trigger": "gone"}
    if rule.definition.on.canonical != on:
        return Reason.TRIGGER_REMOVED, {"on": rule.definition.on.canonical}
    departure = _left(rule.definition, occasion.evidence, view)
    return None if departure is None else (Reason.LEFT, departure)


def _cancelled_when(
    queue: list[Pending], cancels: list[Cancel], occasion: Occasion, view: CustomerView
) -> Iterator[Cancelled]:
    for match in queue:
        by = next((cancel.on for cancel in cancels if _holds(cancel, match, occasion, view)), None)
        if by is not None:
            yield Cancelled(match, Reason.CANCEL_WHEN, {"by": by.canonical, "cause": occasion.cause})


def _left(trigger: TriggerDef, transitions: Mapping[str, Evidence], view: CustomerView) -> Evidence | None:
    """What shows that the customer is no longer where the trigger's match put them; None if they are, or need not."""
    on = trigger.on
    if trigger.even_if_left:
        return None
    if on.kind is OnKind.ENTERS and not view.member(on.name):
        return {"segment": on.name, "now": "out", "traits": transitions.get(on.name, {})}
    if on.kind is OnKind.MOVES and on.to_value is not None:
        value = view.dimension(on.name)
        if value != on.to_value:
            return {"dimension": on.name, "now": value, "traits": transitions.get(on.name, {})}
    return None


def _holds(cancel: Cancel, match: Pending, occasion: Occasion, view: CustomerView) -> bool:
    if cancel.where is None:
        return True
    cause = occasion.event_at(match.cause_offset) if cancel.reads_cause else None
    return cancel.where(view.state, occasion.t_ms, occasion.event, cause)
