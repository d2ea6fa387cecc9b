"""What may be compared with what, and what a comparison that may not be was meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from events.errors import Fault
from events.nearest import did_you_mean
from projections.expressions.event_fields import listed
from projections.expressions.kinds import COLLECTIONS, MOMENTS, Refusal, Typed, a_kind
from projections.expressions.tree import Const, Kind, ListOf, Name, Node, Ref, Root, Sign


def compared(left: Node, op: Sign, right: Node) -> Typed | Refusal:
    """What `left op right` gives; both sides have their kinds."""
    message = _not_looked_up(left, right) if op in ("in", "not in") else _incomparable(left, op, right)
    if message is not None:
        return Refusal(message)
    return Typed(Kind.FLAG, moving=left.moving or right.moving)


def _not_looked_up(left: Node, right: Node) -> str | None:
    """Why a value cannot be looked up so, or None."""
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


def impossible_values(left: Node, right: Node, dimensions: Mapping[str, Typed]) -> Iterator[tuple[Node, str]]:
    """The constants that a dimension is compared with and never takes, each with what is to be said of it."""
    for side, other in ((left, right), (right, left)):
        if not isinstance(side, Ref) or side.root is not Root.DIMENSION or not isinstance(other, Const | ListOf):
            continue
        name = side.path[0]
        values = dimensions[name].values
        for constant in other.walk():
            if isinstance(constant, Const) and values is not None and constant.value not in values:
                guess = did_you_mean(str(constant.value), values) or f"; it takes {listed(values)}"
                yield constant, f"'{name}' is never '{constant.value}'{guess}"


def perhaps_a_text(fault: Fault, name: Node, beside: Iterable[Node]) -> Fault:
    """The fault of a name that is unknown and compared with what is `beside`: with a text, it may be one without its
    quotes."""
    if not isinstance(name, Name) or len(name.parts) > 1 or all(other.kind is not Kind.TEXT for other in beside):
        return fault
    if "; " in fault.message:  # something better is suggested already
        return fault
    return replace(fault, message=f"{fault.message}; a text stands in quotes: '{name.parts[0]}'")
