"""What an expression is found to be, or why it is none, and how sentences say a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from projections.expressions.tree import Kind, Node

MOMENTS = frozenset({Kind.TIME, Kind.DATE})
COLLECTIONS = frozenset({Kind.SET, Kind.LIST})


@dataclass(frozen=True, slots=True)
class Typed:
    """What a name or a node stands for; `values` are those a text can take, where they are known."""

    kind: Kind
    element: Kind | None = None
    nullable: bool = False
    moving: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node is refused; `index` is the operand's or argument's, None for the node as a whole."""

    message: str
    index: int | None = None


Rule = Callable[[Sequence[Node]], Typed | Refusal]
"""What a node is, by its operands or arguments, each of which has its kind."""


def article(word: str) -> str:
    """The word with a or an."""
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def in_words(kind: Kind) -> str:
    """A kind as a sentence says it."""
    return str(kind) if kind in (Kind.TEXT, Kind.NULL) else article(str(kind))


def a_kind(node: Node) -> str:
    """The kind of a checked node as a sentence says it, e.g. `a set of text`."""
    kind = node.kind or Kind.NULL
    if kind in COLLECTIONS:
        element = "items" if node.element is None else "text" if node.element is Kind.TEXT else f"{node.element}s"
        return f"{in_words(kind)} of {element}"
    return in_words(kind)
