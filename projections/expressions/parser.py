"""Parses the text of an expression to a tree; precedence is Python's, lowest first:
if-else, or, and, not, comparisons, + -, * /, minus, atoms.
"""

from __future__ import annotations

from typing import get_args

from events.errors import ExpressionInvalid, Fault
from events.nearest import did_you_mean
from projections.expressions.lexer import Token, TokenKind, Tokens
from projections.expressions.tree import (
    And,
    Arithmetic,
    Call,
    Chain,
    Const,
    IfElse,
    IsNull,
    ListOf,
    Name,
    Negate,
    Node,
    Not,
    Or,
    Sign,
)

MAX_CHARACTERS = 2_000
MAX_NODES = 200
# Parentheses, `not` and minus within each other: keeps the parser's own recursion bounded.
MAX_DEPTH = 40

_SIGNS: dict[str, Sign] = {sign: sign for sign in get_args(Sign)}
_OPERAND = "a value: a number, a text in quotes, a name, a function, a list or '('"


def parse(text: str, *, limited: bool = True) -> Node:
    """The tree of an expression, nothing in it resolved or typed.

    Raises ExpressionInvalid with the place, what was found and what would be valid. Not `limited` is for text that
    the engine itself wrote from a checked tree.
    """
    if limited and len(text) > MAX_CHARACTERS:
        message = f"an expression has at most {MAX_CHARACTERS:,} characters; this one has {len(text):,}"
        raise ExpressionInvalid([Fault(0, len(text), message)])
    if not text.strip():
        raise ExpressionInvalid([Fault(0, max(len(text), 1), "the expression is empty")])
    return _Parser(text, MAX_NODES if limited else None).whole()


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, max_nodes: int | None) -> None:
        self._tokens = Tokens(text)
        self._nodes_left = max_nodes
        self._depth = 0

    # Limits

    def _count(self, token: Token) -> None:
        """Count one node that starts at or about the token."""
        if self._nodes_left is None:
            return
        self._nodes_left -= 1
        if self._nodes_left < 0:
            message = f"an expression has at most {MAX_NODES} parts; make some of them traits or segments"
            raise ExpressionInvalid([Fault(token.at, max(token.end, token.at + 1), message)])

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH and self._nodes_left is not None:
            message = f"an expression nests at most {MAX_DEPTH} deep"
            raise ExpressionInvalid([Fault(token.at, token.end, message)])

    def _leave(self) -> None:
        self._depth -= 1

    # Grammar

    def whole(self) -> Node:
        tree = self.expression()
        token = self._tokens.peek()
        if token.kind is TokenKind.END:
            return tree
        expected = "an operator such as ==, <, and, + or the end"
        if token.kind is TokenKind.NAME and token.value not in ("AND", "OR", "NOT", "IN", "IS"):
            expected += did_you_mean(str(token.value), ("and", "or", "in", "is", "if", "else", "not"))
        elif token.kind is TokenKind.NAME:
            expected += f"; did you mean '{str(token.value).lower()}'?"
        raise self._tokens.refused(expected)

    def expression(self) -> Node:
        start = self._tokens.peek()
        self._enter(start)
        then = self._or()
        if self._tokens.accept("if"):
            condition = self._or()
            self._tokens.expect("else", "and the value otherwise, as in 'x if condition else y'")
            otherwise = self.expression()
            self._count(start)
            then = IfElse(at=start.at, end=self._tokens.reached, then=then, condition=condition, otherwise=otherwise)
        self._leave()
        return then

    def _or(self) -> Node:
        start = self._tokens.peek()
        operands = [self._and()]
        while self._tokens.accept("or"):
            operands.append(self._and())
        if len(operands) == 1:
            return operands[0]
        self._count(start)
        return Or(at=start.at, end=self._tokens.reached, operands=tuple(operands))

    def _and(self) -> Node:
        start = self._tokens.peek()
        operands = [self._not()]
        while self._tokens.accept("and"):
            operands.append(self._not())
        if len(operands) == 1:
            return operands[0]
        self._count(start)
        return And(at=start.at, end=self._tokens.reached, operands=tuple(operands))

    def _not(self) -> Node:
        start = self._tokens.peek()
        if not self._tokens.accept("not"):
            return self._comparison()
        self._enter(start)
        operand = self._not()
        self._leave()
        self._count(start)
        return Not(at=start.at, end=self._tokens.reached, operand=operand)

    def _comparison(self) -> Node:
        start = self._tokens.peek()
        operands = [self._sum()]
        if self._tokens.is_at("is"):
            return self._is_null(start, operands[0])
        ops: list[Sign] = []
        while (op := self._comparison_sign()) is not None:
            ops.append(op)
            operands.append(self._sum())
        if not ops:
            return operands[0]
        if self._tokens.is_at("is"):
            raise self._tokens.refused("'and' or the end: 'is null' asks one value, so put it in parentheses")
        self._count(start)
        return Chain(at=start.at, end=self._tokens.reached, operands=tuple(operands), ops=tuple(ops))

    def _comparison_sign(self) -> Sign | None:
        token = self._tokens.peek()
        if token.kind is TokenKind.SYMBOL and token.value in _SIGNS:
            return _SIGNS[str(self._tokens.take().value)]
        if self._tokens.accept("in"):
            return "in"
        if self._tokens.accept("not", "in"):
            return "not in"
        return None

    def _is_null(self, start: Token, operand: Node) -> Node:
        self._tokens.take()
        negated = self._tokens.accept("not")
        self._tokens.expect("null", "or 'not null' after 'is'; values are compared with '=='")
        self._count(start)
        return IsNull(at=start.at, end=self._tokens.reached, operand=operand, negated=negated)

    def _sum(self) -> Node:
        start = self._tokens.peek()
        left = self._product()
        while self._tokens.is_at("+") or self._tokens.is_at("-"):
            plus = self._tokens.take().value == "+"
            right = self._product()
            self._count(start)
            left = Arithmetic(at=start.at, end=self._tokens.reached, op="+" if plus else "-", left=left, right=right)
        return left

    def _product(self) -> Node:
        start = self._tokens.peek()
        left = self._unary()
        while self._tokens.is_at("*") or self._tokens.is_at("/"):
            times = self._tokens.take().value == "*"
            right = self._unary()
            self._count(start)
            left = Arithmetic(at=start.at, end=self._tokens.reached, op="*" if times else "/", left=left, right=right)
        return left

    def _unary(self) -> Node:
        start = self._tokens.peek()
        if not self._tokens.accept("-"):
            return self._atom()
        self._enter(start)
        operand = self._unary()
        self._leave()
        if isinstance(operand, Const) and type(operand.value) is int:
            return Const(at=start.at, end=self._tokens.reached, value=-operand.value)
        self._count(start)
        return Negate(at=start.at, end=self._tokens.reached, operand=operand)

    def _atom(self) -> Node:
        token = self._tokens.take()
        if token.kind is TokenKind.NUMBER or token.kind is TokenKind.TEXT:
            self._count(token)
            return Const(at=token.at, end=token.end, value=token.value)
        if token.kind is TokenKind.KEYWORD and token.value in ("true", "false", "null"):
            self._count(token)
            value = None if token.value == "null" else token.value == "true"
            return Const(at=token.at, end=token.end, value=value)
        if token.kind is TokenKind.NAME:
            return self._call(token) if self._tokens.is_at("(") else self._name(token)
        if token.kind is TokenKind.SYMBOL and token.value == "[":
            items = self._items("]", "the list")
            self._count(token)
            return ListOf(at=token.at, end=self._tokens.reached, items=items)
        if token.kind is TokenKind.SYMBOL and token.value == "(":
            inner = self.expression()
            if self._tokens.is_at(","):
                raise self._tokens.refused("')'; a list is written [a, b]")
            self._tokens.expect(")", f"to close the '(' at character {token.at + 1}")
            return inner
        raise self._tokens.refused(_OPERAND, token)

    def _name(self, first: Token) -> Node:
        parts = [str(first.value)]
        while self._tokens.accept("."):
            token = self._tokens.take()
            # A field may be called as a keyword is.
            if token.kind not in (TokenKind.NAME, TokenKind.KEYWORD):
                raise self._tokens.refused("a name after '.'", token)
            parts.append(str(token.value))
        if self._tokens.is_at("("):
            raise self._tokens.refused("an operator or the end: functions have plain names")
        self._count(first)
        return Name(at=first.at, end=self._tokens.reached, parts=tuple(parts))

    def _call(self, name: Token) -> Node:
        self._tokens.take()
        arguments = self._items(")", f"{name.value}(...)")
        self._count(name)
        return Call(at=name.at, end=self._tokens.reached, function=str(name.value), arguments=arguments)

    def _items(self, closing: str, what: str) -> tuple[Node, ...]:
        """Expressions between commas up to the closing sign."""
        items: list[Node] = []
        if self._tokens.accept(closing):
            return ()
        while True:
            items.append(self.expression())
            if self._tokens.accept(closing):
                return tuple(items)
            self._tokens.expect(",", f"or '{closing}' to go on with or close {what}")
