"""What conditions are made of: every stored trait, built-in, profile field and consent, under one name each.

A source is what an event or the passing of time can change. Formulas are no sources: they are read through those
they are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from projections.definitions import TraitDef, TraitKind, WorldDef
from projections.expressions.tree import Compare, Const, Kind, Node, Ref, Root
from projections.expressions.values import Num, Val
from projections.traits.collections import Recent, Top, ValueSet, WindowedSet, WindowedTop
from projections.traits.kinds import (
    Count,
    Edge,
    EdgeAt,
    Extreme,
    Mean,
    MeanGap,
    Slot,
    Sum,
    TraitCode,
    as_it_is,
    slot_name,
)
from projections.traits.windowed import WindowedCount, WindowedExtreme, WindowedMean, WindowedSum

PLAIN: dict[TraitKind, type[TraitCode]] = {
    TraitKind.COUNT: Count,
    TraitKind.SUM: Sum,
    TraitKind.MEAN: Mean,
    TraitKind.MIN: Extreme,
    TraitKind.MAX: Extreme,
    TraitKind.FIRST: Edge,
    TraitKind.LAST: Edge,
    TraitKind.FIRST_AT: EdgeAt,
    TraitKind.LAST_AT: EdgeAt,
    TraitKind.SET: ValueSet,
    TraitKind.RECENT: Recent,
    TraitKind.TOP: Top,
    TraitKind.MEAN_GAP_DAYS: MeanGap,
}
OVER_WINDOW: dict[TraitKind, type[TraitCode]] = {
    TraitKind.COUNT: WindowedCount,
    TraitKind.SUM: WindowedSum,
    TraitKind.MEAN: WindowedMean,
    TraitKind.MIN: WindowedExtreme,
    TraitKind.MAX: WindowedExtreme,
    TraitKind.SET: WindowedSet,
    TraitKind.TOP: WindowedTop,
}

NOT_ACTS = frozenset({"message_sent", "message_delivered", "message_bounced", "consent_changed", "profile_updated"})
COUNTED = {"sent": "message_sent", "opened": "message_opened", "clicked": "message_clicked"}
ZONE_FIELD = "profile.time_zone"


def trait_code(definition: TraitDef) -> TraitCode:
    """The source generator of a stored trait."""
    kinds = PLAIN if definition.within_ms is None else OVER_WINDOW
    return kinds[definition.kind](definition)


def builtin(name: str, types: Mapping[str, Any]) -> TraitDef:
    """A built-in trait as if a rulebook had defined it."""
    if name == "known_since":
        return TraitDef(name=name, kind=TraitKind.FIRST_AT, value=Kind.TIME, nullable=True, types=tuple(types))
    if name == "last_seen_at":
        acts = tuple(each for each in types if each not in NOT_ACTS)
        return TraitDef(name=name, kind=TraitKind.LAST_AT, value=Kind.TIME, nullable=True, types=acts)
    what, channel = name.split(".", 1)
    field = Ref(root=Root.EVENT, path=("channel",), kind=Kind.TEXT, nullable=True)
    where = Compare(op="==", left=field, right=Const(value=channel, kind=Kind.TEXT), kind=Kind.FLAG)
    return TraitDef(name=name, kind=TraitKind.COUNT, value=Kind.NUMBER, types=(COUNTED[what],), where=where)


class Source:
    """Something stored that conditions read: `name` is how the language writes it."""

    def __init__(self, name: str, kind: Kind) -> None:
        self.name = name
        self.kind = kind

    def read(self) -> Num | Val:
        """How the value reads."""
        raise NotImplementedError

    @property
    def raw(self) -> str:
        """Source of a snapshot."""
        value = self.read()
        return value.numerator if isinstance(value, Num) else value.code

    def shower(self) -> Callable[[Any], Any]:
        """The function that shows a snapshot as people read it."""
        return as_it_is


class TraitSource(Source):
    """A stored trait."""

    def __init__(self, code: TraitCode) -> None:
        super().__init__(code.definition.name, code.definition.value)
        self.code = code

    def read(self) -> Num | Val:
        return self.code.read()

    @property
    def raw(self) -> str:
        return self.code.raw

    def shower(self) -> Callable[[Any], Any]:
        return self.code.shower()


class ProfileSource(Source):
    """A profile field that conditions read; it has a slot of its own."""

    def __init__(self, field: str, kind: Kind) -> None:
        super().__init__(f"profile.{field}", kind)
        self.field = field
        self.slot = Slot(slot_name(self.name), str | int | bool | None)

    def read(self) -> Num | Val:
        code = f"s.{self.slot.name}"
        guard = f"{code} is not None"
        return Num(code, 1_000_000, guard=guard) if self.kind is Kind.NUMBER else Val(code, guard)


class ConsentSource(Source):
    """A consent for a channel and purpose: false until granted."""

    def __init__(self, channel: str, purpose: str) -> None:
        super().__init__(f"consent.{channel}.{purpose}", Kind.FLAG)
        self.channel, self.purpose = channel, purpose

    def read(self) -> Val:
        return Val(f"consented(s.consent, {self.channel!r}, {self.purpose!r})")


def source_name(ref: Ref) -> str | None:
    """The source a reference reads, or None for formulas, segments, dimensions and events."""
    match ref.root:
        case Root.TRAIT | Root.BUILTIN:
            return ".".join(ref.path)
        case Root.PROFILE:
            return "profile." + ".".join(ref.path)
        case Root.CONSENT:
            return "consent." + ".".join(ref.path)
        case _:
            return None


def references(node: Node, world: WorldDef) -> Iterator[Ref]:
    """Every reference below `node`, through formulas; a date read as an instant also reads the time zone."""
    for part in node.walk():
        if not isinstance(part, Ref):
            continue
        trait = world.traits.get(part.path[0]) if part.root is Root.TRAIT else None
        if trait is not None and trait.formula is not None:
            yield from references(trait.formula, world)
            continue
        yield part
        if part.kind is Kind.DATE:
            yield Ref(root=Root.PROFILE, path=("time_zone",), kind=Kind.TEXT, nullable=True)


def sources_of(node: Node, world: WorldDef) -> set[str]:
    """The names of the sources below `node`, through formulas."""
    names = (source_name(ref) for ref in references(node, world))
    return {name for name in names if name is not None}
