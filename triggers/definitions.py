"""What a rulebook says of triggers and policy, after loading and checking; pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from events.durations import duration_text
from projections.expressions.tree import Node

MARKETING = "marketing"
TRANSACTIONAL = "transactional"


class OnKind(StrEnum):
    """What a match is made of."""

    ENTERS = "enters"
    LEAVES = "leaves"
    MOVES = "moves"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class On:
    """One occasion. `name` is the segment, dimension or event type; `canonical` is equal for equal meaning and is
    what decisions record."""

    kind: OnKind
    name: str
    from_value: str | None = None
    to_value: str | None = None
    where: Node | None = None
    canonical: str = ""


class Once(StrEnum):
    """How often a trigger may send to a customer, where it is no duration."""

    PER_CAUSE = "per_cause"
    PER_CUSTOMER = "per_customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is given. `percent` and `amount` are millionths; `until` is 'end_of_month', a duration in ms, or a date in
    days since 1970-01-01 as ('date', days)."""

    code: str
    percent: int | None = None
    amount: int | None = None
    category: str | None = None
    until: str | int | tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDef:
    """What to send, and by which channels, the first usable."""

    template: str
    channels: tuple[str, ...]
    purpose: str = MARKETING
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDef:
    """One rule. `at_ms` is the local time of day in ms since midnight; `once` a mode or a duration in ms; `holdout`
    a share in millionths; `goal` is checked and kept, not counted."""

    name: str
    on: On
    message: MessageDef
    after_ms: int = 0
    at_ms: int | None = None
    condition: Node | None = None  # `if:`
    cancel_when: tuple[On, ...] = ()
    even_if_left: bool = False
    include_existing: bool = False
    priority: int = 0
    once: Once | int = Once.PER_CAUSE
    holdout: int = 0
    salt: str = ""
    paused: bool = False
    expires_after_ms: int | None = None
    goal: Mapping[str, object] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most `at_most` sends that fit in `per_ms`; None fits anything. `index` is its place in the policy."""

    at_most: int
    per_ms: int
    purpose: str | None = None
    channel: str | None = None
    trigger: str | None = None

    @property
    def name(self) -> str:
        """How reasons name it, e.g. `2 per 1w marketing`."""
        fits = [word for word in (self.purpose, self.channel, self.trigger) if word]
        return " ".join([f"{self.at_most} per {duration_text(self.per_ms)}", *fits])


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Local times of day in ms since midnight, round midnight when from_ms > to_ms."""

    from_ms: int
    to_ms: int
    applies_to: frozenset[str] = frozenset({MARKETING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for all triggers."""

    time_zone: str = "UTC"
    quiet_hours: QuietHours | None = None
    caps: tuple[Cap, ...] = ()
    sender: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesDef:
    """All that deciding depends on beyond the derived world."""

    triggers: Mapping[str, TriggerDef] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
