"""The operators, lists and if-else: what each takes, gives and refuses; comparisons are in `comparisons.py`."""

from __future__ import annotations

from collections.abc import Sequence

from projections.expressions.kinds import COLLECTIONS, MOMENTS, Refusal, Rule, Typed, a_kind
from projections.expressions.tree import Const, Kind, Node

Operands = Sequence[Node]


def literal(value: int | str | bool | None) -> Kind:
    """The kind of a literal."""
    if value is None:
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.FLAG
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def a_list(items: Operands) -> Typed | Refusal:
    """`[a, b]`."""
    if not items:
        return Refusal("a list has at least one element")
    for index, item in enumerate(items):
        if not isinstance(item, Const) or item.value is None:
            return Refusal("a list holds numbers, texts and flags written out, nothing computed and no null", index)
        if item.kind is not items[0].kind:
            return Refusal(f"a list holds values of one kind, not {a_kind(items[0])} and {a_kind(item)}", index)
    return Typed(Kind.LIST, element=items[0].kind)


def flag(operands: Operands) -> Typed:
    """`and`, `or` and `not`, of conditions."""
    return Typed(Kind.FLAG, moving=_any_moves(operands))


def null_test(operands: Operands) -> Typed | Refusal:
    """`x is null`."""
    (operand,) = operands
    if operand.kind in COLLECTIONS and not operand.nullable:
        return Refusal(f"{a_kind(operand)} is never null; ask len(...) == 0")
    if operand.kind is Kind.NULL:
        return Refusal("null is always null")
    return flag(operands)


def minus(operands: Operands) -> Typed | Refusal:
    """`-x`."""
    (operand,) = operands
    if operand.kind is not Kind.NUMBER:
        return Refusal(f"minus takes a number, not {a_kind(operand)}")
    return Typed(Kind.NUMBER, nullable=operand.nullable, moving=operand.moving)


def arithmetic(op: str) -> Rule:
    """`x + y`, `x - y`, `x * y` or `x / y`."""

    def gives(operands: Operands) -> Typed | Refusal:
        left, right = operands
        for index, side in enumerate(operands):
            if side.kind is not Kind.NUMBER:
                advice = "; days_since(t) and hours_since(t) turn a time into a number" if side.kind in MOMENTS else ""
                return Refusal(f"'{op}' takes numbers, not {a_kind(side)}{advice}", index)
        if op == "*" and left.moving and right.moving:
            return Refusal("two numbers that both move with time cannot be multiplied")
        if op == "/" and right.moving:
            return Refusal("a number that moves with time cannot be a divisor; multiply the other side instead", 1)
        may_divide_by_0 = op == "/" and not (isinstance(right, Const) and right.value)
        nullable = may_divide_by_0 or left.nullable or right.nullable
        return Typed(Kind.NUMBER, nullable=nullable, moving=left.moving or right.moving)

    return gives


def if_else(operands: Operands) -> Typed | Refusal:
    """`then if condition else otherwise`."""
    then, _, otherwise = operands
    given = otherwise if then.kind is Kind.NULL else then
    if given.kind is None or given.kind is Kind.NULL or given.kind in COLLECTIONS:
        return Refusal(f"if-else gives single values, not {a_kind(given)}")
    if otherwise.kind not in (given.kind, Kind.NULL):
        return Refusal(f"if-else gives values of one kind, not {a_kind(then)} and {a_kind(otherwise)}")
    moving = _any_moves(operands)
    if moving and given.kind not in (Kind.NUMBER, Kind.FLAG):
        message = f"{a_kind(given)} cannot change with time alone; only numbers and conditions can (or a dimension)"
        return Refusal(message)
    return Typed(given.kind, nullable=then.nullable or otherwise.nullable, moving=moving)


def _any_moves(operands: Operands) -> bool:
    return any(operand.moving for operand in operands)
