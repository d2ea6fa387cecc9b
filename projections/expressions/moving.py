"""When a comparison that moves with time changes next.

A moving number is piecewise linear in t. Between two instants a comparison `left op right` can only change where one
of the linear pieces of `left - right` meets 0; the pieces of min, max, abs, coalesce and if-else are those of their
arguments. So the nearest root of any piece is never later than the next change, and often is it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from events.numbers import MICRO
from projections.expressions import values as source
from projections.expressions.emit import SINCE_MS, Emitter
from projections.expressions.tree import (
    And,
    Arithmetic,
    Call,
    Compare,
    Const,
    IfElse,
    Kind,
    Negate,
    Node,
    Ref,
    Root,
    at_least,
)
from projections.expressions.values import Num

FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
ZERO = source.constant(Fraction(0))


@dataclass(frozen=True, slots=True)
class Line:
    """`slope * t + constant`."""

    slope: Num
    constant: Num


@dataclass(frozen=True, slots=True)
class Since:
    """The comparison `t - since op cut_ms`: a time trait's age against a constant."""

    since: Ref
    op: str
    cut_ms: Fraction


def as_since(node: Compare) -> Since | None:
    """The comparison as an age against a constant, if it is one."""
    for side, other, op in ((node.left, node.right, node.op), (node.right, node.left, FLIPPED.get(node.op, ""))):
        if (
            isinstance(side, Call)
            and side.function in SINCE_MS
            and isinstance(other, Const)
            and isinstance(other.value, int)
            and isinstance(side.arguments[0], Ref)
            and side.arguments[0].kind is Kind.TIME
        ):
            return Since(side.arguments[0], op, Fraction(other.value, MICRO) * SINCE_MS[side.function])
    return None


def moving_atoms(node: Node, formulas: Mapping[str, Node]) -> Iterator[Compare]:
    """Every comparison below `node`, in formulas too, that moves with time."""
    for part in node.walk():
        if isinstance(part, Compare) and part.left.kind is Kind.NUMBER and (part.left.moving or part.right.moving):
            yield part
        if isinstance(part, Ref) and part.root is Root.TRAIT and part.moving:
            yield from moving_atoms(formulas[part.path[0]], formulas)


@dataclass(slots=True)
class Crossings:
    """Emits the source of next-change instants."""

    emitter: Emitter
    formulas: Mapping[str, Node]

    def next_change(self, condition: Node, *, relevance: bool = True) -> str | None:
        """Source of the first instant after t at which `condition` may change by time alone, never too late.

        With `relevance`, NEVER where a part that does not move already makes it false. None if nothing in it moves.
        """
        atoms = list(moving_atoms(condition, self.formulas))
        if not atoms:
            return None
        code = self.least([crossing for atom in atoms for crossing in self.of_comparison(atom)])
        still = [
            part
            for part in (condition.operands if isinstance(condition, And) else ())
            if not any(True for _ in moving_atoms(part, self.formulas))
        ]
        if not still or not relevance:
            return code
        return f"({code} if {' and '.join(self.emitter.condition(part) for part in still)} else NEVER)"

    def least(self, crossings: list[str]) -> str:
        """Source of the earliest of several."""
        if not crossings:
            return "NEVER"
        return crossings[0] if len(crossings) == 1 else f"min({', '.join(crossings)})"

    def of_comparison(self, atom: Compare) -> Iterator[str]:
        """Source of the next root of each piece of `left - right`."""
        simple = as_since(atom)
        if simple is not None:
            value = self.emitter.value(simple.since)
            cut = -(-simple.cut_ms.numerator // simple.cut_ms.denominator)
            yield source.bound(f"after({value.code} + {cut}, t)", value.guard).replace("None)", "NEVER)")
            return
        for left, right in product(self.pieces(atom.left), self.pieces(atom.right)):
            yield self.root(Line(_minus(left.slope, right.slope), _minus(left.constant, right.constant)))

    def of_cut(self, number: Node, cut: int) -> Iterator[str]:
        """The same for a moving number against a constant in millionths."""
        yield from self.of_comparison(at_least(number, cut))

    def root(self, line: Line) -> str:
        """Source of the first whole ms after t at which a comparison of the line with 0 may change."""
        if line.slope is ZERO:
            return "NEVER"
        code = f"crossing({source.pair(line.slope)}, {source.pair(line.constant)}, t)"
        guard = source.both(line.slope.guard, line.constant.guard)
        return f"({code} if {guard} else NEVER)" if guard else code

    def pieces(self, node: Node) -> list[Line]:
        """Every line the number may follow."""
        if not node.moving:
            return [] if node.kind is Kind.NULL else [Line(ZERO, self.emitter.number(node))]
        match node:
            case Ref():
                return self.pieces(self.formulas[node.path[0]])
            case Negate():
                return [_negated(line) for line in self.pieces(node.operand)]
            case Call(function=name) if name in SINCE_MS:
                since = self.emitter.instant(node.arguments[0])
                unit = SINCE_MS[name]
                return [Line(Num("1", unit), Num(f"(-{since.code})", unit, guard=since.guard))]
            case Call(function="abs"):
                lines = self.pieces(node.arguments[0])
                return lines + [_negated(line) for line in lines]
            case Call():
                return [line for argument in node.arguments for line in self.pieces(argument)]
            case IfElse():
                return self.pieces(node.then) + self.pieces(node.otherwise)
            case Arithmetic():
                pairs = product(self.pieces(node.left), self.pieces(node.right))
                return [self.combined(node.op, left, right) for left, right in pairs]
        raise AssertionError(f"the checker lets no {type(node).__name__} move")

    def combined(self, op: str, left: Line, right: Line) -> Line:
        """The line of `left op right`; one side of a product is still, and so is a divisor."""
        match op:
            case "+":
                return Line(_plus(left.slope, right.slope), _plus(left.constant, right.constant))
            case "-":
                return Line(_minus(left.slope, right.slope), _minus(left.constant, right.constant))
            case "*":
                line, factor = (left, right.constant) if right.slope is ZERO else (right, left.constant)
                slope = ZERO if line.slope is ZERO else source.multiply(line.slope, factor)
                return Line(slope, source.multiply(line.constant, factor))
            case _:
                slope = ZERO if left.slope is ZERO else source.divide(left.slope, right.constant, self.emitter.names)
                return Line(slope, source.divide(left.constant, right.constant, self.emitter.names))


def _plus(left: Num, right: Num) -> Num:
    if left is ZERO or right is ZERO:
        return right if left is ZERO else left
    return source.add(left, right, "+")


def _minus(left: Num, right: Num) -> Num:
    if right is ZERO:
        return left
    return source.negate(right) if left is ZERO else source.add(left, right, "-")


def _negated(line: Line) -> Line:
    return Line(ZERO if line.slope is ZERO else source.negate(line.slope), source.negate(line.constant))
