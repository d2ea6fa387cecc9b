"""Compiles the derived world of a rulebook to a Program.

The generated module holds a function for each event type, segment and dimension, and those of time; `Program.source`
shows it. With `plain` nothing is indexed: every step evaluates every entity and every moving condition is asked for
its next change; it is what the index is tested against.
"""

from __future__ import annotations

import linecache
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Protocol

import msgspec

from events.numbers import MICRO, quantise, shown, shown_text
from events.zones import load_zones
from projections import profile as person
from projections import thresholds
from projections.affecting import Affecting
from projections.analysis import Analysis
from projections.decoding import (
    Activated,
    Tick,
    attribute,
    checker,
    data_struct,
    event_struct,
    profile_checker,
    profile_struct,
)
from projections.definitions import Bands, DimensionDef, SegmentDef, TraitDef, TraitKind, WorldDef, conditions_of
from projections.entities import dimension, next_change, segment, value_text
from projections.expressions import runtime
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.moving import moving_atoms
from projections.expressions.tree import Kind, Node, Ref, Root
from projections.expressions.values import Num, Temporaries, Val
from projections.folding import attributes, field_value
from projections.handlers import Handlers
from projections.indexing import Indexing
from projections.passing import Passing
from projections.program import Program
from projections.settling import Settling
from projections.sources import (
    ConsentSource,
    ProfileSource,
    Source,
    TraitSource,
    builtin,
    references,
    source_name,
    sources_of,
    trait_code,
)
from projections.state import StateCodec, state_struct
from projections.traits import windowed, windows
from projections.traits.collections import ValueSet

ALWAYS = ("known_since", "last_seen_at")
_serial = count(1)


class ConditionRequest(Protocol):
    """An expression to compile beside the world: the event types that `event.*` and `cause.*` may be of (None: any)."""

    @property
    def node(self) -> Node: ...
    @property
    def event_types(self) -> frozenset[str] | None: ...
    @property
    def cause_types(self) -> frozenset[str] | None: ...


class Compiler:
    """One compilation; `compile_world` is its door."""

    def __init__(self, world: WorldDef, conditions: Mapping[str, ConditionRequest], *, plain: bool) -> None:
        load_zones()
        self.world, self.requests, self.plain = world, conditions, plain
        self.formulas = {name: trait.formula for name, trait in world.traits.items() if trait.formula is not None}
        segments = (world.segments[name] for name in sorted(world.segments))
        self.entities: list[SegmentDef | DimensionDef] = [*segments, *world.dimensions.values()]
        self.sources = self._sources()
        self.segments = len(world.segments)
        self.analysis = Analysis(world, self.sources, self.entities).run()
        self.constants: dict[str, Any] = {}
        self.indexing = Indexing(self.analysis, self.constants)
        affecting = Affecting(self.indexing, self.emitter)
        self.passing = Passing(affecting)
        self.handlers = Handlers(affecting, self.passing, world.types)

    def _sources(self) -> dict[str, Source]:
        found: dict[str, Source] = {}
        for name, trait in self.world.traits.items():
            if trait.kind is not TraitKind.FORMULA:
                found[name] = TraitSource(trait_code(trait))
        for name in ALWAYS:
            found[name] = TraitSource(trait_code(builtin(name, self.world.types)))
        expressions = [(node, True) for node in self._stored_expressions()]
        expressions += [(request.node, False) for request in self.requests.values()]
        for node, stored in expressions:
            for ref in references(node, self.world):
                name = source_name(ref) or ""
                if ref.root is Root.BUILTIN and name not in found:
                    found[name] = TraitSource(trait_code(builtin(name, self.world.types)))
                elif ref.root is Root.PROFILE and stored:
                    field = ".".join(ref.path)
                    found[name] = ProfileSource(field, self.world.profile[field])
                elif ref.root is Root.CONSENT:
                    found[name] = ConsentSource(*ref.path)
        return found

    def _stored_expressions(self) -> Iterable[Node]:
        """Those whose profile fields have slots; a trigger's condition reads the profile itself, so that changing
        triggers alone leaves the states' layout as it is."""
        for definition in self.entities:
            yield from conditions_of(definition)
        yield from self.formulas.values()

    # ------------------------------------------------------------ names in expressions
    def emitter(self, resolve: Callable[[Ref, Temporaries], Num | Val] | None = None) -> Emitter:
        """An emitter for a new function of (s, t)."""
        return Emitter(resolve or self.resolve, self.constants, zone="(s.zone or ZONE)")

    def resolve(self, ref: Ref, names: Temporaries) -> Num | Val:
        """How a name reads in a function of (s, t)."""
        name = source_name(ref)
        if name is not None and name in self.sources:
            return self.sources[name].read()
        if ref.root is Root.TRAIT:
            formula = self.formulas[ref.path[0]]
            emitter = Emitter(self.resolve, self.constants, zone="(s.zone or ZONE)", names=names)
            return emitter.number(formula) if ref.kind is Kind.NUMBER else emitter.value(formula)
        number = self.analysis.number_of[ref.path[0]]
        if ref.root is Root.SEGMENT:
            return Val(f"(s.mem[{number >> 3}] & {1 << (number & 7)} != 0)")
        return Val(f"s.dims[{number - self.segments}]")

    def resolve_in_condition(self, ref: Ref, names: Temporaries) -> Num | Val:
        """How a name reads in a function of (s, t, event, cause): fields of an event of any type may be absent."""
        if ref.root is Root.PROFILE and source_name(ref) not in self.sources:
            return field_of_profile(ref, names)
        if ref.root not in (Root.EVENT, Root.CAUSE):
            return self.resolve(ref, names)
        return field_value(ref, f"field_of({ref.root}, {attributes(ref.path)})", names)

    # ------------------------------------------------------------ the module
    def compile(self) -> Program:
        """Write, compile and bind the generated module."""
        self.indexing.prepare()
        lines: list[str] = []
        for number, definition in enumerate(self.entities):
            if isinstance(definition, SegmentDef):
                member = f"s.mem[{number >> 3}] & {1 << (number & 7)}"
                lines += segment(number, definition, self.emitter(), member)
            else:
                lines += dimension(number, definition, self.emitter())
        movers = self._next_changes(lines)
        self.indexing.group(movers)
        lines += self.passing.expire() + self.passing.due() + self.passing.bound()
        for type_name in self.world.types:
            lines += self.handlers.handler(type_name)
        for number, (key, request) in enumerate(sorted(self.requests.items())):
            condition = self.emitter(self.resolve_in_condition).condition(request.node)
            lines += [f"def condition_{number}(s, t, event, cause):", f"    # {key}", f"    return {condition}"]
        lines += self._trait_values()
        text = "\n".join(lines) + "\n"
        return self._bind(text, movers)

    def _next_changes(self, lines: list[str]) -> dict[int, bool]:
        """Append the next-change functions; returns the moving entities, True where the index of ages has all of
        their moving comparisons."""
        movers: dict[int, bool] = {}
        for number, definition in enumerate(self.entities):
            found = next_change(number, definition, self.emitter(), self.formulas, plain=self.plain)
            if found is not None:
                lines += found
                movers[number] = self.analysis.aged[number] == self._moving_comparisons(definition)
        return movers

    def _moving_comparisons(self, definition: SegmentDef | DimensionDef) -> int:
        found = sum(1 for node in conditions_of(definition) for _ in moving_atoms(node, self.formulas))
        if (
            isinstance(definition, DimensionDef)
            and isinstance(definition.form, Bands)
            and definition.form.number.moving
        ):
            found += len(definition.form.at)
        return found

    def _trait_values(self) -> list[str]:
        """The functions of the traits' exact values, fractions in lowest terms as pairs, sets sorted."""
        lines: list[str] = []
        for number, name in enumerate(self._value_names()):
            trait = self.world.traits.get(name)
            read = None if trait is not None else self.sources[name].read()
            if isinstance(read, Val):
                code = read.code
            else:
                assert trait is not None
                code = self._exact_value(trait)
            lines += [f"def value_{number}(s, t):", f"    # {name}", f"    return {code}"]
        return lines

    def _value_names(self) -> list[str]:
        return [*sorted(self.world.traits), *ALWAYS]

    def _exact_value(self, trait: TraitDef) -> str:
        ref = Ref(root=Root.TRAIT, path=(trait.name,), kind=trait.value, element=trait.element)
        emitter = self.emitter()
        if trait.value is Kind.NUMBER:
            number = emitter.number(ref)
            return source.bound(f"lowest({source.pair(number)})", number.guard)
        value = emitter.value(ref)
        return source.bound(f"sorted({value.code})" if trait.value is Kind.SET else value.code, value.guard)

    def _bind(self, text: str, movers: Mapping[int, bool]) -> Program:
        space = self._namespace(movers)
        file = f"<rulebook program {next(_serial)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), space)  # noqa: S102  # our own source, made from checked trees
        structs = self._event_structs()
        functions = [space[f"entity_{number}"] for number in range(len(self.entities))]
        space["NEXT"][:] = [space.get(f"next_{number}") for number in range(len(self.entities))]
        slots = [slot for src in self.sources.values() for slot in _slots(src)]
        struct = state_struct(slots)
        settling = Settling(self.analysis, functions, space["NEXT"], self.segments, struct, plain=self.plain)
        return Program(
            world=self.world,
            source=text,
            codec=StateCodec(struct),
            new_state=settling.new_state,
            decode_event=msgspec.msgpack.Decoder(_union([*structs.values(), Tick, Activated])).decode,
            event_types=structs,
            handlers={structs[name]: space[f"on_{name}"] for name in structs},
            due=space["due"],
            expire=space["expire"],
            bound=space["bound"] if not self.plain else settling.plain_bound(space["bound"]),
            settle=settling.settle,
            settle_first=settling.settle_first,
            names=tuple(definition.name for definition in self.entities),
            segments=self.segments,
            number_of=self.analysis.number_of,
            reads=tuple(self.analysis.reads),
            tested=tuple(self.analysis.members_tested),
            raw={name: eval(f"lambda s: {src.raw}", space) for name, src in self.sources.items()},  # noqa: S307  # as above
            show={name: src.shower() for name, src in self.sources.items()},
            set_sources=frozenset(
                name for name, src in self.sources.items() if isinstance(getattr(src, "code", None), ValueSet)
            ),
            evidence_order={name: self.handlers.evidence_order(name) for name in (None, *structs)},
            trait_value={name: space[f"value_{number}"] for number, name in enumerate(self._value_names())},
            conditions={key: space[f"condition_{number}"] for number, key in enumerate(sorted(self.requests))},
            zone=self.world.time_zone,
            plain=self.plain,
            snapshot_of=lambda entity: self._snapshot(entity, space),
            checks=self._checks(structs),
            condition_reads={key: self._reads(request.node) for key, request in self.requests.items()},
        )

    def _snapshot(self, entity: int, space: dict[str, Any]) -> Callable[[Any], tuple[Any, ...]]:
        """The function that takes snapshots of the sources an entity is made of; of a set, the elements looked for."""
        parts = []
        for name in self.analysis.reads[entity]:
            src = self.sources[name]
            looked_for = self.analysis.members_tested[entity].get(name, ())
            is_set = isinstance(getattr(src, "code", None), ValueSet)
            parts.append(f"[x for x in {looked_for!r} if x in {src.raw}]" if is_set else src.raw)
        code = "lambda s: (" + "".join(f"{part}, " for part in parts) + ")"
        function: Callable[[Any], tuple[Any, ...]] = eval(code, space)  # noqa: S307  # our own source
        return function

    def _reads(self, node: Node) -> tuple[str, ...]:
        return tuple(sorted(sources_of(node, self.world)))

    def _event_structs(self) -> dict[str, type[msgspec.Struct]]:
        made = {}
        for name, kinds in self.world.types.items():
            profile = name == "profile_updated"
            data = profile_struct(self.world.profile) if profile else data_struct(f"Data_{name}", kinds)
            made[name] = event_struct(name, data)
        return made

    def _checks(self, structs: Mapping[str, type[msgspec.Struct]]) -> dict[type, Callable[[Any], None]]:
        checks = {name: checker(kinds) for name, kinds in self.world.types.items()}
        found = {structs[name]: check for name, check in checks.items() if check is not None}
        return found | {structs["profile_updated"]: profile_checker(self.world.profile)}

    def _namespace(self, movers: Mapping[int, bool]) -> dict[str, Any]:
        readers = {attribute(name): (name, person.READERS[kind]) for name, kind in sorted(self.world.profile.items())}
        space: dict[str, Any] = {
            "NEVER": runtime.NEVER,
            "ZONE": self.world.time_zone,
            "NEXT": [],
            "MOVING": self.indexing.moving(movers, None),
            "NOTHING": (None, 0, 0),
            "PROFILE_READERS": readers,
            "bisect_right": bisect_right,
            "quantise": quantise,
            "shown_text": shown_text,
            "shown": shown,
            "value_text": value_text,
            "lowest": runtime.lowest,
        }
        for module in (runtime, windows, windowed, person, thresholds):
            space |= {
                name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")
            }
        return space | self.constants


def field_of_profile(ref: Ref, names: Temporaries) -> Num | Val:
    """How a profile field reads that has no slot of its own."""
    name = names.new()
    guard = f"({name} := (s.profile.get({'.'.join(ref.path)!r}) or NOTHING)[0]) is not None"
    return Num(name, MICRO, guard=guard) if ref.kind is Kind.NUMBER else Val(name, guard)


def _union(structs: list[type[msgspec.Struct]]) -> Any:
    union: Any = structs[0]
    for struct in structs[1:]:
        union = union | struct
    return union


def _slots(src: Source) -> list[Any]:
    if isinstance(src, TraitSource):
        return src.code.slots
    return [src.slot] if isinstance(src, ProfileSource) else []


def compile_world(
    world: WorldDef, conditions: Mapping[str, ConditionRequest] | None = None, *, plain: bool = False
) -> Program:
    """Compile a rulebook's derived world, and the conditions of its triggers."""
    return Compiler(world, conditions or {}, plain=plain).compile()
