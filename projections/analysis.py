"""What each entity's condition depends on, sorted into indexes.

Entities are numbered: segments by name, then dimensions in order. Each is in a group or in none (`grouping.py`), and
each group has indexes of its own. A comparison of a source with a constant goes to that source's thresholds; one of a
still expression (a formula, a mean) becomes a feature, whose value is compared before and after; ages go to the
thresholds of their time; equalities are found by value; everything else is asked whenever its sources change.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction

from events.numbers import MICRO
from projections.definitions import Bands, DimensionDef, SegmentDef, ValuesOf, WorldDef, conditions_of
from projections.dependencies import parents_of, sources_read
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
    at_least,
)
from projections.expressions.values import Num
from projections.grouping import choose_selector, is_age
from projections.sources import Source, source_name, sources_of
from projections.thresholds import Entry


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
        self.selector, self.group_of = choose_selector(self.entities, self.sources)
        for group in self.group_of:
            self.groups.setdefault(group, Questions())
        self.number_of = {definition.name: number for number, definition in enumerate(self.entities)}
        self.parents = [parents_of(definition, self.number_of) for definition in self.entities]
        self.reads = sources_read(self.entities, self.parents, self.world)
        self.members_tested = [{} for _ in self.entities]
        for number, definition in enumerate(self.entities):
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
            if is_age(definition, self.selector, self.group_of[number]):
                self.certain.add(number)
        return self

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
        for name in sources_of(node, self.world):
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
                self.features[key] = Feature(len(self.features), left, frozenset(sources_of(left, self.world)))
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
