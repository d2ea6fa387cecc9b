"""Resolves the names of an expression and types it, finding every fault at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from events.errors import ExpressionInvalid, Fault
from events.nearest import did_you_mean
from projections.expressions.event_fields import listed
from projections.expressions.functions import COLLECTIONS, FUNCTIONS, MOMENTS, Refusal, a_kind, type_call
from projections.expressions.scope import Scope, resolve
from projections.expressions.tree import (
    And,
    Arithmetic,
    Call,
    Chain,
    Compare,
    Const,
    IfElse,
    IsNull,
    Kind,
    ListOf,
    Name,
    Negate,
    Node,
    Not,
    Or,
    Ref,
    Root,
)

# A chain's middle operands stand in two links; what is inside them is counted twice, and so on inwards.
MAX_EXPANDED_NODES = 2_000


def check(node: Node, scope: Scope) -> Node:
    """The annotated tree: every node has its kind, names are references, chains are split.

    Raises ExpressionInvalid with every fault; with none, where only a name it uses is broken elsewhere.
    """
    return _finish(node, scope, None)


def check_condition(node: Node, scope: Scope) -> Node:
    """Like `check`, for an expression that must be true or false."""
    return _finish(node, scope, Kind.FLAG)


def check_number(node: Node, scope: Scope) -> Node:
    """Like `check`, for an expression that must be a number."""
    return _finish(node, scope, Kind.NUMBER)


def _finish(node: Node, scope: Scope, wanted: Kind | None) -> Node:
    checker = _Checker(scope)
    checked = checker.check(node)
    if checked.kind is not None and not checker.faults:
        if wanted is not None and checked.kind is not wanted:
            must = "a condition must be true or false" if wanted is Kind.FLAG else f"this must be a {wanted}"
            checker.refuse(node, f"{must}; found {a_kind(checked)}")
        elif checked.kind is Kind.NULL:
            checker.refuse(node, "null alone says nothing")
        elif _expanded(checked, {}) > MAX_EXPANDED_NODES:
            checker.refuse(node, "comparisons are chained too deeply within each other; join them with 'and'")
    if checker.faults or checked.kind is None:
        raise ExpressionInvalid(sorted(set(checker.faults), key=lambda fault: (fault.at, fault.end, fault.message)))
    return checked


def _expanded(node: Node, known: dict[int, int]) -> int:
    """How many nodes the tree has, those in shared places counted as often as they stand there."""
    size = known.get(id(node))
    if size is None:
        size = known[id(node)] = 1 + sum(_expanded(child, known) for child in node.children())
    return size


class _Checker:
    """One walk over one expression; a node whose kind stays None is broken and was reported."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.faults: list[Fault] = []

    def refuse(self, node: Node, message: str) -> None:
        self.faults.append(Fault(node.at, max(node.end, node.at + 1), message))

    def check(self, node: Node) -> Node:
        match node:
            case Const():
                return replace(node, kind=_kind_of(node.value), nullable=node.value is None)
            case Name():
                return self._name(node)
            case ListOf():
                return self._list(node)
            case Negate():
                return self._negate(node)
            case Arithmetic():
                return self._arithmetic(node)
            case Chain():
                return self._chain(node)
            case IsNull():
                return self._is_null(node)
            case And() | Or():
                operands = tuple(self._condition(operand) for operand in node.operands)
                return _flag(replace(node, operands=operands), *operands)
            case Not():
                operand = self._condition(node.operand)
                return _flag(replace(node, operand=operand), operand)
            case IfElse():
                return self._if_else(node)
            case Call():
                return self._call(node)
        raise AssertionError(f"the parser makes no {type(node).__name__}")

    # Leaves

    def _name(self, node: Name) -> Node:
        found = resolve(node, self._scope)
        if found is None:
            return node
        if isinstance(found, Fault):
            self.faults.append(found)
            return node
        ref, _ = found
        if ref.moving and self._scope.still_because:
            self.refuse(node, f"'{node.parts[0]}' moves with time: {self._scope.still_because}")
        return ref

    def _list(self, node: ListOf) -> Node:
        items = tuple(self.check(item) for item in node.items)
        if not items:
            self.refuse(node, "a list has at least one element")
            return node
        if any(item.kind is None for item in items):
            return node
        for item in items:
            if not isinstance(item, Const) or item.value is None:
                self.refuse(item, "a list holds numbers, texts and flags written out, nothing computed and no null")
                return node
            if item.kind is not items[0].kind:
                self.refuse(item, f"a list holds values of one kind, not {a_kind(items[0])} and {a_kind(item)}")
                return node
        return replace(node, items=items, kind=Kind.LIST, element=items[0].kind)

    # Conditions

    def _condition(self, node: Node) -> Node:
        checked = self.check(node)
        if checked.kind is None or checked.kind is Kind.FLAG:
            return checked
        self.refuse(node, f"a condition must be true or false; found {a_kind(checked)}")
        return node

    def _is_null(self, node: IsNull) -> Node:
        operand = self.check(node.operand)
        if operand.kind in COLLECTIONS and not operand.nullable:
            self.refuse(node, f"{a_kind(operand)} is never null; ask len(...) == 0")
            return node
        if operand.kind is Kind.NULL:
            self.refuse(node, "null is always null")
            return node
        return _flag(replace(node, operand=operand), operand)

    def _chain(self, node: Chain) -> Node:
        operands = [self.check(operand) for operand in node.operands]
        links = tuple(
            self._compare(left, op, right) for left, op, right in zip(operands, node.ops, operands[1:], strict=False)
        )
        if len(links) == 1:
            return replace(links[0], at=node.at, end=node.end)
        return _flag(And(at=node.at, end=node.end, operands=links), *links)

    def _compare(self, left: Node, op: str, right: Node) -> Node:
        link = Compare(at=left.at, end=right.end, op=_OPS[op], left=left, right=right)
        if left.kind is None or right.kind is None:
            self._suggest_quotes(left, right)
            return link
        message = self._membership(left, right) if op in ("in", "not in") else _incomparable(left, op, right)
        if message is not None:
            self.refuse(link, message)
            return link
        if not self._values_exist(left, right):
            return link
        return _flag(link, left, right)

    def _suggest_quotes(self, left: Node, right: Node) -> None:
        """What is compared with a text, and is no name that is known, may be a text without its quotes."""
        for text, name in ((left, right), (right, left)):
            if text.kind is Kind.TEXT and isinstance(name, Name) and len(name.parts) == 1:
                quoted = f"; a text stands in quotes: '{name.parts[0]}'"
                self.faults = [
                    replace(each, message=each.message + quoted)
                    if each.at == name.at and "; " not in each.message
                    else each
                    for each in self.faults
                ]

    def _membership(self, left: Node, right: Node) -> str | None:
        if right.kind is Kind.TEXT:
            return "'in' asks a list, a set or a recent, not the inside of a text; write matches(...) or =="
        if right.kind not in COLLECTIONS:
            return f"'in' asks a list, a set or a recent, not {a_kind(right)}"
        if left.moving:
            return "a number that moves with time cannot be looked up in a list; compare it with == or a range"
        if left.kind is Kind.NULL:
            return "null is in no list; write 'is null'"
        if right.element is None:
            return "these are items; name one of their fields after a dot"
        if left.kind is not right.element:
            return f"{a_kind(left)} is never in {a_kind(right)}"
        return None

    def _values_exist(self, left: Node, right: Node) -> bool:
        """Whether a dimension is compared only with values it can take."""
        exist = True
        for dimension, other in ((left, right), (right, left)):
            if not isinstance(dimension, Ref) or dimension.root is not Root.DIMENSION:
                continue
            values = self._scope.dimensions[dimension.path[0]].values
            for constant in other.walk():
                if not isinstance(constant, Const) or values is None or constant.value in values:
                    continue
                if isinstance(other, Const | ListOf):
                    guess = did_you_mean(str(constant.value), values) or f"; it takes {listed(values)}"
                    self.refuse(constant, f"'{dimension.path[0]}' is never '{constant.value}'{guess}")
                    exist = False
        return exist

    # Values

    def _negate(self, node: Negate) -> Node:
        operand = self.check(node.operand)
        if operand.kind is None:
            return node
        if operand.kind is not Kind.NUMBER:
            self.refuse(node, f"minus takes a number, not {a_kind(operand)}")
            return node
        return _number(replace(node, operand=operand), operand)

    def _arithmetic(self, node: Arithmetic) -> Node:
        left, right = self.check(node.left), self.check(node.right)
        if left.kind is None or right.kind is None:
            return node
        for side in (left, right):
            if side.kind is not Kind.NUMBER:
                advice = "; days_since(t) and hours_since(t) turn a time into a number" if side.kind in MOMENTS else ""
                self.refuse(side, f"'{node.op}' takes numbers, not {a_kind(side)}{advice}")
                return node
        if node.op == "*" and left.moving and right.moving:
            self.refuse(node, "two numbers that both move with time cannot be multiplied")
            return node
        if node.op == "/" and right.moving:
            self.refuse(right, "a number that moves with time cannot be a divisor; multiply the other side instead")
            return node
        checked = _number(replace(node, left=left, right=right), left, right)
        if node.op == "/" and not (isinstance(right, Const) and right.value):
            return replace(checked, nullable=True)
        return checked

    def _if_else(self, node: IfElse) -> Node:
        condition = self._condition(node.condition)
        then, otherwise = self.check(node.then), self.check(node.otherwise)
        if condition.kind is None or then.kind is None or otherwise.kind is None:
            return node
        given = otherwise if then.kind is Kind.NULL else then
        if given.kind is Kind.NULL or given.kind in COLLECTIONS:
            self.refuse(node, f"if-else gives single values, not {a_kind(given)}")
            return node
        if otherwise.kind not in (given.kind, Kind.NULL):
            self.refuse(node, f"if-else gives values of one kind, not {a_kind(then)} and {a_kind(otherwise)}")
            return node
        moving = condition.moving or then.moving or otherwise.moving
        if moving and given.kind not in (Kind.NUMBER, Kind.FLAG):
            message = f"{a_kind(given)} cannot change with time alone; only numbers and conditions can (or a dimension)"
            self.refuse(node, message)
            return node
        return replace(
            node,
            then=then,
            condition=condition,
            otherwise=otherwise,
            kind=given.kind,
            nullable=then.nullable or otherwise.nullable,
            moving=moving,
        )

    def _call(self, node: Call) -> Node:
        arguments = tuple(self.check(argument) for argument in node.arguments)
        function = FUNCTIONS.get(node.function)
        if function is None:
            guess = did_you_mean(node.function, FUNCTIONS) or f"; there are {listed(FUNCTIONS)}"
            self.refuse(node, f"no function is called '{node.function}'{guess}")
            return node
        if any(argument.kind is None for argument in arguments):
            return node
        given = type_call(function, arguments)
        if isinstance(given, Refusal):
            self.refuse(node if given.index is None else arguments[given.index], given.message)
            return node
        if given.moving and self._scope.still_because:
            self.refuse(node, f"{node.function} moves with time: {self._scope.still_because}")
            return node
        return replace(node, arguments=arguments, kind=given.kind, nullable=given.nullable, moving=given.moving)


_OPS: dict[str, Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]] = {
    "==": "==",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "in": "in",
    "not in": "not in",
}


def _kind_of(value: int | str | bool | None) -> Kind:
    if value is None:
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.FLAG
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _incomparable(left: Node, op: str, right: Node) -> str | None:
    """Why two values cannot be compared so, or None."""
    if left.kind is Kind.NULL or right.kind is Kind.NULL:
        return "nothing equals null; write 'is not null'" if op == "!=" else "nothing equals null; write 'is null'"
    for side in (left, right):
        if side.kind in COLLECTIONS:
            return f"{a_kind(side)} is asked with 'in' or len(...), not compared with '{op}'"
    if left.kind is Kind.FLAG and right.kind is Kind.FLAG:
        return None if op in ("==", "!=") else f"flags have no order; '{op}' compares numbers, texts and times"
    if left.kind is right.kind or (left.kind in MOMENTS and right.kind in MOMENTS):
        return None
    return f"{a_kind(left)} cannot be compared with {a_kind(right)}{_advice(left, right)}"


def _advice(left: Node, right: Node) -> str:
    kinds = {left.kind, right.kind}
    if kinds & MOMENTS and Kind.NUMBER in kinds:
        return "; write days_since(...) or hours_since(...)"
    if Kind.FLAG in kinds:
        return "; a flag is true or false"
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Const) and isinstance(side.value, str) and other.kind is Kind.NUMBER:
            return "; a number is written without quotes"
    return ""


def _typed(node: Node, kind: Kind, parts: tuple[Node, ...], *, nullable: bool) -> Node:
    if any(part.kind is None for part in parts):
        return node
    return replace(node, kind=kind, nullable=nullable, moving=any(part.moving for part in parts))


def _flag(node: Node, *parts: Node) -> Node:
    return _typed(node, Kind.FLAG, parts, nullable=False)


def _number(node: Node, *parts: Node) -> Node:
    return _typed(node, Kind.NUMBER, parts, nullable=any(part.nullable for part in parts))
