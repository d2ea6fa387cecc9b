"""Parses and checks the expressions that stand in a rulebook, their faults shown where they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.rulebook.alignment import place_of_character
from engine.rulebook.nodes import Node, Scalar, describe
from engine.rulebook.reading import Reading
from events.errors import ExpressionInvalid, Fault
from projections.expressions import tree
from projections.expressions.checker import check
from projections.expressions.parser import parse
from projections.expressions.scope import Scope

Check = Callable[[tree.Node, Scope], tree.Node]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """An expression as parsed, with the scalar it was written in."""

    scalar: Scalar
    parsed: tree.Node

    def names(self) -> set[str]:
        """The names in it that stand alone: traits, segments and dimensions."""
        return {node.parts[0] for node in self.parsed.walk() if isinstance(node, tree.Name) and len(node.parts) == 1}


class Expressions:
    """Reads expressions; `limited` is off for what the engine itself wrote."""

    def __init__(self, reading: Reading, *, limited: bool = True) -> None:
        self._reading = reading
        self._limited = limited

    def parse(self, node: Node | None, what: str) -> Written | None:
        """The expression in a scalar; None where there is none or it cannot be parsed."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.is_null:
            self._reading.refuse(node, f"{what} needs an expression; found {describe(node)}")
            return None
        try:
            return Written(node, parse(node.text, limited=self._limited))
        except ExpressionInvalid as error:
            self._report(node, error.faults)
            return None

    def check(self, written: Written | None, scope: Scope, checked: Check = check) -> tree.Node | None:
        """The annotated tree, None where it has faults."""
        if written is None:
            return None
        try:
            return checked(written.parsed, scope)
        except ExpressionInvalid as error:
            self._report(written.scalar, error.faults)
            return None

    def refuse(self, written: Written, node: tree.Node, message: str) -> None:
        """Report a problem with a part of an expression."""
        self._report(written.scalar, [Fault(node.at, node.end, message)])

    def _report(self, scalar: Scalar, faults: Sequence[Fault]) -> None:
        for fault in faults:
            start = place_of_character(scalar, fault.at)
            end = place_of_character(scalar, fault.end - 1) + 1 if fault.end > fault.at else start + 1
            self._reading.problems.add_at(scalar.source, start, max(end, start + 1), fault.message)
