"""Text, tree and text again: equal trees have one text, and it says the same."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.expressions.checker import check
from projections.expressions.parser import parse
from projections.expressions.tree import Node
from projections.expressions.unparse import unparse
from tests.projections.expressions.scopes import TRIGGER, faults, typed

NUMBERS = ["orders", "nps", "1", "-2.5", "0.000001", "event.total", "sent.email", "len(bought)", "profile.shoe_size"]
FLAGS = ["vip", "true", "consent.email.marketing", "lifecycle == 'lead'", "'x' in event.items.sku", "nps is null"]


def numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        inner.map(lambda text: f"-({text})"),
        st.tuples(inner, inner).map(lambda parts: f"max({parts[0]}, {parts[1]})"),
        st.tuples(inner, flags, inner).map(lambda parts: f"({parts[0]}) if ({parts[1]}) else ({parts[2]})"),
    )


flags: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(FLAGS),
        st.tuples(flags, st.sampled_from(["and", "or"]), flags).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        flags.map(lambda text: f"not ({text})"),
        st.tuples(number, st.sampled_from(["<", "==", "!=", ">="]), number).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        st.tuples(number, number, number).map(lambda p: f"({p[0]}) < ({p[1]}) <= ({p[2]})"),
    )
)
number: st.SearchStrategy[str] = st.recursive(st.sampled_from(NUMBERS), numbers, max_leaves=6)


def bare(node: Node) -> Node:
    """The tree without places."""
    changes: dict[str, Any] = {"at": 0, "end": 0}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            changes[field.name] = bare(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(bare(child) for child in value)
    return replace(node, **changes)


@given(number | flags)
def test_the_text_of_a_tree_gives_the_tree(text: str) -> None:
    if faults(text):
        return
    tree = typed(text)
    written = unparse(tree)
    again = check(parse(written, limited=False), TRIGGER)
    assert bare(again) == bare(tree)
    assert unparse(again) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(orders)>=((2))", "orders >= 2"),
        ("1 < orders < 2.50", "1 < orders and orders < 2.5"),
        ("not 1 < orders < 2", "not (1 < orders and orders < 2)"),
        ('favourite == "it\'s"', "favourite == 'it\\'s'"),
        ("matches(favourite, '\\d.\\\\.')", "matches(favourite, '\\\\d.\\\\.')"),
        ("orders in [1,2]", "orders in [1, 2]"),
        ("nps is not null", "nps is not null"),
        ("orders - (spend - 1)", "orders - (spend - 1)"),
        ("orders * -nps", "orders * -nps"),
    ],
)
def test_one_text(text: str, written: str) -> None:
    assert unparse(typed(text)) == written
