"""Writes a checked tree back as text, in one way for equal trees."""

from __future__ import annotations

from events.numbers import shown_text
from projections.expressions.tree import (
    And,
    Arithmetic,
    Call,
    Chain,
    Compare,
    Const,
    IfElse,
    IsNull,
    ListOf,
    Name,
    Negate,
    Node,
    Not,
    Or,
    Ref,
    Root,
)

# How tightly an operator binds; an operand that binds less tightly stands in parentheses.
_IF, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _MINUS, _ATOM = range(9)
_ROOTS_WRITTEN = frozenset({Root.PROFILE, Root.CONSENT, Root.EVENT, Root.ITEM, Root.CAUSE})


def unparse(node: Node) -> str:
    """Text that parses and checks to a tree equal to this one but for places."""
    return _write(node)[0]


def _write(node: Node) -> tuple[str, int]:
    """The text and how tightly its outermost operator binds."""
    match node:
        case Const():
            text = _constant(node.value)
            return text, _MINUS if text.startswith("-") else _ATOM
        case Name():
            return ".".join(node.parts), _ATOM
        case Ref():
            parts = (node.root, *node.path) if node.root in _ROOTS_WRITTEN else node.path
            return ".".join(parts), _ATOM
        case ListOf():
            return f"[{', '.join(unparse(item) for item in node.items)}]", _ATOM
        case Call():
            return f"{node.function}({', '.join(unparse(argument) for argument in node.arguments)})", _ATOM
        case Negate():
            return f"-{_within(node.operand, _MINUS)}", _MINUS
        case Arithmetic():
            binds = _SUM if node.op in "+-" else _PRODUCT
            return f"{_within(node.left, binds)} {node.op} {_within(node.right, binds + 1)}", binds
        case Compare():
            return f"{_within(node.left, _SUM)} {node.op} {_within(node.right, _SUM)}", _COMPARISON
        case Chain():
            text = _within(node.operands[0], _SUM)
            for op, operand in zip(node.ops, node.operands[1:], strict=True):
                text += f" {op} {_within(operand, _SUM)}"
            return text, _COMPARISON
        case IsNull():
            return f"{_within(node.operand, _SUM)} {'is not null' if node.negated else 'is null'}", _COMPARISON
        case Not():
            return f"not {_within(node.operand, _NOT)}", _NOT
        case And():
            return " and ".join(_within(operand, _NOT) for operand in node.operands), _AND
        case Or():
            return " or ".join(_within(operand, _AND) for operand in node.operands), _OR
        case IfElse():
            then, condition = _within(node.then, _OR), _within(node.condition, _OR)
            return f"{then} if {condition} else {unparse(node.otherwise)}", _IF
    raise AssertionError(f"no such node: {type(node).__name__}")


def _within(node: Node, tightness: int) -> str:
    text, binds = _write(node)
    return text if binds >= tightness else f"({text})"


def _constant(value: int | str | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return shown_text(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
