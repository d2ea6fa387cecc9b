"""The gates that a due match passes, in their order, each asked of all that was ever decided about the customer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.evaluator.clock import is_quiet, quiet_ends
from tests.evaluator.expressions import holds
from tests.evaluator.marks import mark
from tests.evaluator.model import Cap, Decided, On, Policy, Trigger
from tests.evaluator.world import View

ADDRESS = {"email": "email", "sms": "phone", "whatsapp": "phone", "push": "push_token"}
ASK_AT_ACTIVATION = -1
FAILING_NAME = "Broken"  # templates called failing cannot be rendered for customers of this first name


@dataclass(frozen=True, kw_only=True)
class Match:
    """A match on its way: `made` orders matches of one instant by age; `ask_ms` -1 waits for an activation."""

    trigger: str
    on: On
    cause: str
    event: dict[str, Any] | None
    made: int
    matched_ms: int
    due_ms: int
    ask_ms: int


@dataclass(frozen=True, kw_only=True)
class Used:
    """A send or a holdout, for once and caps."""

    trigger: str
    cause: str
    at_ms: int
    sent: bool
    purpose: str
    channel: str


@dataclass(kw_only=True)
class Book:
    """All that was decided about one customer, and what is still pending."""

    customer: str
    pending: list[Match] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    triggers_seen: set[str] = field(default_factory=set)
    steps: int = 0

    def note(self, kind: str, match: Match, reason: str, at_ms: int, **more: Any) -> None:
        mark("decision", kind, reason)
        self.decided.append(
            Decided(
                customer=self.customer,
                kind=kind,
                trigger=match.trigger,
                reason=reason,
                cause=match.cause,
                matched_at_ms=match.matched_ms,
                due_ms=match.due_ms,
                at_ms=at_ms,
                **more,
            )
        )


def gates(book: Book, match: Match, trigger: Trigger, policy: Policy, view: View) -> Iterator[tuple[str, str, int]]:
    """What the gates say, in their order, lazily: (kind, reason, ask again at); the usable channel on the way."""
    t_ms = int(view.t)
    transactional = trigger.purpose == "transactional"
    if trigger.expires_after is not None and t_ms > match.due_ms + trigger.expires_after:
        yield "suppress", "expired", 0
    if trigger.paused:
        yield "hold", "paused", ASK_AT_ACTIVATION
    if trigger.condition is not None and not holds(trigger.condition, view):
        yield "suppress", "condition", 0
    if once_objects(book, match, trigger, t_ms):
        mark("once", trigger.once if isinstance(trigger.once, str) else "duration")
        yield "suppress", "once", 0
    faults = {channel: why_unusable(channel, trigger.purpose, view) for channel in trigger.channels}
    channel = next((channel for channel in trigger.channels if not faults[channel]), None)
    if channel is None:
        yield "suppress", faults[trigger.channels[0]], 0
        return
    if channel != trigger.channels[0]:
        mark("channel", "a later one")
    yield "usable", channel, 0
    for cap in policy.caps:
        if cap_objects(book, cap, used(match, trigger, t_ms, channel, sent=True)):
            named = [name for name in ("purpose", "channel", "trigger") if getattr(cap, name)]
            for name in named or ["nothing"]:
                mark("cap", name)
            yield "suppress", "cap", 0
    if not transactional or policy.quiet_transactional:
        yield from quiet_gate(policy, t_ms, view.zone())
    if trigger.template == "failing" and view.look_up("profile", "first_name") == FAILING_NAME:
        yield "suppress", "template", 0
    if share_of(book.customer, match.trigger, trigger.salt) < Fraction(trigger.holdout, 100):
        yield "suppress", "holdout", 0


def used(match: Match, trigger: Trigger, t_ms: int, channel: str, *, sent: bool) -> Used:
    return Used(
        trigger=match.trigger, cause=match.cause, at_ms=t_ms, sent=sent, purpose=trigger.purpose, channel=channel
    )


def quiet_gate(policy: Policy, t_ms: int, zone: ZoneInfo) -> Iterator[tuple[str, str, int]]:
    if policy.quiet is not None and is_quiet(t_ms, policy.quiet, zone):
        mark("quiet", "transactional" if policy.quiet_transactional else "marketing")
        yield "hold", "quiet_hours", quiet_ends(t_ms, policy.quiet, zone)


def once_objects(book: Book, match: Match, trigger: Trigger, t_ms: int) -> bool:
    uses = [use for use in book.used if use.trigger == match.trigger]
    if trigger.once == "per_cause":
        return any(use.cause == match.cause for use in uses)
    if trigger.once == "per_customer":
        return bool(uses)
    return any(t_ms < use.at_ms + int(trigger.once) for use in uses)


def why_unusable(channel: str, purpose: str, view: View) -> str:
    """The first of consent, no_address and unreachable that stands against the channel."""
    if purpose != "transactional" and not view.look_up("consent", channel, purpose):
        return "consent"
    address = view.look_up("profile", ADDRESS.get(channel, channel))
    if address is None:
        return "no_address"
    return "unreachable" if (channel, address) in unreachable(view) else ""


def unreachable(view: View) -> set[tuple[str, str]]:
    """The addresses that hard bounces and complaints marked, each on its channel (who is not on WhatsApp may still
    read an SMS at the same number): the address named, else the customer's when it occurred."""
    marked: set[tuple[str, str]] = set()
    history = view.world.in_order(view.events)
    for folded in history:
        event, data = folded.event, folded.data
        hard = event.type == "message_bounced" and data["kind"] == "hard"
        if hard or event.type == "message_complained":
            address = data["address"]
            if address is None:
                fields: dict[str, Any] = {}
                for earlier in history[: history.index(folded)]:
                    if earlier.event.type == "profile_updated":
                        fields |= {name: earlier.data[name] for name in earlier.event.data}
                address = fields.get(ADDRESS.get(data["channel"], data["channel"]))
            if address is not None:
                marked.add((data["channel"], address))
    return marked


def cap_objects(book: Book, cap: Cap, wanted: Used) -> bool:
    """Whether so many of the customer's sends that fit lie within the cap's time."""
    sends = [use for use in book.used if use.sent and fits(cap, use)]
    t_ms = wanted.at_ms
    return fits(cap, wanted) and sum(t_ms - cap.per < use.at_ms <= t_ms for use in sends) >= cap.at_most


def fits(cap: Cap, use: Used) -> bool:
    """Whether a message fits all that the cap names; transactional ones only where it names a purpose."""
    if use.purpose == "transactional" and cap.purpose is None:
        return False
    named = ((cap.trigger, use.trigger), (cap.purpose, use.purpose), (cap.channel, use.channel))
    return all(wanted in (None, found) for wanted, found in named)


def share_of(customer: str, trigger: str, salt: str) -> Fraction:
    """The customer's place between 0 and 1 in a trigger's draw."""
    digest = hashlib.sha256(f"{customer}\n{trigger}\n{salt}".encode()).digest()
    return Fraction(int.from_bytes(digest[:8], "big"), 2**64)
