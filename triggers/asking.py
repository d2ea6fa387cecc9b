"""One match when it is asked, and the verdicts the gates give on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from triggers.definitions import Policy, TriggerDef
from triggers.ledger import Ledger, Pending
from triggers.occasion import CustomerView, Evidence
from triggers.reasons import Reason
from triggers.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress:
    """The message is not sent; `reason` is that of the first gate that objected."""

    reason: Reason
    evidence: Evidence
    channel: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The match is asked again, all gates anew, at `ask_ms` (-1: when its trigger is no longer paused)."""

    reason: Reason
    evidence: Evidence
    ask_ms: int
    channel: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """No gate objected: what is sent, by which channel, where to."""

    channel: str
    address: str
    message_id: str
    parts: dict[str, str]
    evidence: Evidence


Verdict: TypeAlias = Suppress | Hold | Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One match at the instant at which it is asked; `event` is the one that caused it."""

    match: Pending
    rule: Rule
    t_ms: int
    view: CustomerView
    ledger: Ledger
    policy: Policy
    event: object | None

    @property
    def trigger(self) -> TriggerDef:
        """The trigger as the rulebook in force has it."""
        return self.rule.definition

    @property
    def purpose(self) -> str:
        """Marketing, transactional, or what else the trigger names."""
        return self.trigger.message.purpose
