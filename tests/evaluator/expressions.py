"""What an expression means, on fractions, with null as None."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tests.evaluator.clock import midnight
from tests.evaluator.marks import mark
from tests.evaluator.model import DAY_MS, HOUR_MS, Expr
from tests.evaluator.schema import number


class Scope(Protocol):
    """Where names are looked up, at one instant; between whole milliseconds too, to find crossings."""

    @property
    def t(self) -> int | Fraction: ...

    def look_up(self, root: str, *path: str) -> Any: ...

    def zone(self) -> ZoneInfo: ...


Meaning = Callable[[Scope], Any]
ROOTS = frozenset({"trait", "segment", "dimension", "builtin", "profile", "consent", "event", "cause", "item"})
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, among: value in among,
    "not in": lambda value, among: value not in among,
}
ORDERS = frozenset(COMPARE) - {"in", "not in"}
ARITHMETIC: dict[str, Callable[[Fraction, Fraction], Fraction | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: None if b == 0 else a / b,
}


def evaluate(expr: Expr, scope: Scope) -> Any:
    """The expression's value: Fraction, str, bool, int (an instant), date, frozenset, tuple or None."""
    return meaning(expr)(scope)


def holds(expr: Expr, scope: Scope) -> bool:
    """The expression as a condition: null is false."""
    return meaning(expr)(scope) is True


@functools.lru_cache(maxsize=20_000)
def meaning(expr: Expr) -> Meaning:
    """The function that gives the expression's value."""
    op, *rest = expr
    if op in ROOTS:
        return lambda scope: scope.look_up(*expr)
    if op in ("num", "text", "flag", "list"):
        value = constant(expr)
        return lambda _: value
    if op in COMPARE:
        return comparison(op, *map(meaning, rest))
    if op in ARITHMETIC or op == "neg":
        return arithmetic(op, *map(meaning, rest))
    if op == "chain":
        ops, operands = rest
        return meaning(("and", tuple((o, a, b) for o, a, b in zip(ops, operands[:-1], operands[1:], strict=True))))
    if op == "call":
        return call(rest[0], [meaning(argument) for argument in rest[1]])
    return logic(op, rest)


def constant(expr: Expr) -> Any:
    op, value = expr
    if op == "num":
        return number(value)
    return tuple(map(constant, value)) if op == "list" else value


def comparison(op: str, left: Meaning, right: Meaning) -> Meaning:
    apply = COMPARE[op]

    def compare(scope: Scope) -> bool:
        a, b = left(scope), right(scope)
        if a is None or b is None:
            mark("operator", op, "null")
            return False
        mark("operator", op, "value")
        if isinstance(a, date) != isinstance(b, date) and op in ORDERS:
            a, b = (midnight(side, scope.zone()) if isinstance(side, date) else side for side in (a, b))
        return apply(a, b)

    return compare


def arithmetic(op: str, *operands: Meaning) -> Meaning:
    def calculate(scope: Scope) -> Fraction | None:
        values = [operand(scope) for operand in operands]
        if any(value is None for value in values):
            mark("operator", op, "null")
            return None
        mark("operator", op, "value")
        result: Fraction | None = -values[0] if op == "neg" else ARITHMETIC[op](*values)
        if result is None:
            mark("operator", op, "by zero")
        return result

    return calculate


def logic(op: str, rest: list[Any]) -> Meaning:
    if op in ("and", "or"):
        parts = [meaning(part) for part in rest[0]]
        wanted = op == "or"

        def combine(scope: Scope) -> bool:
            for part in parts:
                value = part(scope)
                mark("operator", op, "null" if value is None else "value")
                if (value is True) == wanted:
                    return wanted
            return not wanted

        return combine
    inner = meaning(rest[1] if op == "if" else rest[0])
    if op == "if":
        then, otherwise = meaning(rest[0]), meaning(rest[2])

        def choose(scope: Scope) -> Any:
            value = inner(scope)
            mark("operator", op, "null" if value is None else "value")
            return then(scope) if value is True else otherwise(scope)

        return choose

    def negate(scope: Scope) -> bool:
        value = inner(scope)
        mark("operator", op, "null" if value is None else "value")
        if op == "not":
            return value is not True
        return (value is None) == (op == "is null")

    assert op in ("not", "is null", "is not null"), op
    return negate


def since(unit_ms: int) -> Callable[[Scope, Any], Fraction]:
    def elapsed(scope: Scope, start: Any) -> Fraction:
        if isinstance(start, date):
            start = midnight(start, scope.zone())
        age_ms: Fraction = Fraction(scope.t) - start
        return age_ms / unit_ms

    return elapsed


def rounded(value: Fraction, places: Fraction) -> Fraction:
    """Half away from zero."""
    scale = 10 ** int(places)
    whole = int(abs(value) * scale + Fraction(1, 2))
    return Fraction(whole if value >= 0 else -whole, scale)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": lambda _, value: Fraction(len(value)),
    "abs": lambda _, value: abs(value),
    "min": lambda _, *values: min(values),
    "max": lambda _, *values: max(values),
    "round": lambda _, value, places: rounded(value, places),
    "lower": lambda _, value: value.lower(),
    "starts_with": lambda _, value, prefix: value.startswith(prefix),
    "matches": lambda _, value, pattern: re.search(pattern, value) is not None,
    "days_since": since(DAY_MS),
    "hours_since": since(HOUR_MS),
}


def call(function: str, arguments: list[Meaning]) -> Meaning:
    def apply(scope: Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        mark("operator", function, "null" if None in values else "value")
        if function == "coalesce":
            return next((value for value in values if value is not None), None)
        if None in values:
            return False if function in ("starts_with", "matches") else None
        return FUNCTIONS[function](scope, *values)

    return apply
