"""Resolves the names of an expression and types it, finding every fault at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from events.errors import ExpressionInvalid, Fault
from events.nearest import did_you_mean
from projections.expressions import operators
from projections.expressions.comparisons import compared, impossible_values, perhaps_a_text
from projections.expressions.event_fields import listed
from projections.expressions.functions import FUNCTIONS, type_call
from projections.expressions.kinds import Refusal, Rule, Typed, a_kind
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
    Sign,
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
                return replace(node, kind=operators.literal(node.value), nullable=node.value is None)
            case Name():
                return self._name(node)
            case ListOf():
                items = tuple(self.check(item) for item in node.items)
                return self._judged(replace(node, items=items), items, operators.a_list)
            case Negate():
                operand = self.check(node.operand)
                return self._judged(replace(node, operand=operand), (operand,), operators.minus)
            case Arithmetic():
                left, right = self.check(node.left), self.check(node.right)
                return self._judged(replace(node, left=left, right=right), (left, right), operators.arithmetic(node.op))
            case Chain():
                return self._chain(node)
            case IsNull():
                operand = self.check(node.operand)
                return self._judged(replace(node, operand=operand), (operand,), operators.null_test)
            case And() | Or():
                operands = tuple(self._condition(operand) for operand in node.operands)
                return self._judged(replace(node, operands=operands), operands, operators.flag)
            case Not():
                operand = self._condition(node.operand)
                return self._judged(replace(node, operand=operand), (operand,), operators.flag)
            case IfElse():
                parts = self.check(node.then), self._condition(node.condition), self.check(node.otherwise)
                then, condition, otherwise = parts
                checked = replace(node, then=then, condition=condition, otherwise=otherwise)
                return self._judged(checked, parts, operators.if_else)
            case Call():
                return self._call(node)
        raise AssertionError(f"the parser makes no {type(node).__name__}")

    def _judged(self, node: Node, parts: Sequence[Node], rule: Rule) -> Node:
        """The node as what the rule says of its checked parts; as it is where one is broken or the rule refuses."""
        if any(part.kind is None for part in parts):
            return node
        given = rule(parts)
        if isinstance(given, Refusal):
            self.refuse(node if given.index is None else parts[given.index], given.message)
            return node
        return _typed(node, given)

    def _condition(self, node: Node) -> Node:
        checked = self.check(node)
        if checked.kind is None or checked.kind is Kind.FLAG:
            return checked
        self.refuse(node, f"a condition must be true or false; found {a_kind(checked)}")
        return node

    def _name(self, node: Name) -> Node:
        found = self._resolved(node)
        if isinstance(found, Fault):
            self.faults.append(found)
            return node
        return found

    def _resolved(self, node: Name) -> Node | Fault:
        """What a name refers to, or why to nothing; the name itself where what it refers to is broken."""
        found = resolve(node, self._scope)
        if found is None or isinstance(found, Fault):
            return found or node
        if found.moving and self._scope.still_because:
            self.refuse(node, f"'{node.parts[0]}' moves with time: {self._scope.still_because}")
        return found

    def _chain(self, node: Chain) -> Node:
        found = [self._resolved(each) if isinstance(each, Name) else self.check(each) for each in node.operands]
        operands = [
            written if isinstance(each, Fault) else each for written, each in zip(node.operands, found, strict=True)
        ]
        for place, fault in enumerate(found):
            if isinstance(fault, Fault):
                beside = operands[max(place - 1, 0) : place + 2]
                self.faults.append(perhaps_a_text(fault, operands[place], beside))
        links = tuple(
            self._link(left, op, right) for left, op, right in zip(operands, node.ops, operands[1:], strict=False)
        )
        if len(links) == 1:
            return replace(links[0], at=node.at, end=node.end)
        return self._judged(And(at=node.at, end=node.end, operands=links), links, operators.flag)

    def _link(self, left: Node, op: Sign, right: Node) -> Node:
        link = Compare(at=left.at, end=right.end, op=op, left=left, right=right)
        if left.kind is None or right.kind is None:
            return link
        given = compared(left, op, right)
        if isinstance(given, Refusal):
            self.refuse(link, given.message)
            return link
        impossible = list(impossible_values(left, right, self._scope.dimensions))
        for constant, message in impossible:
            self.refuse(constant, message)
        return link if impossible else _typed(link, given)

    def _call(self, node: Call) -> Node:
        arguments = tuple(self.check(argument) for argument in node.arguments)
        function = FUNCTIONS.get(node.function)
        if function is None:
            guess = did_you_mean(node.function, FUNCTIONS) or f"; there are {listed(FUNCTIONS)}"
            self.refuse(node, f"no function is called '{node.function}'{guess}")
            return node
        checked = self._judged(replace(node, arguments=arguments), arguments, lambda given: type_call(function, given))
        if checked.moving and self._scope.still_because:
            self.refuse(node, f"{node.function} moves with time: {self._scope.still_because}")
            return node
        return checked


def _typed(node: Node, given: Typed) -> Node:
    return replace(node, kind=given.kind, element=given.element, nullable=given.nullable, moving=given.moving)
