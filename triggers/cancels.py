"""Which pending matches a step cancels, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from triggers.definitions import OnKind, TriggerDef
from triggers.ledger import Ledger, Pending
from triggers.occasion import CustomerView, Evidence, Occasion
from triggers.reasons import Reason
from triggers.rules import Cancel, Rule, Rules


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A pending match that this step ends, and why."""

    match: Pending
    reason: Reason
    evidence: Evidence


def cancelled(occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> Iterator[Cancelled]:
    """The pending matches that this step cancels, in order of (trigger, age).

    `trigger_removed` and `left` are judged by what holds now, whichever step made it so: a match that other code, or
    a rulebook's refold, left behind is never sent to someone outside.
    """
    if not ledger.pending:
        return
    met: dict[str, list[Cancel]] = defaultdict(list)
    for cancel in rules.cancels.met(occasion.transitions, occasion.event_type):
        met[cancel.trigger].append(cancel)
    for cancels in met.values():
        cancels.sort(key=lambda cancel: cancel.index)
    gone: dict[str, Evidence | None] = {}
    for match in sorted(ledger.pending, key=lambda match: (match.trigger, match.made)):
        rule = rules.rules.get(match.trigger)
        if rule is None or rule.definition.on.canonical != match.on:
            yield Cancelled(match, Reason.TRIGGER_REMOVED, _removal(rule))
            continue
        if rule.name not in gone:
            gone[rule.name] = _left(rule.definition, occasion.evidence, view)
        departure = gone[rule.name]
        if departure is not None:
            yield Cancelled(match, Reason.LEFT, departure)
            continue
        by = next((cancel.on for cancel in met.get(rule.name, ()) if _holds(cancel, match, occasion, view)), None)
        if by is not None:
            yield Cancelled(match, Reason.CANCEL_WHEN, {"by": by.canonical, "cause": occasion.cause})


def needed_causes(ledger: Ledger, rules: Rules, *, t_ms: int, event_type: str | None) -> set[int]:
    """The offsets of the events that deciding a step at `t_ms` may ask `Occasion.cause_event` for, so that they can be
    fetched beforehand: those of the matches that will be asked, and of those whose cancels compare `cause`."""
    comparing = {
        cancel.trigger
        for rule in rules.rules.values()
        for cancel in rule.cancels
        if cancel.reads_cause and (cancel.on.kind is not OnKind.EVENT or cancel.on.name == event_type)
    }
    return {
        match.cause_offset
        for match in ledger.pending
        if match.cause_offset >= 0 and (match.ask_ms <= t_ms or match.trigger in comparing)
    }


def _removal(rule: Rule | None) -> Evidence:
    return {"trigger": "gone"} if rule is None else {"on": rule.definition.on.canonical}


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
