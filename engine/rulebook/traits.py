"""Reads the traits that fold events; formulas only as far as their text (see `world.py`)."""

from __future__ import annotations

from collections.abc import Mapping as Lookup
from dataclasses import dataclass, field

from engine.rulebook.expressions import Check, Expressions, Written
from engine.rulebook.nodes import Node, Scalar, Sequence, is_recorded
from engine.rulebook.paths import FieldPath, read_path, read_type
from engine.rulebook.reading import Keys, Reading
from engine.rulebook.schema import Schema
from projections.definitions import WINDOWED, FieldKinds, TraitDef, TraitKind
from projections.expressions.checker import check_condition, check_number
from projections.expressions.scope import Scope
from projections.expressions.tree import Compare, Kind
from projections.expressions.tree import Node as ExpressionNode

SET_LIMIT = 1_000
MAX_LIMIT = 10_000

_KINDS = tuple(str(kind) for kind in TraitKind)
_OF_EVENTS = frozenset({TraitKind.COUNT, TraitKind.FIRST_AT, TraitKind.LAST_AT, TraitKind.MEAN_GAP_DAYS})
_OF_NUMBERS = frozenset({TraitKind.SUM, TraitKind.MEAN, TraitKind.MIN, TraitKind.MAX})
_NEVER_NULL = frozenset({TraitKind.COUNT, TraitKind.SUM, TraitKind.SET, TraitKind.RECENT})
_OPTIONS = ("where", "within", "weight", "half_life", "limit")
_LATER = {
    "predict": "'predict' is not in this release; the other kinds of traits are",
    "resolution": "'resolution' is not in this release; 'within' counts each event at its own instant",
}
_NO_ZONE = "a date is 00:00 in the customer's zone, which may change: '{}' is asked once, so no date meets a time in it"
_STILL = "'{}' is asked once, when an event is folded, so nothing in it may move with time"


@dataclass(slots=True)
class Traits:
    """Folded traits by name, and formulas still to be checked; names in neither are broken."""

    folded: dict[str, TraitDef] = field(default_factory=dict)
    formulas: dict[str, Written] = field(default_factory=dict)


class TraitReader:
    """Reads trait definitions against a schema."""

    def __init__(self, schema: Schema, reading: Reading, expressions: Expressions) -> None:
        self._schema = schema
        self._reading = reading
        self._expressions = expressions

    def read(self, entries: Lookup[str, tuple[Scalar, Node]]) -> Traits:
        """All traits; what is broken is left out and reported."""
        traits = Traits()
        for name, (key, node) in entries.items():
            keys = self._reading.keys(
                node, f"the trait '{name}'", (*_KINDS, *_OPTIONS), example="{count: order_completed}", later=_LATER
            )
            kind = self._kind(key, node, keys)
            if kind is TraitKind.FORMULA:
                self._options(kind, keys)
                written = self._expressions.parse(keys["formula"], f"the formula '{name}'")
                if written is not None:
                    traits.formulas[name] = written
            elif kind is not None:
                before = len(self._reading.problems)
                definition = self._folded(name, kind, keys)
                if definition is not None and len(self._reading.problems) == before:
                    traits.folded[name] = definition
        return traits

    def _kind(self, key: Scalar, node: Node, keys: Keys) -> TraitKind | None:
        found = [kind for kind in _KINDS if kind in keys]
        if len(found) == 1:
            return TraitKind(found[0])
        if found:
            self._reading.refuse(node, f"a trait is of one kind; found {' and '.join(found)}")
        elif keys.whole:
            self._reading.refuse(key, f"the trait '{key.text}' needs a kind: one of {', '.join(_KINDS)}")
        return None

    def _options(self, kind: TraitKind, keys: Lookup[str, Node]) -> None:
        """Refuse the options that the kind does not have."""
        allowed = {"where"} if kind is not TraitKind.FORMULA else set()
        allowed |= {"within"} if kind in WINDOWED else set()
        allowed |= {"weight", "half_life"} if kind is TraitKind.TOP else set()
        allowed |= {"limit"} if kind in (TraitKind.SET, TraitKind.RECENT) else set()
        for option in _OPTIONS:
            if option in keys and option not in allowed:
                has = f"; it has {', '.join(sorted(allowed))}" if allowed else ""
                self._reading.refuse(keys[option], f"{kind} has no '{option}'{has}")

    def _folded(self, name: str, kind: TraitKind, keys: Lookup[str, Node]) -> TraitDef | None:
        self._options(kind, keys)
        source = keys[str(kind)]
        path = None
        if kind in _OF_EVENTS:
            types = self._types(kind, source)
        else:
            path = self._path(kind, source)
            types = (path.type,) if path else ()
        if not types:
            return None
        value, element = _value(kind, path)
        return TraitDef(
            name=name,
            kind=kind,
            value=value,
            element=element,
            nullable=kind not in _NEVER_NULL,
            types=types,
            path=path.path if path else (),
            list_depth=path.list_depth if path else 0,
            where=self._asked_once("where", keys, self._scope("where", types, path), check_condition),
            weight=self._asked_once("weight", keys, self._scope("weight", types, path), check_number),
            within_ms=self._reading.positive_duration(keys["within"], "within") if "within" in keys else None,
            half_life_ms=self._reading.positive_duration(keys["half_life"], "half_life")
            if "half_life" in keys
            else None,
            limit=self._limit(kind, source, keys),
            source=f"traits.{name}",
        )

    def _asked_once(self, option: str, keys: Lookup[str, Node], scope: Scope, checked: Check) -> ExpressionNode | None:
        """A `where` or `weight`, in which no date may meet a time: when a day begins is the customer's zone's to say,
        and that may change after the event was folded."""
        written = self._expressions.parse(keys.get(option), option)
        expression = self._expressions.check(written, scope, checked)
        if expression is not None and written is not None and not is_recorded(written.scalar):
            for part in expression.walk():
                if isinstance(part, Compare) and {part.left.kind, part.right.kind} == {Kind.DATE, Kind.TIME}:
                    self._expressions.refuse(written, part, _NO_ZONE.format(option))
        return expression

    def _types(self, kind: TraitKind, node: Node) -> tuple[str, ...]:
        if not isinstance(node, Sequence):
            found = read_type(node, str(kind), self._schema, self._reading)
            return (found,) if found else ()
        items = self._reading.items(node, str(kind))
        types = [read_type(item, str(kind), self._schema, self._reading) for item in items]
        known = [type_ for type_ in types if type_ is not None]
        for item, type_ in zip(items, types, strict=True):
            if type_ is not None and known.count(type_) > 1:
                self._reading.refuse(item, f"'{type_}' stands twice")
                break
        return tuple(sorted(known)) if len(known) == len(items) else ()

    def _path(self, kind: TraitKind, node: Node) -> FieldPath | None:
        path = read_path(node, str(kind), self._schema, self._reading)
        if path is None:
            return None
        if kind in _OF_NUMBERS and path.kind is not Kind.NUMBER:
            self._reading.refuse(node, f"{kind} needs numbers; '{path.path[-1]}' is {path.kind}")
            return None
        if kind is TraitKind.TOP and path.kind is not Kind.TEXT:
            self._reading.refuse(node, f"top needs texts; '{path.path[-1]}' is {path.kind}")
            return None
        return path

    def _limit(self, kind: TraitKind, source: Node, keys: Lookup[str, Node]) -> int | None:
        if "limit" in keys and kind in (TraitKind.SET, TraitKind.RECENT):
            return self._reading.whole(keys["limit"], "limit", most=MAX_LIMIT)
        if kind is TraitKind.RECENT:
            self._reading.refuse(source, "recent needs 'limit': how many of the last values it keeps")
        return SET_LIMIT if kind is TraitKind.SET else None

    def _scope(self, option: str, types: tuple[str, ...], path: FieldPath | None) -> Scope:
        events = {name: self._schema.types[name] for name in types}
        items = {path.type: _elements(events[path.type], path)} if path and path.list_depth else None
        return Scope(
            what=f"a trait's {option}",
            event=events,
            item=items,
            still_because=_STILL.format(option),
            incomplete=self._reading.incomplete,
        )


def _elements(fields: FieldKinds, path: FieldPath) -> FieldKinds:
    """The fields of each element of the list that a path walks."""
    for part in path.path[: path.list_depth]:
        inner = fields.fields[part]
        if isinstance(inner, FieldKinds):
            fields = inner
    return fields


def _value(kind: TraitKind, path: FieldPath | None) -> tuple[Kind, Kind | None]:
    if kind in (TraitKind.FIRST_AT, TraitKind.LAST_AT):
        return Kind.TIME, None
    if path is None or kind in _OF_NUMBERS:
        return Kind.NUMBER, None
    if kind is TraitKind.SET:
        return Kind.SET, path.kind
    if kind is TraitKind.RECENT:
        return Kind.LIST, path.kind
    return path.kind, None
