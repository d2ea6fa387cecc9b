"""One match when it is asked, and the verdicts the gates give on it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from triggers.definitions import Policy, TriggerDef
from triggers.ledger import Ledger, Pending
from triggers.occasion import CustomerView, Evidence, Occasion
from triggers.reasons import Reason
from triggers.rules import Rule


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
    """One match at the step in which it is asked."""

    match: Pending
    rule: Rule
    occasion: Occasion
    view: CustomerView
    ledger: Ledger
    policy: Policy

    @property
    def t_ms(self) -> int:
        """The instant at which it is asked."""
        return self.occasion.t_ms

    @property
    def event(self) -> object | None:
        """The event that caused the match, None where there is none; fetched when it is asked for."""
        return self.occasion.event_at(self.match.cause_offset)

    @property
    def trigger(self) -> TriggerDef:
        """The trigger as the rulebook in force has it."""
        return self.rule.definition

    @property
    def purpose(self) -> str:
        """Marketing, transactional, or what else the trigger names."""
        return self.trigger.message.purpose
