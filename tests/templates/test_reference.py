"""A render says what its slow and simple reference says, word for word, refusals too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import RenderFailed, RulebookInvalid
from templates import limits
from templates.catalogue import stock
from templates.context import build_context
from templates.part import render_part
from templates.render import compile_all
from tests.templates.drawn import SCALARS, VALUES, groups, templates
from tests.templates.letters import ITEMS
from tests.templates.reference import render_slowly, slowly_plain

KEYS = ["a/sms.txt", "a/email.html", "a/email.ru.txt", "a/email.subject"]
OFFERS = st.dictionaries(st.sampled_from(["code", "percent", "category", "until"]), SCALARS, max_size=3)
GIVEN = st.fixed_dictionaries(
    {
        "profile": groups(),
        "traits": groups(),
        "event": st.none() | groups(),
        "offer": st.none() | OFFERS,
        "links": st.dictionaries(st.sampled_from(["unsubscribe", "shop"]), st.just("https://shop.example?a&b")),
        "sender": st.just({"name": "Petshop"}),
    }
)


def both(key: str, source: str, given_groups: dict[str, Any]) -> tuple[str, str]:
    """What the real render and the reference say."""
    compiled, faults = compile_all({key: source})
    if faults:
        raise RulebookInvalid([])
    said = []
    renders: tuple[Callable[[], str], ...] = (
        lambda: render_part(compiled[key], build_context(**given_groups)),
        lambda: render_slowly(key, source, slowly_plain(given_groups)),
    )
    for render in renders:
        try:
            said.append("text " + render())
        except RenderFailed as failure:
            said.append(f"refused {failure}")
    return said[0], said[1]


@settings(max_examples=200, deadline=None)
@given(templates(), st.sampled_from(KEYS), GIVEN)
def test_a_template_says_what_its_reference_says(source: str, key: str, given_groups: dict[str, Any]) -> None:
    try:
        fast, slow = both(key, source, given_groups)
    except RulebookInvalid:
        return  # refused before any render
    assert fast == slow


FIELD_SOURCES = st.lists(
    st.one_of(
        st.text(max_size=6).filter(lambda text: "{" not in text),
        st.builds(
            "{{{{ {0}.{1} }}}}".format,
            st.sampled_from(["customer", "traits", "event", "offer", "links", "sender"]),
            st.sampled_from(["first_name", "total", "code", "percent", "unsubscribe", "name", "nps"]),
        ),
        st.sampled_from(["{{ customer.first_name or 'there' }}", "{{ customer['_x'] }}", "{{ 1.50 }}{{ 2 }}", "\n"]),
    ),
    max_size=6,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(FIELD_SOURCES, st.sampled_from(KEYS), GIVEN)
def test_fields_among_text_are_written_as_by_the_reference(source: str, key: str, given_groups: dict[str, Any]) -> None:
    try:
        fast, slow = both(key, source, given_groups)
    except RulebookInvalid:
        return
    assert fast == slow


@pytest.mark.parametrize("key", sorted(stock()))
def test_the_stock_letters_say_what_their_references_say(key: str) -> None:
    given_groups = {
        "profile": {"first_name": "Žanna"},
        "traits": {"orders": 2},
        "event": {"items": ITEMS, "total": 129.7, "currency": "EUR"},
        "offer": {"code": "A", "percent": 10, "category": "cat_food", "expires_on": "2026-03-31"},
        "links": {"unsubscribe": "https://shop.example/stop?a=1&b=2", "survey": "https://shop.example/ask"},
        "sender": {"name": "Petshop", "email": "hello@petshop.example"},
    }
    fast, slow = both(key, stock()[key], given_groups)
    assert fast == slow
    assert fast.startswith("text ")


@pytest.mark.parametrize("letter", ["x", "ž", "猫", "🐈", "&"])
@pytest.mark.parametrize("key", ["a/sms.txt", "a/email.html"])
def test_output_ends_where_that_of_the_reference_does(letter: str, key: str) -> None:
    size_bytes = len((letter if key == "a/sms.txt" or letter != "&" else "&amp;").encode())
    turns = limits.MAX_OUTPUT_BYTES // size_bytes // 64
    for more in (0, 1):
        source = "{% for a in range(64) %}{{ traits.long }}{% endfor %}" + "x" * (
            limits.MAX_OUTPUT_BYTES - 64 * turns * size_bytes + more
        )
        given_groups: dict[str, Any] = {"profile": {}, "event": None, "offer": None, "links": {}, "sender": {}}
        fast, slow = both(key, source, {**given_groups, "traits": {"long": letter * turns}})
        assert fast == slow
        assert fast.startswith("refused " if more else "text ")


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({"profile": groups(VALUES), "traits": groups(SCALARS)}))
def test_a_context_is_what_converting_it_slowly_gives(parts: dict[str, Any]) -> None:
    given_groups = {**parts, "event": parts["profile"], "offer": parts["traits"], "links": {}, "sender": {}}
    said: list[object] = []
    for made in (build_context, lambda **groups: slowly_plain(groups)):
        try:
            variables = made(**given_groups)
            said.append({name: (type(value), repr(value)) for name, value in sorted(variables.items())})
        except RenderFailed as failure:
            said.append(failure.cause)
    if isinstance(said[0], dict):
        fast = {name: text for name, (_, text) in said[0].items()}
        assert isinstance(said[1], dict)
        assert fast == {name: text for name, (_, text) in said[1].items()}
    else:
        assert said[0] == said[1]
