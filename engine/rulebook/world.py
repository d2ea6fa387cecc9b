"""Reads what the derived world depends on: the schema, traits, segments and dimensions, each after what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.rulebook.dimensions import DimensionReader, Shape, values_of, written_in
from engine.rulebook.expressions import Expressions, Written
from engine.rulebook.needs import in_order
from engine.rulebook.nodes import Scalar
from engine.rulebook.reading import Reading
from engine.rulebook.schema import Schema
from engine.rulebook.sections import Sections
from engine.rulebook.traits import TraitReader
from projections.definitions import DimensionDef, SegmentDef, TraitDef, TraitKind
from projections.expressions.checker import check_condition
from projections.expressions.kinds import Typed
from projections.expressions.lexer import KEYWORDS
from projections.expressions.scope import RESERVED, Scope
from projections.expressions.suggestions import Suggestions
from projections.expressions.tree import Kind, Node, Ref, Root

# A formula is computed where it is used, and so are those it uses; unbounded, they could multiply.
MAX_FORMULA_NODES = 5_000
_SHARED = ("traits", "segments", "dimensions")


@dataclass(slots=True)
class World:
    """What could be read, and what the names in expressions stand for; `broken` are defined, but not soundly."""

    schema: Schema
    traits: dict[str, TraitDef] = field(default_factory=dict)
    segments: dict[str, SegmentDef] = field(default_factory=dict)
    dimensions: dict[str, DimensionDef] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    typed_traits: dict[str, Typed] = field(default_factory=dict)
    typed_segments: dict[str, Typed] = field(default_factory=dict)
    typed_dimensions: dict[str, Typed] = field(default_factory=dict)
    suggest: Suggestions = field(default_factory=Suggestions)
    incomplete: bool = False

    def scope(self, what: str) -> Scope:
        """Traits, segments, dimensions and the customer; grows with this world."""
        return Scope(
            what=what,
            traits=self.typed_traits,
            segments=self.typed_segments,
            dimensions=self.typed_dimensions,
            profile=self.schema.profile,
            broken=self.broken,
            suggest=self.suggest,
            incomplete=self.incomplete,
        )

    def add_trait(self, definition: TraitDef) -> None:
        """Make a sound trait known."""
        moving = definition.formula is not None and definition.formula.moving
        self.traits[definition.name] = definition
        self.typed_traits[definition.name] = Typed(definition.value, definition.element, definition.nullable, moving)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment as parsed."""

    when: Written
    leaves_when: Written | None


_Unchecked = Written | _Segment | Shape


class WorldReader:
    """Reads the world's sections."""

    def __init__(self, schema: Schema, reading: Reading, expressions: Expressions) -> None:
        self._schema = schema
        self._reading = reading
        self._expressions = expressions
        self._dimension_reader = DimensionReader(reading, expressions)
        self._formula_nodes: dict[str, int] = {}
        self._hidden: dict[str, str] = {}  # what formulas cannot use, and why

    def read(self, sections: Sections) -> World:
        """The world; what is broken is left out and reported."""
        world = World(self._schema, suggest=self._reading.suggest, incomplete=self._reading.incomplete)
        keys = {name: entry[0] for section in _SHARED for name, entry in sections[section].items()}
        for name, key in keys.items():
            self._check_name(key, stored=name in sections["traits"])
        unchecked = self._parse(sections, world)
        world.broken.update(keys.keys() - unchecked.keys() - world.traits.keys())
        needs = {name: self._needs(what) & unchecked.keys() for name, what in unchecked.items()}
        order, circles = in_order(needs)
        for circle in circles:
            self._refuse_circle(keys[circle[0]], circle)
        world.broken.update(unchecked.keys() - set(order))
        for name in order:
            if not self._define(name, unchecked[name], world, keys[name]):
                world.broken.add(name)
        world.dimensions = {name: world.dimensions[name] for name in sections["dimensions"] if name in world.dimensions}
        return world

    def _check_name(self, key: Scalar, *, stored: bool) -> None:
        read = self._reading.stored_name if stored else self._reading.name
        name = read(key, "a trait" if stored else "a segment or dimension")
        if name is not None and (name in RESERVED or name in KEYWORDS):
            self._reading.refuse(key, f"'{name}' has a meaning of its own in expressions; choose another name")

    def _parse(self, sections: Sections, world: World) -> dict[str, _Unchecked]:
        """What can be parsed and is still to be checked; folded traits are ready and go into the world."""
        traits = TraitReader(self._schema, self._reading, self._expressions).read(sections["traits"])
        for definition in traits.folded.values():
            world.add_trait(definition)
        unchecked: dict[str, _Unchecked] = dict(traits.formulas)
        for name, (_, node) in sections["segments"].items():
            fields = self._reading.keys(node, f"the segment '{name}'", ("when", "leaves_when"), needed=("when",))
            when = self._expressions.parse(fields.get("when"), "when")
            leaves_when = self._expressions.parse(fields.get("leaves_when"), "leaves_when")
            world.typed_segments[name] = Typed(Kind.FLAG)
            self._hidden[name] = f"'{name}' is a segment; a formula is made of traits"
            if when is not None and ("leaves_when" not in fields or leaves_when is not None):
                unchecked[name] = _Segment(when, leaves_when)
        for name, (key, node) in sections["dimensions"].items():
            shape = self._dimension_reader.shape(name, key, node)
            values = values_of(shape) if shape is not None else None
            world.typed_dimensions[name] = Typed(Kind.TEXT, values=values)
            self._hidden[name] = f"'{name}' is a dimension; a formula is made of traits"
            if shape is not None:
                unchecked[name] = shape
        return unchecked

    @staticmethod
    def _needs(what: _Unchecked) -> set[str]:
        if isinstance(what, Written):
            return what.names()
        if isinstance(what, _Segment):
            return what.when.names() | (what.leaves_when.names() if what.leaves_when else set())
        return {name for written in written_in(what) for name in written.names()}

    def _refuse_circle(self, key: Scalar, circle: list[str]) -> None:
        path = " -> ".join(f"'{name}'" for name in (*circle, circle[0]))
        self._reading.refuse(key, f"'{circle[0]}' is defined by itself: {path}")

    def _define(self, name: str, what: _Unchecked, world: World, key: Scalar) -> bool:
        """Check one definition and add it to the world; whether it is sound."""
        if isinstance(what, Written):
            return self._define_formula(name, what, world, key)
        if isinstance(what, _Segment):
            scope = world.scope("a segment")
            when = self._expressions.check(what.when, scope, check_condition)
            leaves_when = self._expressions.check(what.leaves_when, scope, check_condition)
            if when is None or (what.leaves_when is not None and leaves_when is None):
                return False
            world.segments[name] = SegmentDef(name=name, when=when, leaves_when=leaves_when, source=f"segments.{name}")
            return True
        definition = self._dimension_reader.define(name, what, world.scope("a dimension"))
        if definition is not None:
            world.dimensions[name] = definition
        return definition is not None

    def _define_formula(self, name: str, written: Written, world: World, key: Scalar) -> bool:
        scope = Scope(
            what="a formula",
            traits=world.typed_traits,
            profile=self._schema.profile,
            broken=world.broken,
            hidden=self._hidden,
            suggest=world.suggest,
            incomplete=world.incomplete,
        )
        formula = self._expressions.check(written, scope)
        if formula is None:
            return False
        if formula.kind in (Kind.SET, Kind.LIST):
            self._reading.refuse(written.scalar, f"a formula gives a single value, not a {formula.kind}")
            return False
        self._formula_nodes[name] = nodes = self._count(formula)
        if nodes > MAX_FORMULA_NODES:
            message = f"'{name}' has more than {MAX_FORMULA_NODES:,} parts with the formulas it is made of"
            self._reading.refuse(key, message)
            return False
        world.add_trait(
            TraitDef(
                name=name,
                kind=TraitKind.FORMULA,
                value=formula.kind or Kind.NULL,
                nullable=formula.nullable,
                formula=formula,
                source=f"traits.{name}",
            )
        )
        return True

    def _count(self, formula: Node) -> int:
        """The nodes of a formula and of those it is made of."""
        return sum(
            self._formula_nodes.get(node.path[0], 1) if isinstance(node, Ref) and node.root is Root.TRAIT else 1
            for node in formula.walk()
        )
