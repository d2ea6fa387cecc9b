"""The generator's rulebook and log as plain data: what the evaluator judges by, and what the engine is given as text.

Nothing here comes from the engine. Expressions are tuples, the operator first:

    ("num", "2.5") ("text", "cats") ("flag", True) ("list", (e, ...))
    ("trait", name) ("segment", name) ("dimension", name) ("builtin", "known_since" | "sent.email" ...)
    ("profile", field) ("consent", channel, purpose) ("event" | "cause" | "item", field) ("event", list, field)
    ("neg", e) ("+" | "-" | "*" | "/", a, b) ("<" ... "!=" | "in" | "not in", a, b) ("chain", (op, ...), (e, ...))
    ("and" | "or", (e, ...)) ("not", e) ("is null" | "is not null", e) ("if", then, condition, otherwise)
    ("call", function, (e, ...))

Durations and instants are milliseconds; numbers are decimal text until they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Expr = tuple[Any, ...]
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Trait:
    """`path` is `TYPE.field...` for kinds over a field, empty for those over events alone; `value` is number, text,
    flag, time, date, set:KIND or list:KIND."""

    kind: str
    value: str
    nullable: bool
    types: tuple[str, ...] = ()
    path: str = ""
    where: Expr | None = None
    weight: Expr | None = None
    within: int | None = None
    half_life: int | None = None
    limit: int | None = None
    formula: Expr | None = None


@dataclass(frozen=True, kw_only=True)
class Segment:
    when: Expr
    leaves_when: Expr | None = None


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """Exactly one of `cases` (the last without a condition), `bands` and `values_of`."""

    cases: tuple[tuple[str, Expr | None], ...] = ()
    bands: Expr | None = None
    at: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    values_of: Expr | None = None
    missing: str | None = None

    def values(self) -> tuple[str, ...]:
        """The values it is known to take; none where they are a trait's."""
        if self.cases:
            return tuple(value for value, _ in self.cases)
        return self.names + ((self.missing,) if self.bands and self.missing else ())


@dataclass(frozen=True, kw_only=True)
class On:
    """kind is enters, leaves, moves or event; name the segment, dimension or type."""

    kind: str
    name: str
    from_value: str | None = None
    to_value: str | None = None
    where: Expr | None = None


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """`at` is minutes since midnight, `holdout` whole percent, `once` a mode or a duration."""

    on: On
    template: str
    channels: tuple[str, ...]
    purpose: str = "marketing"
    after: int = 0
    at: int | None = None
    condition: Expr | None = None
    cancel_when: tuple[On, ...] = ()
    even_if_left: bool = False
    include_existing: bool = False
    priority: int = 0
    once: str | int = "per_cause"
    holdout: int = 0
    salt: str = ""
    paused: bool = False
    expires_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cap:
    at_most: int
    per: int
    purpose: str | None = None
    channel: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Quiet hours are minutes since midnight."""

    time_zone: str = "UTC"
    quiet: tuple[int, int] | None = None
    quiet_transactional: bool = False
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """Traits, segments and dimensions stand in an order in which each refers to earlier ones only."""

    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    profile: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[str, Trait] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    evaluation_order: tuple[str, ...] = ()  # segments and dimensions, each after what it refers to
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A record of the log; `appended_at_ms` never falls from one to the next. A `broken` one is a dead letter."""

    customer: str
    id: str
    type: str
    occurred_at_ms: int
    appended_at_ms: int
    data: Mapping[str, Any] = field(default_factory=dict)
    broken: bool = False


@dataclass(frozen=True, kw_only=True)
class Tick:
    appended_at_ms: int


@dataclass(frozen=True, kw_only=True)
class Activation:
    """From here on `rulebooks[rulebook]` of the case is active."""

    appended_at_ms: int
    rulebook: int


@dataclass(frozen=True, kw_only=True)
class Case:
    """One history: a log and the rulebooks activated in it."""

    seed: int
    rulebooks: tuple[Rulebook, ...]
    records: tuple[Event | Tick | Activation, ...]

    @property
    def end_ms(self) -> int:
        """The journey time after the last record."""
        return max(record.appended_at_ms for record in self.records)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A transition: `before` and `after` are out and in, or values; None from outside."""

    customer: str
    name: str
    before: str | None
    after: str
    at_ms: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A step of a match. `ask_ms` is kept for schedules and holds (-1: not before an activation), `channel` for
    sends."""

    customer: str
    kind: str
    trigger: str
    reason: str
    cause: str
    matched_at_ms: int
    due_ms: int
    at_ms: int
    ask_ms: int | None = None
    channel: str = ""


@dataclass(kw_only=True)
class Outcome:
    """What one side makes of a case. Memberships map segments to in or out and dimensions to values; numbers of
    traits are shown with 6 places. Pending matches are (trigger, matched_at_ms, due_ms)."""

    traits: dict[str, dict[str, Any]] = field(default_factory=dict)
    memberships: dict[str, dict[str, str]] = field(default_factory=dict)
    transitions: dict[str, list[Moved]] = field(default_factory=dict)
    decisions: dict[str, list[Decided]] = field(default_factory=dict)
    pending: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict)
