"""New matches: which triggers a step matches, and when each match is due."""

from __future__ import annotations

from triggers.ledger import Pending
from triggers.occasion import CustomerView, Occasion
from triggers.rules import Rule, Rules
from triggers.schedule import due_instant


def new_matches(occasion: Occasion, view: CustomerView, rules: Rules) -> list[Pending]:
    """The matches this step makes, by trigger name; not yet in any ledger."""
    matched = _matched(occasion, view, rules) if occasion.activation is None else _brought(occasion, view, rules)
    if not matched:
        return []
    if len(matched) > 1:
        matched.sort(key=lambda rule: rule.name)
    return [_match(rule, occasion, view) for rule in matched]


def _matched(occasion: Occasion, view: CustomerView, rules: Rules) -> list[Rule]:
    met = rules.on.met(occasion.transitions, occasion.event_type)
    return [rule for rule in met if rule.where is None or rule.where(view.state, occasion.t_ms, occasion.event, None)]


def _brought(occasion: Occasion, view: CustomerView, rules: Rules) -> list[Rule]:
    """An activation matches by `include_existing` only: who is in, by the first activation that contains the trigger;
    whom it brings in, by later ones."""
    activation = occasion.activation
    if activation is None:
        return []
    return [
        rule
        for rule in rules.existing
        if (rule.name in activation.new_triggers or rule.definition.on.name in activation.brought_in)
        and view.member(rule.definition.on.name)
    ]


def _match(rule: Rule, occasion: Occasion, view: CustomerView) -> Pending:
    due_ms = due_instant(rule.definition, occasion.t_ms, view.zone())
    return Pending(
        trigger=rule.name,
        on=rule.definition.on.canonical,
        cause=occasion.cause,
        cause_offset=occasion.cause_offset,
        made=occasion.position,
        matched_at_ms=occasion.t_ms,
        due_ms=due_ms,
        ask_ms=due_ms,
    )
