"""Compiles the derived world of a rulebook to a Program.

The generated module holds a function for each event type, segment and dimension, and those of time; `Program.source`
shows it. With `plain` nothing is indexed: every step evaluates every entity and every moving condition is asked for
its next change; it is what the index is tested against.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from events.zones import load_zones
from projections.affecting import Affecting
from projections.analysis import Analysis
from projections.binding import Binding
from projections.definitions import Bands, DimensionDef, SegmentDef, TraitDef, WorldDef, conditions_of
from projections.entities import dimension, next_change, segment
from projections.expressions import values as source
from projections.expressions.moving import moving_atoms
from projections.expressions.tree import Kind, Node, Ref, Root
from projections.expressions.values import Val
from projections.handlers import Handlers
from projections.indexing import Indexing
from projections.names import Names, all_sources, value_names
from projections.passing import Passing
from projections.program import Program


class ConditionRequest(Protocol):
    """An expression to compile beside the world: the event types that `event.*` and `cause.*` may be of (None: any)."""

    @property
    def node(self) -> Node: ...
    @property
    def event_types(self) -> frozenset[str] | None: ...
    @property
    def cause_types(self) -> frozenset[str] | None: ...


def compile_world(
    world: WorldDef, conditions: Mapping[str, ConditionRequest] | None = None, *, plain: bool = False
) -> Program:
    """Compile a rulebook's derived world, and the conditions of its triggers."""
    requests = conditions or {}
    return Compiler(world, {key: request.node for key, request in requests.items()}, plain=plain).compile()


class Compiler:
    """One compilation; `compile_world` is its door."""

    def __init__(self, world: WorldDef, conditions: Mapping[str, Node], *, plain: bool) -> None:
        load_zones()
        self.world, self.conditions, self.plain = world, conditions, plain
        segments = (world.segments[name] for name in sorted(world.segments))
        self.entities: list[SegmentDef | DimensionDef] = [*segments, *world.dimensions.values()]
        self.sources = all_sources(world, self.entities, conditions.values())
        self.analysis = Analysis(world, self.sources, self.entities).run()
        constants: dict[str, Any] = {}
        self.names = Names(self.analysis, constants)
        self.indexing = Indexing(self.analysis, constants)
        affecting = Affecting(self.indexing, self.names.emitter)
        self.passing = Passing(affecting)
        self.handlers = Handlers(affecting, self.passing, world.types)

    def compile(self) -> Program:
        """Write the module, and bind it."""
        self.indexing.prepare()
        lines: list[str] = []
        for number, definition in enumerate(self.entities):
            if isinstance(definition, SegmentDef):
                lines += segment(number, definition, self.names.emitter(), self.names.member(number))
            else:
                lines += dimension(number, definition, self.names.emitter())
        movers = self._next_changes(lines)
        self.indexing.group(movers)
        lines += self.passing.expire() + self.passing.due() + self.passing.bound()
        for type_name in self.world.types:
            lines += self.handlers.handler(type_name)
        lines += self._conditions() + self._trait_values()
        binding = Binding(
            analysis=self.analysis,
            handlers=self.handlers,
            conditions=self.conditions,
            moving=self.indexing.moving(movers, None),
            plain=self.plain,
        )
        return binding.program("\n".join(lines) + "\n")

    def _next_changes(self, lines: list[str]) -> dict[int, bool]:
        """Append the next-change functions; returns the moving entities, True where the index of ages has all of
        their moving comparisons."""
        movers: dict[int, bool] = {}
        for number, definition in enumerate(self.entities):
            found = next_change(number, definition, self.names.emitter(), self.names.formulas, plain=self.plain)
            if found is not None:
                lines += found
                movers[number] = self.analysis.aged[number] == self._moving_comparisons(definition)
        return movers

    def _moving_comparisons(self, definition: SegmentDef | DimensionDef) -> int:
        found = sum(1 for node in conditions_of(definition) for _ in moving_atoms(node, self.names.formulas))
        if (
            isinstance(definition, DimensionDef)
            and isinstance(definition.form, Bands)
            and definition.form.number.moving
        ):
            found += len(definition.form.at)
        return found

    def _conditions(self) -> list[str]:
        """The functions of the conditions beside the world."""
        lines: list[str] = []
        for number, (key, node) in enumerate(sorted(self.conditions.items())):
            condition = self.names.condition_emitter().condition(node)
            lines += [f"def condition_{number}(s, t, event, cause):", f"    # {key}", f"    return {condition}"]
        return lines

    def _trait_values(self) -> list[str]:
        """The functions of the traits' exact values, fractions in lowest terms as pairs, sets sorted."""
        lines: list[str] = []
        for number, name in enumerate(value_names(self.world)):
            trait = self.world.traits.get(name)
            read = None if trait is not None else self.sources[name].read()
            if isinstance(read, Val):
                code = read.code
            else:
                assert trait is not None
                code = self._exact_value(trait)
            lines += [f"def value_{number}(s, t):", f"    # {name}", f"    return {code}"]
        return lines

    def _exact_value(self, trait: TraitDef) -> str:
        ref = Ref(root=Root.TRAIT, path=(trait.name,), kind=trait.value, element=trait.element)
        emitter = self.names.emitter()
        if trait.value is Kind.NUMBER:
            number = emitter.number(ref)
            return source.bound(f"lowest({source.pair(number)})", number.guard)
        value = emitter.value(ref)
        return source.bound(f"sorted({value.code})" if trait.value is Kind.SET else value.code, value.guard)
