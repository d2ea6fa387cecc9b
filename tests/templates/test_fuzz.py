"""Whatever is written as a template, it renders or is refused, and nothing else happens."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import RenderFailed, RulebookInvalid
from templates.catalogue import stock
from templates.check import check_templates
from templates.filters import FILTERS, TESTS
from tests.templates.letters import given as context_of
from tests.templates.letters import text_of

NAMES = ["customer", "traits", "event", "items", "offer", "links", "sender", "loop", "range", "x", "y", "self", "none"]
FIELDS = ["first_name", "orders", "bought", "nps", "total", "name", "code", "index", "cycle", "__class__", "nothing"]
LITERALS = [
    "1",
    "0",
    "-2",
    "1.5",
    "1e9",
    "'a'",
    "''",
    "'ž'",
    "true",
    "none",
    "[]",
    "[1, 2]",
    "{'a': 1}",
    "(1,)",
    "99999",
]
BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or", "**"]
WORDS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "if",
    "for",
    "endif",
    "endfor",
    "set",
    "=",
    "in",
    "|",
    "is",
    "(",
    ")",
    "[",
    "]",
]


def expressions() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(NAMES + LITERALS)

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        arguments = st.lists(inner, max_size=2).map(", ".join)
        return st.one_of(
            st.tuples(inner, st.sampled_from(FIELDS)).map(".".join),
            st.tuples(inner, inner).map(lambda pair: f"{pair[0]}[{pair[1]}]"),
            st.tuples(inner, inner, inner).map(lambda three: f"{three[0]}[{three[1]}:{three[2]}]"),
            st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda three: f"({' '.join(three)})"),
            st.tuples(inner, st.sampled_from(sorted(FILTERS)), arguments).map(lambda f: f"{f[0]} | {f[1]}({f[2]})"),
            st.tuples(inner, st.sampled_from(sorted(TESTS)), arguments).map(lambda f: f"({f[0]} is {f[1]}({f[2]}))"),
            st.tuples(inner, arguments).map(lambda call: f"{call[0]}({call[1]})"),
            st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} if {three[1]} else {three[2]})"),
            st.lists(inner, max_size=3).map(lambda several: f"[{', '.join(several)}]"),
            inner.map(lambda one: f"(not {one})"),
        )

    return st.recursive(atoms, larger, max_leaves=8)


def templates() -> st.SearchStrategy[str]:
    written = expressions().map(lambda one: "{{ " + one + " }}")
    assigned = expressions().map(lambda one: "{% set x = " + one + " %}{{ x }}")

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        both = st.tuples(expressions(), inner)
        return st.one_of(
            both.map(lambda pair: "{% for x in " + pair[0] + " %}" + pair[1] + "{% else %}-{% endfor %}"),
            both.map(lambda pair: "{% for x, y in " + pair[0] + " if x %}" + pair[1] + "{% endfor %}"),
            both.map(lambda pair: "{% if " + pair[0] + " %}" + pair[1] + "{% endif %}"),
            both.map(lambda pair: "{% with y = " + pair[0] + " %}" + pair[1] + "{% endwith %}"),
            st.lists(inner, min_size=2, max_size=3).map("\n".join),
        )

    return st.recursive(written | assigned, larger, max_leaves=4)


def answer(source: str, key: str) -> str:
    try:
        text = text_of(source, context_of(), key=key)
    except RenderFailed as failure:
        text = failure.cause
    except RulebookInvalid as refusal:
        text = refusal.problems[0].message
    assert " object at 0x" not in text
    assert "cannot be computed" not in text  # an operand that nobody judged
    assert "cannot be compiled" not in text
    return text


@settings(max_examples=300, deadline=None)
@given(templates(), st.sampled_from(["a/sms.txt", "a/email.html", "a/email.ru.txt", "a/email.subject"]))
def test_a_template_of_the_language_renders_or_is_refused(source: str, key: str) -> None:
    assert answer(source, key) == answer(source, key)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS + NAMES + FIELDS + LITERALS) | st.text(max_size=3), max_size=25).map(" ".join))
def test_any_words_render_or_are_refused(source: str) -> None:
    answer(source, "a/sms.txt")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_letter_renders_or_is_refused(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(stock())))
    source = stock()[key]
    start = data.draw(st.integers(0, len(source)))
    length = data.draw(st.integers(0, 40))
    damaged = source[:start] + data.draw(st.text(max_size=5)) + source[start + length :]
    answer(damaged, "a/" + key.partition("/")[2])
    check_templates({"a/" + key.partition("/")[2]: damaged}, [])
