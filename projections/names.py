"""What the names in expressions read: the sources that there are, and how each name reads in generated code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from events.numbers import MICRO
from projections.analysis import Analysis
from projections.definitions import DimensionDef, SegmentDef, TraitKind, WorldDef, conditions_of
from projections.expressions.emit import Emitter
from projections.expressions.tree import Kind, Node, Ref, Root
from projections.expressions.values import Num, Temporaries, Val
from projections.folding import attributes, field_value
from projections.sources import (
    ConsentSource,
    ProfileSource,
    Source,
    TraitSource,
    builtin,
    references,
    source_name,
    trait_code,
)

ALWAYS = ("known_since", "last_seen_at")
"""The built-ins that every customer has, whether an expression reads them or not."""


def value_names(world: WorldDef) -> list[str]:
    """Everything whose exact value a Program gives."""
    return [*sorted(world.traits), *ALWAYS]


def all_sources(
    world: WorldDef, entities: Iterable[SegmentDef | DimensionDef], conditions: Iterable[Node]
) -> dict[str, Source]:
    """Every source by name: all stored traits, and what else the entities, the formulas and the conditions read.

    Profile fields that entities or formulas read have slots; a trigger's condition reads the profile itself, so that
    changing triggers alone leaves the states' layout as it is.
    """
    found: dict[str, Source] = {}
    for name, trait in world.traits.items():
        if trait.kind is not TraitKind.FORMULA:
            found[name] = TraitSource(trait_code(trait))
    for name in ALWAYS:
        found[name] = TraitSource(trait_code(builtin(name, world.types)))
    expressions = [(node, True) for definition in entities for node in conditions_of(definition)]
    expressions += [(formula, True) for formula in world.formulas.values()]
    expressions += [(condition, False) for condition in conditions]
    for node, stored in expressions:
        for ref in references(node, world):
            name = source_name(ref) or ""
            if ref.root is Root.BUILTIN and name not in found:
                found[name] = TraitSource(trait_code(builtin(name, world.types)))
            elif ref.root is Root.PROFILE and stored:
                field = ".".join(ref.path)
                found[name] = ProfileSource(field, world.profile[field])
            elif ref.root is Root.CONSENT:
                found[name] = ConsentSource(*ref.path)
    return found


class Names:
    """How names read in the generated functions of one compilation."""

    def __init__(self, analysis: Analysis, constants: dict[str, Any]) -> None:
        self.analysis, self.constants = analysis, constants
        self.formulas = analysis.world.formulas
        self.segments = len(analysis.world.segments)

    def emitter(self) -> Emitter:
        """An emitter for a new function of (s, t)."""
        return self._emitter(self.resolve, Temporaries())

    def condition_emitter(self) -> Emitter:
        """An emitter for a new function of (s, t, event, cause)."""
        return self._emitter(self.resolve_in_condition, Temporaries())

    def _emitter(self, resolve: Callable[[Ref, Temporaries], Num | Val], names: Temporaries) -> Emitter:
        return Emitter(resolve, self.constants, zone="(s.zone or ZONE)", names=names)

    def resolve(self, ref: Ref, names: Temporaries) -> Num | Val:
        """How a name reads in a function of (s, t)."""
        name = source_name(ref)
        if name is not None and name in self.analysis.sources:
            return self.analysis.sources[name].read()
        if ref.root is Root.TRAIT:
            formula = self.formulas[ref.path[0]]
            emitter = self._emitter(self.resolve, names)
            return emitter.number(formula) if ref.kind is Kind.NUMBER else emitter.value(formula)
        number = self.analysis.number_of[ref.path[0]]
        if ref.root is Root.SEGMENT:
            return Val(f"({self.member(number)} != 0)")
        return Val(f"s.dims[{number - self.segments}]")

    def member(self, number: int) -> str:
        """Source of the bit that says whether the customer is in a segment."""
        return f"s.mem[{number >> 3}] & {1 << (number & 7)}"

    def resolve_in_condition(self, ref: Ref, names: Temporaries) -> Num | Val:
        """How a name reads in a function of (s, t, event, cause): fields of an event of any type may be absent."""
        if ref.root is Root.PROFILE and source_name(ref) not in self.analysis.sources:
            return _field_of_profile(ref, names)
        if ref.root not in (Root.EVENT, Root.CAUSE):
            return self.resolve(ref, names)
        return field_value(ref, f"field_of({ref.root}, {attributes(ref.path)})", names)


def _field_of_profile(ref: Ref, names: Temporaries) -> Num | Val:
    """How a profile field reads that has no slot of its own."""
    name = names.new()
    guard = f"({name} := (s.profile.get({'.'.join(ref.path)!r}) or NOTHING)[0]) is not None"
    return Num(name, MICRO, guard=guard) if ref.kind is Kind.NUMBER else Val(name, guard)
