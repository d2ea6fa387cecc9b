"""Generates a template's Python so that whatever costs or reaches anything goes through the environment.

Jinja's sandbox intercepts calls, attributes and arithmetic. Comparisons, `~`, slices, literals and loops it writes as
plain Python; here those are calls of the environment as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

# Filters that no template can name: their names are no identifiers.
LOOP_ITEMS = "items of a loop"
UNPACKED = "values of several names"


class BoundedCodeGenerator(CodeGenerator):
    """Writes outputs, comparisons, joins, slices and literals as calls of TemplateEnvironment."""

    @override
    def _make_finalize(self) -> CodeGenerator._FinalizeInfo:
        # Without a function for constants: they are written when the template runs, as all other values are.
        return self._FinalizeInfo(None, "environment.written(")

    @override
    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        # As Jinja's, but for `str()`: `written` makes nothing else.
        self.write("escape(environment.written(" if frame.eval_ctx.autoescape else "environment.written(")

    @override
    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write("))" if frame.eval_ctx.autoescape else ")")

    @override
    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        if isinstance(node.value, float):
            self.write(f"environment.decimal({node.value!r})")
        else:
            super().visit_Const(node, frame)

    @override
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.join_texts(context, (")
        self._each(node.nodes, frame, "{}, ")
        self.write("))")

    @override
    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        self.write("environment.compare(context, ")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f", {operand.op!r}, ")
            self.visit(operand.expr, frame)
        self.write(")")

    @override
    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.slice_of(context, ")
        self.visit(node.node, frame)
        for bound in (node.arg.start, node.arg.stop, node.arg.step):
            self.write(", ")
            self.visit(nodes.Const(None) if bound is None else bound, frame)
        self.write(")")

    @override
    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self.write("[")
        self._elements(node.items, frame)
        self.write("]")

    @override
    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx != "load":
            super().visit_Tuple(node, frame)
            return
        self.write("(")
        self._elements(node.items, frame)
        self.write(")")

    @override
    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("{")
        for pair in node.items:
            self.write("environment.key(")
            self.visit(pair.key, frame)
            self.write("): ")
            self._elements([pair.value], frame)
        self.write("}")

    @override
    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        if node.expr2 is None:
            node.expr2 = nodes.Const(None, lineno=node.lineno)
        super().visit_CondExpr(node, frame)

    def _each(self, children: Sequence[nodes.Node], frame: Frame, form: str) -> None:
        before, after = form.split("{}")
        for child in children:
            self.write(before)
            self.visit(child, frame)
            self.write(after)

    def _elements(self, children: Sequence[nodes.Node], frame: Frame) -> None:
        """Literals may hold literals; a computed element must be a scalar, so that no list can hold itself twice."""
        for child in children:
            literal = isinstance(child, (nodes.List, nodes.Tuple, nodes.Dict))
            self._each([child], frame, "{}, " if literal else "environment.element({}), ")


def guard(tree: nodes.Template) -> int:
    """Make each loop count its items and steps before its first turn, and each unpacking judge what it unpacks.

    Returns the number of steps outside all loops.
    """
    steps = _steps(tree)
    for loop in list(tree.find_all(nodes.For)):
        inside = [*loop.body, loop.target, *([loop.test] if loop.test else [])]
        loop.iter = _through(LOOP_ITEMS, loop.iter, 1 + sum(map(_steps, inside)), _names(loop.target))
    for assign in list(tree.find_all(nodes.Assign)):
        if _names(assign.target):
            assign.node = _through(UNPACKED, assign.node, _names(assign.target))
    for block in list(tree.find_all(nodes.With)):
        pairs = zip(block.targets, block.values, strict=True)
        block.values = [
            _through(UNPACKED, value, _names(target)) if _names(target) else value for target, value in pairs
        ]
    return steps


def _names(target: nodes.Node) -> int:
    """How many names are assigned at once, 0 for one that takes the value as it is."""
    return len(target.items) if isinstance(target, nodes.Tuple) else 0


def _through(function: str, value: nodes.Node, *numbers: int) -> nodes.Filter:
    arguments: list[nodes.Expr] = [nodes.Const(number, lineno=value.lineno) for number in numbers]
    return nodes.Filter(value, function, arguments, [], None, None, lineno=value.lineno)


def _steps(node: nodes.Node) -> int:
    """The nodes that run once when this one does: a loop's body counts itself."""
    if isinstance(node, nodes.For):
        return 1 + _steps(node.iter) + sum(map(_steps, node.else_))
    return 1 + sum(map(_steps, node.iter_child_nodes()))
