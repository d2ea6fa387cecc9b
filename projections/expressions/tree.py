"""The tree an expression becomes: what the parser makes, the checker annotates and the compiler reads.

The parser leaves `kind` None and makes `Name` nodes only; the checker returns a new tree in which every node has its
`kind`, `nullable` and `moving` filled, chains are split into `And`, and each `Name` is a `Ref`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """The type of a value."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    TIME = "time"  # an instant, integer milliseconds since the epoch
    DATE = "date"  # a calendar day, integer days since 1970-01-01; stands for its local 00:00
    SET = "set"  # distinct values, element kind in `element`
    LIST = "list"  # a literal list or a recent, element kind in `element`
    NULL = "null"


Sign = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
"""How a comparison is written."""


class Root(StrEnum):
    """What a reference's name is looked up in."""

    TRAIT = "trait"
    SEGMENT = "segment"
    DIMENSION = "dimension"
    BUILTIN = "builtin"  # known_since, last_seen_at, sent.C, opened.C, clicked.C
    PROFILE = "profile"
    CONSENT = "consent"  # path (channel, purpose)
    EVENT = "event"
    ITEM = "item"
    CAUSE = "cause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node; `at` is its first character's place in the text, `end` the place after its last."""

    at: int = 0
    end: int = 0
    kind: Kind | None = None
    element: Kind | None = None  # of a SET or LIST
    nullable: bool = False
    moving: bool = False  # a number that changes with time alone

    def children(self) -> Iterator[Node]:
        """The nodes directly below, in order."""
        for name in self.__slots__:  # what its kind adds; the fields of every node are plain
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (child for child in value if isinstance(child, Node))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, depth first."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(Node):
    """A literal; numbers are integers of millionths, flags bool, text str, null None."""

    value: int | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Node):
    """A literal list of constants."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A dotted name as written, before it is resolved."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref(Node):
    """A resolved name: `trait orders`, `profile city`, `event items.sku`."""

    root: Root
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Negate(Node):
    """Unary minus."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(Node):
    """`left op right` on numbers."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Node):
    """A comparison as written: first op second op third ... (the checker splits it)."""

    operands: tuple[Node, ...]
    ops: tuple[Sign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Node):
    """One link: `left op right`; false where a side is null."""

    op: Sign
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull(Node):
    """`operand is null`, or `is not null` when negated."""

    operand: Node
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Node):
    """All operands hold."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Node):
    """Some operand holds."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """The operand does not hold."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class IfElse(Node):
    """`then if condition else otherwise`."""

    then: Node
    condition: Node
    otherwise: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function of the language; `function` is its name."""

    function: str
    arguments: tuple[Node, ...]


def at_least(number: Node, cut: int) -> Compare:
    """`number >= cut`, the cut in millionths."""
    return Compare(op=">=", left=number, right=Const(value=cut, kind=Kind.NUMBER), kind=Kind.FLAG)
