"""The source of how one event type updates the traits' slots.

Traits that walk the same list share its loop, and a field that several read is read and quantised once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from events.numbers import MICRO
from projections.decoding import attribute
from projections.definitions import FieldKinds, TraitDef, TraitKind
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.tree import Kind, Node, Ref, Root
from projections.expressions.values import Num, Temporaries, Val
from projections.sources import Source, TraitSource
from projections.traits.kinds import TraitCode

READ_FIELD = {
    Kind.NUMBER: "quantise({})",
    Kind.TEXT: "{}",
    Kind.FLAG: "{}",
    Kind.TIME: "parse_instant({})",
    Kind.DATE: "parse_date({})",
}
ListPath = tuple[str, ...]


class Folding:
    """Writes the statements of one event type: `d` is its data, `it` the item of the list at hand."""

    def __init__(self, type_name: str, kinds: FieldKinds, constants: dict[str, Any]) -> None:
        self.type_name, self.kinds, self.constants = type_name, kinds, constants
        self.bound: dict[ListPath, dict[str, Kind]] = {}  # list (or () for the data) -> field -> kind

    def statements(self, sources: Iterable[Source]) -> list[str]:
        """Statements that update every trait among the sources."""
        codes = [each.code for each in sources if isinstance(each, TraitSource)]
        bodies: dict[ListPath, list[str]] = {(): []}
        for code in codes:
            definition = code.definition
            where = definition.path[: definition.list_depth]
            note = f"# {definition.name} {definition.source}".rstrip()
            bodies.setdefault(where, []).extend([note, *self.update(code)])
        lines = [line for code in codes for line in code.prepare()]
        lines += self.bindings((), "d") + bodies.pop(())
        for path, body in bodies.items():
            code_path, guard = plain_path("d", path)
            items = code_path if guard is None else f"({code_path} if {guard} else ())"
            inner = self.bindings(path, "it") + body
            lines += ["k = offset << 20", f"for it in {items} or ():", *("    " + line for line in inner), "    k += 1"]
        return lines + [line for code in codes for line in code.finish()]

    def bindings(self, where: ListPath, root: str) -> list[str]:
        """Statements that read each field once; numbers become millionths, null stays None."""
        lines: list[str] = []
        for name, kind in self.bound.get(where, {}).items():
            local = local_name(where, name)
            lines.append(f"{local} = {root}.{attribute(name)}")
            read = READ_FIELD[kind].format(local)
            if read != local:
                lines.append(f"if {local} is not None: {local} = {read}")
        return lines

    def use(self, where: ListPath, name: str, kind: Kind) -> str:
        """The local in which a field stands."""
        self.bound.setdefault(where, {})[name] = kind
        return local_name(where, name)

    def update(self, code: TraitCode) -> list[str]:
        """Statements for one trait and one event (or item)."""
        definition = code.definition
        emitter = self.emitter(definition)
        tests: list[str] = []
        assign: list[str] = []
        if definition.path:
            where, rest = definition.path[: definition.list_depth], definition.path[definition.list_depth :]
            kind = definition.element or (definition.value if definition.kind is not TraitKind.MEAN else Kind.NUMBER)
            if len(rest) == 1:
                tests.append(f"(x := {self.use(where, rest[0], kind)}) is not None")
            else:
                field, guard = plain_path("it" if where else "d", rest)
                tests += [part for part in (guard, f"(x := {field}) is not None") if part]
                assign.append(f"x = {READ_FIELD[kind].format('x')}")
        if definition.where is not None:
            tests.append(emitter.condition(definition.where))
        if definition.kind is TraitKind.TOP:
            assign += weight_statements(definition.weight, emitter)
        body = [*assign, *code.update()]
        return [f"if {' and '.join(tests)}:", *("    " + line for line in body)] if tests else body

    def emitter(self, definition: TraitDef) -> Emitter:
        """Emits a trait's `where` and `weight`: fields of the event and the item at hand."""

        def resolve(ref: Ref, names: Temporaries) -> Num | Val:
            where = definition.path[: definition.list_depth] if ref.root is Root.ITEM else ()
            if ref.root is not Root.ITEM and not has_field(self.kinds, ref.path):
                return field_value(ref, "None", names)
            if len(ref.path) == 1 and ref.kind in READ_FIELD:
                local = self.use(where, ref.path[0], ref.kind)
                guard = f"{local} is not None"
                return Num(local, MICRO, guard=guard) if ref.kind is Kind.NUMBER else Val(local, guard)
            code = f"field_of_item(it, {attributes(ref.path)})" if where else f"field_of(ev, {attributes(ref.path)})"
            return field_value(ref, code, names)

        return Emitter(resolve, self.constants)


def weight_statements(weight: Node | None, emitter: Emitter) -> list[str]:
    """`weight` as a double; null is 0."""
    if weight is None:
        return ["weight = 1.0"]
    number = emitter.number(weight)
    divisor = source.times(str(number.scale), 1, number.denominator)
    return [
        f"weight = double({number.numerator}, {divisor})" + (f" if {number.guard} else 0.0" if number.guard else "")
    ]


def local_name(where: ListPath, name: str) -> str:
    """The local of a field: of the data, or of the item at hand."""
    return f"{'it' if where else 'd'}_{name}"


def plain_path(root: str, path: tuple[str, ...]) -> tuple[str, str | None]:
    """Source of a field, and the guard that what lies on the way is there."""
    code, guards = root, []
    for name in path[:-1]:
        code = f"{code}.{attribute(name)}"
        guards.append(f"{code} is not None")
    return f"{code}.{attribute(path[-1])}", " and ".join(guards) or None


def attributes(path: tuple[str, ...]) -> str:
    """A path as a tuple of attribute names, in source form."""
    return repr(tuple(attribute(name) for name in path))


def has_field(kinds: FieldKinds, path: tuple[str, ...]) -> bool:
    """Whether a type has a field."""
    inner = kinds.fields.get(path[0])
    if isinstance(inner, FieldKinds):
        return len(path) == 1 or has_field(inner, path[1:])
    return inner is not None and len(path) == 1


def field_value(ref: Ref, code: str, names: Temporaries) -> Num | Val:
    """How an event's field reads: null where absent, numbers quantised."""
    name = names.new()
    guard = f"({name} := {code}) is not None"
    if ref.kind is Kind.NUMBER:
        return Num(f"quantise({name})", MICRO, guard=guard)
    if ref.kind is Kind.LIST:
        return Val(f"numbers({name})" if ref.element is Kind.NUMBER else name, guard)
    return Val(READ_FIELD[ref.kind or Kind.TEXT].format(name), guard)
