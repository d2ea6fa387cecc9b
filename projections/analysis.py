"""What each entity's condition depends on, sorted into indexes.

Entities are numbered: segments by name, then dimensions in order. Segments that all test one text for equality (a city,
a plan) are sorted into groups by the value they look for: of those only one group can be affected by what a customer
does. A comparison of a source with a constant goes to that
source's thresholds; one of a still expression (a formula, a mean) becomes a feature, whose value is compared before and
after; ages go to the thresholds of their time; equalities are found by value; everything else is asked whenever its
sources change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from events.numbers import MICRO
from projections.definitions import Bands, Cases, DimensionDef, SegmentDef, ValuesOf, WorldDef
from projections.expressions.moving import FLIPPED, as_since
from projections.expressions.tree import (
    And,
    Compare,
    Const,
    IfElse,
    IsNull,
    Kind,
    ListOf,
    Node,
    Not,
    Or,
    Ref,
    Root,
)
from projections.expressions.values import Num
from projections.sources import Source, references, source_name
from projections.thresholds import Entry

SELECTOR_LEAST = 2
"""Segments that must test a source for equality before it sorts entities into groups."""


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


def at_least(number: Node, cut: int) -> Compare:
    """`number >= cut`, the cut in millionths."""
    return Compare(op=">=", left=number, right=Const(value=cut, kind=Kind.NUMBER), kind=Kind.FLAG)


def bare(node: Node) -> Node:
    """The expression without its places in the text, so that equal ones are equal."""
    changes: dict[str, object] = {"at": 0, "end": 0}
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            changes[name] = bare(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[name] = tuple(bare(child) for child in value)
    return replace(node, **changes)  # type: ignore[arg-type]  # fields by name


@dataclass(slots=True)
class Feature:
    """A still numeric expression that conditions compare with constants; `number` is its place among them."""

    number: int
    node: Node
    sources: frozenset[str]


@dataclass(slots=True)
class Questions:
    """What the entities of one group ask: of values and ages by source, of features by number."""

    entries: dict[str, Entry] = field(default_factory=lambda: defaultdict(Entry))
    ages: dict[str, Entry] = field(default_factory=lambda: defaultdict(Entry))
    features: dict[int, Entry] = field(default_factory=lambda: defaultdict(Entry))


@dataclass(slots=True)
class Analysis:
    """Indexes over all entities."""

    world: WorldDef
    sources: dict[str, Source]
    entities: list[SegmentDef | DimensionDef]
    groups: dict[str | None, Questions] = field(default_factory=lambda: {None: Questions()})
    features: dict[Node, Feature] = field(default_factory=dict)
    selector: str | None = None  # the text source whose equality sorts entities into groups
    group_of: list[str | None] = field(default_factory=list)
    parents: list[set[int]] = field(default_factory=list)  # entities whose value this one reads
    reads: list[tuple[str, ...]] = field(default_factory=list)  # sources an entity is made of, through other entities
    members_tested: list[dict[str, tuple[object, ...]]] = field(default_factory=list)  # set -> constants looked for
    number_of: dict[str, int] = field(default_factory=dict)
    aged: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # entity -> comparisons in `ages`
    certain: set[int] = field(default_factory=set)  # those that are nothing but an age, within their group

    def run(self) -> Analysis:
        """Classify every condition."""
        self._choose_selector()
        self.number_of = {definition.name: number for number, definition in enumerate(self.entities)}
        self.members_tested = [{} for _ in self.entities]
        for number, definition in enumerate(self.entities):
            self.parents.append({self.number_of[name] for name in self._read_entities(definition)})
            form = definition.form if isinstance(definition, DimensionDef) else None
            if isinstance(form, Bands):
                for cut in form.at:
                    self._comparison(number, at_least(form.number, cut))
                self._null(number, form.number)
            elif isinstance(form, ValuesOf):
                self._any(number, form.trait)
            else:
                for condition in conditions_of(definition):
                    self._condition(number, condition)
        self.certain = {number for number, definition in enumerate(self.entities) if self._is_age(number, definition)}
        self.reads = [tuple(sorted(self._all_reads(number, set()))) for number in range(len(self.entities))]
        return self

    def order(self) -> list[int]:
        """The entities' ranks: each after those it reads."""
        rank: dict[int, int] = {}

        def visit(number: int) -> None:
            if number in rank:
                return
            for parent in sorted(self.parents[number]):
                visit(parent)
            rank[number] = len(rank)

        for number in range(len(self.entities)):
            visit(number)
        return [rank[number] for number in range(len(self.entities))]

    def _read_entities(self, definition: SegmentDef | DimensionDef) -> Iterator[str]:
        for condition in conditions_of(definition):
            for part in condition.walk():
                if isinstance(part, Ref) and part.root in (Root.SEGMENT, Root.DIMENSION):
                    yield part.path[0]

    def _all_reads(self, number: int, seen: set[int]) -> set[str]:
        if number in seen:
            return set()
        seen.add(number)
        found = {name for condition in conditions_of(self.entities[number]) for name in self._sources(condition)}
        for parent in self.parents[number]:
            found |= self._all_reads(parent, seen)
        return found

    def _sources(self, node: Node) -> set[str]:
        names = (source_name(ref) for ref in references(node, self.world))
        return {name for name in names if name is not None}

    # ------------------------------------------------------------ classification
    def _choose_selector(self) -> None:
        """The text source that most segments test for equality, and each entity's value of it."""
        tests = [dict(self._equalities(definition)) for definition in self.entities]
        counts = Counter(name for found in tests for name in found)
        name, count = max(counts.items(), key=lambda pair: (pair[1], pair[0]), default=(None, 0))
        self.selector = name if count >= SELECTOR_LEAST else None
        self.group_of = [found.get(self.selector or "") for found in tests]
        for value in self.group_of:
            self.groups.setdefault(value, Questions())

    def _equalities(self, definition: SegmentDef | DimensionDef) -> Iterator[tuple[str, str]]:
        """(text source, value) of each equality without which nobody enters a segment."""
        if not isinstance(definition, SegmentDef):
            return
        for part in definition.when.operands if isinstance(definition.when, And) else (definition.when,):
            if isinstance(part, Compare) and part.op == "==" and isinstance(part.right, Const):
                name = source_name(part.left) if isinstance(part.left, Ref) else None
                if name in self.sources and part.left.kind is Kind.TEXT and isinstance(part.right.value, str):
                    yield str(name), part.right.value

    def _is_age(self, number: int, definition: SegmentDef | DimensionDef) -> bool:
        """Whether nothing but the age of one instant decides, for a customer of the entity's group."""
        if isinstance(definition, DimensionDef):
            form = definition.form
            return isinstance(form, Bands) and as_since(at_least(form.number, form.at[0])) is not None
        parts = definition.when.operands if isinstance(definition.when, And) else (definition.when,)
        rest = [part for part in parts if not self._selects(number, part)]
        alone = rest[0] if len(rest) == 1 and definition.leaves_when is None else None
        return isinstance(alone, Compare) and as_since(alone) is not None

    def _selects(self, number: int, part: Node) -> bool:
        """Whether it is the equality that puts the entity in its group."""
        return (
            isinstance(part, Compare)
            and isinstance(part.left, Ref)
            and isinstance(part.right, Const)
            and part.op == "=="
            and self.group_of[number] is not None
            and (source_name(part.left), part.right.value) == (self.selector, self.group_of[number])
        )

    def _of(self, number: int) -> Questions:
        return self.groups[self.group_of[number]]

    def _condition(self, number: int, node: Node) -> None:
        match node:
            case And() | Or():
                for part in node.operands:
                    self._condition(number, part)
            case Not():
                self._condition(number, node.operand)
            case IsNull():
                self._null(number, node.operand)
            case Compare():
                self._comparison(number, node)
            case IfElse():
                for part in (node.condition, node.then, node.otherwise):
                    self._condition(number, part)
            case Ref(root=Root.SEGMENT) | Const():
                return
            case _:
                self._any(number, node)

    def _any(self, number: int, node: Node) -> None:
        for name in self._sources(node):
            self._of(number).entries[name].any_change.add(number)

    def _null(self, number: int, operand: Node) -> None:
        name = source_name(operand) if isinstance(operand, Ref) else None
        if name in self.sources:
            self._of(number).entries[name].nullness.add(number)
        else:
            self._any(number, operand)

    def _comparison(self, number: int, node: Compare) -> None:
        since = as_since(node)
        if since is not None and source_name(since.since) in self.sources:
            self._of(number).ages[str(source_name(since.since))].comparisons.append((number, since.op, since.cut_ms))
            self.aged[number] += 1
            return
        for left, right, op in ((node.left, node.right, node.op), (node.right, node.left, FLIPPED.get(node.op))):
            if op is not None and isinstance(right, Const) and self._against_constant(number, left, op, right):
                return
        if node.op in ("in", "not in") and self._membership(number, node):
            return
        if isinstance(node.left, Ref) and node.left.root is Root.DIMENSION and isinstance(node.right, Const | ListOf):
            return
        self._any(number, node)

    def _against_constant(self, number: int, left: Node, op: str, right: Const) -> bool:
        if left.moving or op not in FLIPPED:
            return False
        name = source_name(left) if isinstance(left, Ref) else None
        source = self.sources.get(name) if name is not None else None
        if left.kind is Kind.NUMBER and isinstance(right.value, int):
            cut = Fraction(right.value, MICRO)
            read = source.read() if source is not None else None
            if name is not None and isinstance(read, Num) and read.denominator is None:
                self._of(number).entries[name].comparisons.append((number, op, cut))
                return True
            key = bare(left)
            if key not in self.features:
                self.features[key] = Feature(len(self.features), left, frozenset(self._sources(left)))
            self._of(number).features[self.features[key].number].comparisons.append((number, op, cut))
            return True
        if source is not None and name is not None and op == "==" and left.kind is Kind.TEXT:
            self._of(number).entries[name].equal[right.value].add(number)
            return True
        return False

    def _membership(self, number: int, node: Compare) -> bool:
        """`'x' in set` and `text in ['a', 'b']`; not `in` of a text is asked at any change, since null is false."""
        left, right = node.left, node.right
        if isinstance(left, Const) and isinstance(right, Ref) and right.kind is Kind.SET:
            name = source_name(right)
            if name in self.sources:
                self._of(number).entries[name].equal[left.value].add(number)
                tested = self.members_tested[number]
                tested[name] = (*tested.get(name, ()), left.value)
                return True
        if node.op == "in" and isinstance(left, Ref) and isinstance(right, ListOf) and left.kind is Kind.TEXT:
            name = source_name(left)
            if name in self.sources:
                for item in right.items:
                    if isinstance(item, Const):
                        self._of(number).entries[name].equal[item.value].add(number)
                return True
        return False
