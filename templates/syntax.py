"""What a template may be made of: judged once, when it is compiled, before any of it can run.

An allow-list of Jinja's nodes. What could capture output, call itself or reach another file (blocks, macros, set
blocks, include, import, extends) is not in it, so a template is one flat generator whose every turn is counted.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from jinja2 import Environment, nodes
from jinja2.meta import TrackingCodeGenerator

from events.nearest import did_you_mean
from templates.filters import FILTERS, TESTS
from templates.limits import MAX_EXPRESSION_DEPTH, MAX_NUMBER
from templates.source import SyntaxRefused, is_sendable

GROUPS = ("customer", "traits", "event", "offer", "links", "sender")
NAMES = frozenset({*GROUPS, "items", "range"})

ALLOWED_NODES: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.If,
        nodes.For,
        nodes.Assign,
        nodes.With,
        nodes.Name,
        nodes.Const,
        nodes.List,
        nodes.Tuple,
        nodes.Dict,
        nodes.Pair,
        nodes.Keyword,
        nodes.Getattr,
        nodes.Getitem,
        nodes.Slice,
        nodes.Filter,
        nodes.Test,
        nodes.Call,
        nodes.Compare,
        nodes.Operand,
        nodes.Concat,
        nodes.CondExpr,
        nodes.And,
        nodes.Or,
        nodes.Not,
        nodes.Neg,
        nodes.Pos,
        nodes.Add,
        nodes.Sub,
        nodes.Mul,
        nodes.Div,
        nodes.FloorDiv,
        nodes.Mod,
    }
)

_WORDS: dict[type[nodes.Node], str] = {nodes.NSRef: "a dotted name in {% set %}", nodes.Pow: "`**`"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of a given group that the template reads: `customer.first_name`."""

    group: str
    field: str
    line: int


def check_tree(environment: Environment, tree: nodes.Template) -> None:
    """Refuse every node, name, filter, test and call that is not allowed; raises SyntaxRefused at the first."""
    for node, depth in _walk(tree):
        if type(node) not in ALLOWED_NODES:
            raise SyntaxRefused(node.lineno, f"{_WORDS.get(type(node), type(node).__name__)} is not available")
        if depth > MAX_EXPRESSION_DEPTH:
            raise SyntaxRefused(node.lineno, f"tags and expressions may be nested {MAX_EXPRESSION_DEPTH} deep together")
        _check_node(node)
    # A name set in one branch only is told at the render that misses it.
    undeclared = _undeclared(environment, tree) - NAMES - _set_names(tree)
    for node in tree.find_all(nodes.Name):
        if node.name in undeclared:
            raise SyntaxRefused(node.lineno, f"nothing is called {node.name!r}{did_you_mean(node.name, NAMES)}")


def _undeclared(environment: Environment, tree: nodes.Template) -> set[str]:
    """Jinja's `meta.find_undeclared_variables`, which would also fold constants, in Python's arithmetic, in place."""
    tracking = TrackingCodeGenerator(environment)
    tracking.optimizer = None
    tracking.visit(tree)
    return tracking.undeclared_identifiers


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node in order with its depth, without recursion."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in reversed(list(node.iter_child_nodes())))


def _check_node(node: nodes.Node) -> None:
    line = node.lineno
    if isinstance(node, nodes.Name):
        _check_name(node.name, line)
    elif isinstance(node, nodes.Getattr):
        _check_name(node.attr, line)
    elif isinstance(node, nodes.Keyword):
        _check_name(node.key, line)
    elif isinstance(node, nodes.Const):
        if isinstance(node.value, (int, float)) and not abs(Decimal(node.value)) < MAX_NUMBER:
            raise SyntaxRefused(line, "a number must be smaller than 10^30")
        if isinstance(node.value, str) and not is_sendable(node.value):
            raise SyntaxRefused(line, "a text is what UTF-8 can write; half a surrogate pair is not")
    elif isinstance(node, nodes.Tuple) and node.ctx != "load":
        if any(isinstance(item, nodes.Tuple) for item in node.items):
            raise SyntaxRefused(line, "names are unpacked one level deep")
    elif isinstance(node, nodes.For):
        if node.recursive:
            raise SyntaxRefused(line, "{% for ... recursive %} is not available")
    elif isinstance(node, (nodes.Filter, nodes.Test)):
        _check_filter(node)
    elif isinstance(node, nodes.Call):
        _check_call(node)


def _check_name(name: str, line: int) -> None:
    if not name.isascii() or name.startswith("_"):
        raise SyntaxRefused(line, f"names have letters a to z, digits and _, and begin with a letter; found {name!r}")
    if name in ("self", "super", "caller", "varargs", "kwargs"):
        raise SyntaxRefused(line, f"nothing is called {name!r}")


def _check_filter(node: nodes.Filter | nodes.Test) -> None:
    kind, known = ("filter", FILTERS) if isinstance(node, nodes.Filter) else ("test", TESTS)
    function = known.get(node.name)
    if function is None:
        raise SyntaxRefused(
            node.lineno,
            f"no {kind} is called {node.name!r}{did_you_mean(node.name, known)}; there are: {', '.join(sorted(known))}",
        )
    _no_unpacking(node)
    try:
        named = {str(word.key): word.value for word in node.kwargs}
        inspect.signature(function).bind(None, None, *node.args, **named)
    except TypeError as error:
        raise SyntaxRefused(node.lineno, f"{kind} {node.name!r}: {error}") from None


def _check_call(node: nodes.Call) -> None:
    called = node.node
    plain_range = isinstance(called, nodes.Name) and called.name == "range"
    cycle = (
        isinstance(called, nodes.Getattr)
        and called.attr == "cycle"
        and isinstance(called.node, nodes.Name)
        and called.node.name == "loop"
    )
    if not (plain_range or cycle):
        raise SyntaxRefused(node.lineno, "only range(...) and loop.cycle(...) can be called; for the rest use a filter")
    _no_unpacking(node)
    most = 3 if plain_range else len(node.args)
    if node.kwargs or not 1 <= len(node.args) <= most:
        raise SyntaxRefused(node.lineno, "range takes one to three numbers, loop.cycle one value or more")


def _no_unpacking(node: nodes.Filter | nodes.Test | nodes.Call) -> None:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise SyntaxRefused(node.lineno, "* and ** before an argument are not available")


def _set_names(tree: nodes.Template) -> set[str]:
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}


def references(tree: nodes.Template) -> tuple[Reference, ...]:
    """The fields of given groups that the template reads by name, in order.

    Left out are groups it sets itself, and fields for which it says what to do without: `| default`, `is defined`.
    """
    own = _set_names(tree)
    spared = {id(test.node) for test in tree.find_all((nodes.Filter, nodes.Test)) if _answers_absence(test)}
    found = []
    for node in tree.find_all(nodes.Expr):
        if not isinstance(node, (nodes.Getattr, nodes.Getitem)) or not isinstance(node.node, nodes.Name):
            continue
        if id(node) in spared:
            continue
        if node.node.name not in GROUPS or node.node.name in own:
            continue
        if isinstance(node, nodes.Getattr):
            found.append(Reference(node.node.name, node.attr, node.lineno))
        elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            found.append(Reference(node.node.name, node.arg.value, node.lineno))
    return tuple(found)


def _answers_absence(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.Filter, nodes.Test)) and node.name in ("d", "default", "defined", "undefined")
