"""One match when it is asked, and the verdicts the gates give on it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from triggers.definitions import Policy, TriggerDef
from triggers.ledger import Ledger, Pending
from triggers.occasion import CustomerView, Evidence, Occasion
from triggers.reasons import Reason
from triggers.rules import Rule, Rules


class Suppress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The message is not sent; `reason` is that of the first gate that objected."""

    reason: Reason
    evidence: Evidence
    channel: str = ""
    address: str = ""


class Hold(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The match is asked again, all gates anew, at `ask_ms` (-1: when its trigger is no longer paused)."""

    reason: Reason
    evidence: Evidence
    ask_ms: int
    channel: str = ""
    address: str = ""


class Send(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """No gate objected: what is sent, by which channel, where to."""

    channel: str
    address: str
    message_id: str
    parts: dict[str, str]
    evidence: Evidence


Verdict: TypeAlias = Suppress | Hold | Send


class Asking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One match at the step in which it is asked; `trigger` is as the rulebook in force has it."""

    match: Pending
    rule: Rule
    trigger: TriggerDef
    purpose: str
    t_ms: int
    occasion: Occasion
    view: CustomerView
    ledger: Ledger
    policy: Policy

    @property
    def event(self) -> object | None:
        """The event that caused the match, None where there is none; fetched when it is asked for."""
        return self.occasion.event_at(self.match.cause_offset)

    @classmethod
    def of(cls, match: Pending, occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> Asking:
        """A match asked at an occasion."""
        rule = rules.rules[match.trigger]
        trigger = rule.definition
        return cls(
            match=match,
            rule=rule,
            trigger=trigger,
            purpose=trigger.message.purpose,
            t_ms=occasion.t_ms,
            occasion=occasion,
            view=view,
            ledger=ledger,
            policy=rules.policy,
        )
