"""Reads what a match is made of: `on:`, the entries of `cancel_when:`, and `goal:`."""

from __future__ import annotations

from dataclasses import replace

from engine.rulebook.canonical import canonical_on
from engine.rulebook.expressions import Expressions
from engine.rulebook.nodes import Node, Scalar, Sequence, describe, is_recorded
from engine.rulebook.paths import read_type
from engine.rulebook.reading import Reading
from engine.rulebook.world import World
from projections.definitions import FieldKinds
from projections.expressions.checker import check_condition
from projections.expressions.event_fields import listed
from projections.expressions.scope import Scope
from triggers.definitions import On, OnKind

_KINDS = tuple(str(kind) for kind in OnKind)
_DATE_LATER = "matching on a date is not in this release; it matches on enters, leaves, moves and event"
LATER = {"date": _DATE_LATER, "offset": _DATE_LATER, "yearly": _DATE_LATER}


class OccasionReader:
    """Reads occasions against a world."""

    def __init__(self, world: World, reading: Reading, expressions: Expressions) -> None:
        self._world = world
        self._reading = reading
        self._expressions = expressions

    def on(self, node: Node, what: str, cause: On | None = None, *, cancels: bool = False) -> On | None:
        """One occasion, None where it is broken; `cancels` for those of cancel_when, which see the cause too."""
        keys = self._reading.keys(node, what, (*_KINDS, "where"), example="{enters: regular}", later=LATER)
        found = [kind for kind in _KINDS if kind in keys]
        if len(found) != 1:
            if found or keys.whole:
                shown = " and ".join(found) or "none"
                self._reading.refuse(node, f"{what} needs one of {', '.join(_KINDS)}; found {shown}")
            return None
        kind = OnKind(found[0])
        if "where" in keys and kind is not OnKind.EVENT:
            self._reading.refuse(
                keys["where"], f"'where' asks about an event; {what} is {kind}, so use the trigger's 'if'"
            )
            return None
        on = self._of_kind(kind, keys[found[0]], what)
        if on is None:
            return None
        if "where" in keys:
            scope = self._scope(what, on, cause, cancels=cancels)
            written = self._expressions.parse(keys["where"], "where")
            where = self._expressions.check(written, scope, check_condition)
            if where is None:
                return None
            on = replace(on, where=where)
        return replace(on, canonical=canonical_on(on))

    def cancels(self, node: Node, cause: On | None) -> tuple[On, ...] | None:
        """What cancels a match: one occasion or a list of them."""
        nodes = self._reading.items(node, "cancel_when") if isinstance(node, Sequence) else [node]
        read = [self.on(each, "cancel_when", cause, cancels=True) for each in nodes]
        found = tuple(on for on in read if on is not None)
        return found if found and len(found) == len(read) else None

    def goal(self, node: Node, cause: On | None) -> dict[str, object] | None:
        """What the message is to bring about: an event type, a condition on it, and within how many ms."""
        keys = self._reading.keys(node, "goal", ("event", "where", "within"), needed=("event", "within"))
        if "event" not in keys or "within" not in keys:
            return None
        type_ = read_type(keys["event"], "goal", self._world.schema, self._reading)
        within_ms = self._reading.positive_duration(keys["within"], "within")
        if type_ is None or within_ms is None:
            return None
        goal: dict[str, object] = {"event": type_, "within_ms": within_ms}
        if "where" in keys:
            scope = self._scope("goal", On(kind=OnKind.EVENT, name=type_), cause, cancels=False)
            written = self._expressions.parse(keys["where"], "where")
            where = self._expressions.check(written, scope, check_condition)
            if where is None:
                return None
            goal["where"] = where
        return goal

    def event_scope(self, what: str, on: On | None) -> Scope:
        """What a trigger's condition sees: everything, and the event that caused the match."""
        return replace(self._world.scope(what), event=self._events(on))

    def _scope(self, what: str, on: On, cause: On | None, *, cancels: bool) -> Scope:
        scope = self.event_scope(f"the where of {what}", on)
        return replace(scope, cause=self._events(cause)) if cancels else scope

    def _events(self, on: On | None) -> dict[str, FieldKinds]:
        """The types of which the event can be: any where a segment or dimension makes the match."""
        types = self._world.schema.types
        return {on.name: types[on.name]} if on is not None and on.kind is OnKind.EVENT else dict(types)

    def _of_kind(self, kind: OnKind, node: Node, what: str) -> On | None:
        if kind is OnKind.EVENT:
            type_ = read_type(node, what, self._world.schema, self._reading)
            return None if type_ is None else On(kind=kind, name=type_)
        if kind is OnKind.MOVES:
            return self._moves(node)
        name = self._known(node, str(kind), "segment")
        return None if name is None else On(kind=kind, name=name)

    def _known(self, node: Node, what: str, sort: str) -> str | None:
        """The name of a segment or dimension that is defined, be it soundly or not."""
        known = self._world.typed_segments if sort == "segment" else self._world.typed_dimensions
        if not isinstance(node, Scalar) or node.is_null:
            self._reading.refuse(node, f"{what} needs the name of a {sort}; found {describe(node)}")
        elif node.text in known:
            return node.text
        elif node.text not in self._world.broken:
            others = self._world.typed_dimensions if sort == "segment" else self._world.typed_segments
            other = "; it is a dimension, see 'moves'" if sort == "segment" else "; it is a segment, see 'enters'"
            advice = other if node.text in others else self._reading.suggest(node.text, known)
            self._reading.refuse_unknown(node, f"no {sort} is called '{node.text:.60}'{advice}")
        return None

    def _moves(self, node: Node) -> On | None:
        keys = self._reading.keys(node, "moves", ("dimension", "from", "to"), needed=("dimension",))
        if "dimension" not in keys:
            return None
        name = self._known(keys["dimension"], "moves", "dimension")
        ends = {end: self._value(keys[end], end, name) for end in ("from", "to") if end in keys}
        if name is None or None in ends.values():
            return None
        from_value, to_value = ends.get("from"), ends.get("to")
        if from_value is not None and from_value == to_value and not is_recorded(keys["to"]):
            self._reading.refuse(keys["to"], f"'{name}' never moves from '{to_value:.60}' to itself")
            return None
        return On(kind=OnKind.MOVES, name=name, from_value=from_value, to_value=to_value)

    def _value(self, node: Node, end: str, dimension: str | None) -> str | None:
        value = self._reading.text(node, end)
        values = self._world.typed_dimensions[dimension].values if dimension is not None else None
        if value is None or values is None or value in values:
            return value
        guess = self._reading.suggest(value, values) or f"; it takes {listed(values)}"
        self._reading.refuse(node, f"'{dimension}' is never '{value:.60}'{guess}")
        return None
