"""Turns a checked expression into Python source.

Every node becomes one Python expression; what must be asked first (null, a divisor of 0) travels beside it as a guard
(`values.py`), so that the whole condition stays one short-circuiting expression without calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from events.durations import DAY_MS
from events.numbers import MICRO
from projections.expressions import values as source
from projections.expressions.functions import compile_pattern
from projections.expressions.tree import (
    And,
    Arithmetic,
    Call,
    Compare,
    Const,
    IfElse,
    IsNull,
    Kind,
    ListOf,
    Negate,
    Node,
    Not,
    Or,
    Ref,
)
from projections.expressions.values import Num, Temporaries, Val

HOUR_MS = 3_600_000
SINCE_MS = {"days_since": DAY_MS, "hours_since": HOUR_MS}
Resolve = Callable[[Ref, Temporaries], Num | Val]


@dataclass(slots=True)
class Emitter:
    """Emits expressions of one generated function.

    `resolve` says how a name reads, `zone` is source for the customer's time zone, `constants` collects what the
    source needs by name (compiled patterns).
    """

    resolve: Resolve
    constants: dict[str, Any]
    zone: str = "zone_of(s)"
    names: Temporaries = field(default_factory=Temporaries)

    # ------------------------------------------------------------ conditions
    def condition(self, node: Node) -> str:
        """Source that is true exactly where the flag `node` holds."""
        match node:
            case Const():
                return "True" if node.value is True else "False"
            case And():
                return "(" + " and ".join(self.condition(part) for part in node.operands) + ")"
            case Or():
                return "(" + " or ".join(self.condition(part) for part in node.operands) + ")"
            case Not():
                return f"(not {self.condition(node.operand)})"
            case IsNull():
                guard = self.guard(node.operand) or "True"
                return f"({guard})" if node.negated else f"(not ({guard}))"
            case Compare():
                return self._compare(node)
            case Call(function="starts_with"):
                text, prefix = (self.value(argument) for argument in node.arguments)
                known = source.both(text.guard, prefix.guard)
                test = f"{text.code}.startswith({prefix.code})"
                return f"({known} and {test})" if known else test
            case Call(function="matches"):
                return self._matches(node)
            case _:
                value = self.value(node)
                test = value.code if not node.nullable else f"{value.code} is True"
                return f"({value.guard} and {test})" if value.guard else f"({test})"

    def guard(self, node: Node) -> str | None:
        """Source that is true where `node` is not null; None if it never is."""
        if node.kind is Kind.NULL:
            return "False"
        return self.number(node).guard if node.kind is Kind.NUMBER else self.value(node).guard

    def _matches(self, node: Call) -> str:
        text, pattern = node.arguments
        assert isinstance(pattern, Const)
        assert isinstance(pattern.value, str)
        name = f"pattern_{len(self.constants)}"
        self.constants[name] = compile_pattern(pattern.value)
        value = self.value(text)
        test = f"{name}({value.code})"
        return f"({value.guard} and {test})" if value.guard else f"({test})"

    def _compare(self, node: Compare) -> str:
        if node.op in ("in", "not in"):
            return self._contains(node)
        if node.left.kind is Kind.NUMBER:
            return source.compare(self.number(node.left), node.op, self.number(node.right))
        left, right = self._aligned(node.left, node.right)
        if node.op == "==" and (isinstance(node.left, Const) or isinstance(node.right, Const)):
            other = left if isinstance(node.right, Const) else right
            needs = None if other.guard == f"{other.code} is not None" else other.guard
            test = f"{left.code} == {right.code}"
            return f"({needs} and {test})" if needs else f"({test})"
        guard = source.both(left.guard, right.guard)
        test = f"{left.code} {node.op} {right.code}"
        return f"({guard} and {test})" if guard else f"({test})"

    def _aligned(self, left: Node, right: Node) -> tuple[Val, Val]:
        """Both sides as instants where a date meets a time."""
        if {left.kind, right.kind} == {Kind.DATE, Kind.TIME}:
            return self.instant(left), self.instant(right)
        return self.value(left), self.value(right)

    def _contains(self, node: Compare) -> str:
        left, right = node.left, node.right
        if left.kind is Kind.NUMBER:
            number = self.number(left)
            value = Val(source.micro_key(number), number.guard)
        else:
            value = self.value(left)
        collection = self.collection(right)
        guard = source.both(value.guard, collection.guard)
        test = f"{value.code} {node.op} {collection.code}"
        return f"({guard} and {test})" if guard else f"({test})"

    # ------------------------------------------------------------ values
    def collection(self, node: Node) -> Val:
        """A set, recent or list; numbers in it are millionths."""
        if isinstance(node, ListOf):
            items = [item.value for item in node.items if isinstance(item, Const) and item.value is not None]
            return Val("(" + "".join(f"{item!r}, " for item in items) + ")")
        return self.value(node)

    def instant(self, node: Node) -> Val:
        """A time, or the local 00:00 a date stands for."""
        value = self.value(node)
        return Val(f"midnight({value.code}, {self.zone})", value.guard) if node.kind is Kind.DATE else value

    def value(self, node: Node) -> Val:
        """Any value but a number; conditions as flags too."""
        match node:
            case Const():
                return Val(repr(node.value), "False" if node.value is None else None)
            case Ref():
                found = self.resolve(node, self.names)
                return self._micro(found) if isinstance(found, Num) else found
            case ListOf():
                return self.collection(node)
            case IfElse() | Call(function="coalesce"):
                return self._choice(node)
            case Call(function="lower"):
                text = self.value(node.arguments[0])
                return Val(f"{text.code}.lower()", text.guard)
            case _ if node.kind is Kind.NUMBER:
                return self._micro(self.number(node))
            case _:
                return Val(self.condition(node))

    def _micro(self, number: Num) -> Val:
        return Val(source.pair(number), number.guard)

    def _choice(self, node: Node) -> Val:
        """A coalesce or if-else, bound to a temporary that is None for null."""
        name = self.names.new()
        if isinstance(node, IfElse):
            then, other = self._optional(node.then), self._optional(node.otherwise)
            code = f"({then} if {self.condition(node.condition)} else {other})"
        else:
            assert isinstance(node, Call)
            code = "None"
            for argument in reversed(node.arguments):
                plain, guard = self._plain(argument)
                code = f"({plain} if {guard} else {code})" if guard else plain
        return Val(name, f"({name} := {code}) is not None")

    def _plain(self, node: Node) -> tuple[str, str | None]:
        """(source, guard) of any value; a number as a pair, null as a guard that never holds."""
        if node.kind is Kind.NULL:
            return "None", "False"
        if node.kind is Kind.NUMBER:
            number = self.number(node)
            return source.pair(number), number.guard
        value = self.value(node)
        return value.code, value.guard

    def _optional(self, node: Node) -> str:
        return source.bound(*self._plain(node))

    # ------------------------------------------------------------ numbers
    def number(self, node: Node) -> Num:
        """An exact fraction."""
        match node:
            case Const():
                assert isinstance(node.value, int)
                return source.constant(Fraction(node.value, MICRO))
            case Ref():
                found = self.resolve(node, self.names)
                assert isinstance(found, Num)
                return found
            case Negate():
                return source.negate(self.number(node.operand))
            case Arithmetic(op="*"):
                return source.multiply(self.number(node.left), self.number(node.right))
            case Arithmetic(op="/"):
                return self._quotient(node)
            case Arithmetic():
                return source.add(self.number(node.left), self.number(node.right), node.op)
            case Call(function="len"):
                return self._length(node.arguments[0])
            case Call(function=name) if name in SINCE_MS:
                since = self.instant(node.arguments[0])
                return Num(f"(t - {since.code})", SINCE_MS[name], guard=since.guard)
            case Call(function="abs"):
                return source.absolute(self.number(node.arguments[0]))
            case Call(function="min" | "max"):
                return source.extreme(node.function, [self.number(each) for each in node.arguments], self.names)
            case Call(function="round"):
                places = node.arguments[1] if len(node.arguments) > 1 else None
                whole = int(places.value or 0) // MICRO if isinstance(places, Const) else 0
                return source.rounded(self.number(node.arguments[0]), whole)
            case _:
                choice = self._choice(node)
                return Num(f"{choice.code}[0]", 1, f"{choice.code}[1]", choice.guard)

    def _quotient(self, node: Arithmetic) -> Num:
        left = self.number(node.left)
        if isinstance(node.right, Const) and isinstance(node.right.value, int) and node.right.value:
            return source.multiply(left, source.constant(1 / Fraction(node.right.value, MICRO)))
        return source.divide(left, self.number(node.right), self.names)

    def _length(self, argument: Node) -> Num:
        value = self.collection(argument)
        return Num(f"len({value.code})", guard=value.guard, nonnegative=True)
