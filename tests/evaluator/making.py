"""A rulebook on its way, and what its parts are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.evaluator.model import Dimension, Expr, Rulebook, Segment, Trait

CUSTOM = {"thing_measured": {"amount": "number", "label": "text", "ok": "flag", "seen_at": "time", "day": "date"}}
# Known to some second rulebooks only: until then its events are of an unknown type.
LATER = {"parcel_tracked": {"parcel": "text"}}
PROFILE = {"letter": "text", "shoe_size": "number"}
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass
class Making:
    """A rulebook on its way."""

    rng: Random
    traits: dict[str, Trait] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    types: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: CUSTOM)

    def rulebook(self) -> Rulebook:
        return Rulebook(
            types=self.types,
            profile=PROFILE,
            traits=self.traits,
            segments=self.segments,
            dimensions=self.dimensions,
            evaluation_order=tuple(self.order),
        )

    def of_value(self, *values: str) -> list[Expr]:
        return [("trait", name) for name, trait in self.traits.items() if trait.value in values]

    def chance(self, share: float) -> bool:
        return self.rng.random() < share


def num(text: str) -> Expr:
    return ("num", text)


def text(value: str) -> Expr:
    return ("text", value)
