"""What a rulebook says of traits, segments and dimensions, after loading and checking; pure data.

Expressions are checked trees (`projections.expressions.tree`). Durations are milliseconds, numbers millionths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from projections.expressions.tree import Kind, Node

JOINT = "·"
"""Joins what the engine makes names of: it may stand in an identifier, and in no name that a rulebook can give."""


class TraitKind(StrEnum):
    """How a trait folds events."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    FIRST_AT = "first_at"
    LAST_AT = "last_at"
    SET = "set"
    RECENT = "recent"
    TOP = "top"
    MEAN_GAP_DAYS = "mean_gap_days"
    FORMULA = "formula"


WINDOWED = frozenset(
    {TraitKind.COUNT, TraitKind.SUM, TraitKind.MEAN, TraitKind.MIN, TraitKind.MAX, TraitKind.SET, TraitKind.TOP}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitDef:
    """One trait. `types` are the event types it reads; `path` the field inside `data` (empty for count, first_at,
    last_at, mean_gap_days), `list_depth` how many leading names of the path lead to the list that is walked
    (0: no list), so path[:list_depth] is the list and path[list_depth:] the field of each item. `value` is the kind
    of the trait's value (SET and LIST for set and recent, with `element`)."""

    name: str
    kind: TraitKind
    value: Kind
    element: Kind | None = None
    nullable: bool = False
    types: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    list_depth: int = 0
    where: Node | None = None
    weight: Node | None = None
    within_ms: int | None = None
    half_life_ms: int | None = None
    limit: int | None = None  # set: 1,000 unless written; recent: as written
    formula: Node | None = None
    source: str = ""  # file:line of the definition, for shown programs


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDef:
    """A condition, with the one that ends membership where `leaves_when` is written."""

    name: str
    when: Node
    leaves_when: Node | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The first case that holds gives the value; the last has no condition."""

    cases: tuple[tuple[str, Node | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """names[i] where at[i-1] <= number < at[i] (millionths); `missing` for null."""

    number: Node
    at: tuple[int, ...]
    names: tuple[str, ...]
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesOf:
    """The trait's (or profile field's) own value, as shown; `missing` for null."""

    trait: Node
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionDef:
    """An exhaustive choice of values."""

    name: str
    form: Cases | Bands | ValuesOf
    source: str = ""

    @property
    def values(self) -> tuple[str, ...] | None:
        """Every value it can take, or None where they are those of a trait."""
        if isinstance(self.form, Cases):
            return tuple(value for value, _ in self.form.cases)
        if isinstance(self.form, Bands):
            missing = () if self.form.missing is None else (self.form.missing,)
            return self.form.names + missing
        return None


def conditions_of(definition: SegmentDef | DimensionDef) -> Iterator[Node]:
    """Every expression that decides an entity."""
    if isinstance(definition, SegmentDef):
        yield definition.when
        if definition.leaves_when is not None:
            yield definition.leaves_when
    elif isinstance(definition.form, Cases):
        yield from (condition for _, condition in definition.form.cases if condition is not None)
    elif isinstance(definition.form, Bands):
        yield definition.form.number
    else:
        yield definition.form.trait


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldKinds:
    """The fields of an event type, of an item, or of the profile: name -> kind, or a nested list of items."""

    fields: Mapping[str, Kind | FieldKinds]
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldDef:
    """All that the derived world depends on. `dimensions` keep the order in which they are written."""

    types: Mapping[str, FieldKinds]  # built-in and declared event types, control left out
    profile: Mapping[str, Kind]  # known and declared profile fields
    traits: Mapping[str, TraitDef] = field(default_factory=dict)
    segments: Mapping[str, SegmentDef] = field(default_factory=dict)
    dimensions: Mapping[str, DimensionDef] = field(default_factory=dict)
    time_zone: str = "UTC"

    @property
    def formulas(self) -> dict[str, Node]:
        """The expressions of the traits that are formulas, by name."""
        return {name: trait.formula for name, trait in self.traits.items() if trait.formula is not None}
