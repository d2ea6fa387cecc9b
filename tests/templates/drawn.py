"""Templates and data drawn at random: expressions of the language, right and wrong, and values of every kind."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from templates.filters import FILTERS, TESTS

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


TEXTS = st.sampled_from(["Ann", "", "  Ann  Lee ", "Žanna", "a\nb", "a\u2028b\u00a0c", "<b>&'", "\ud800", "2026-03-31"])
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 12, -3, 10**15, 10**30, 10**30 - 1, -(10**30)]),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 7)),
    st.decimals(-(10**20), 10**20, places=8, allow_nan=False),
    st.sampled_from([Decimal("2.500000"), Decimal("-0.000000"), Decimal("1E+2"), Decimal("NaN"), 1e-7, -0.0, 1e300]),
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FIELDS, "ž"]), inner, max_size=3),
    max_leaves=5,
)


def groups(values: st.SearchStrategy[object] = VALUES) -> st.SearchStrategy[dict[str, object]]:
    """Fields of a group."""
    return st.dictionaries(st.sampled_from([*FIELDS, "items", "unsubscribe", "ž"]), values, max_size=4)
