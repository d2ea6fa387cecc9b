"""Only plain data reaches a template, converted deeply."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import RenderFailed
from templates.plain import MAX_DEPTH, Nulls, plain, shown


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


def exact(value: object) -> object:
    """A value with its types, so that a subclass is seen."""
    if isinstance(value, dict):
        return type(value), {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value), value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (Colour.RED, "red"),
        (Size.SMALL, 1),
        (True, True),
        (None, None),
        (1.5, Decimal("1.5")),
        (0.1, Decimal("0.1")),
        (2.0, 2),
        (Decimal("2.50"), Decimal("2.5")),
        (1e-9, 0),
        (0.0000005, 0),
        (0.0000015, Decimal("0.000002")),
        (-1e15, -(10**15)),
        ((1, [2.5]), [1, [Decimal("2.5")]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "B", "a"}), ["B", "a", "b"]),
        ({1, "a", 2.5}, [1, Decimal("2.5"), "a"]),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict({"a": {"b": 1}}), {"a": {"b": 1}}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ("half \ud800 pair", "half \ufffd pair"),
        ("\ud83d\ude00", "\U0001f600"),
    ],
)
def test_what_is_data_becomes_plain(value: object, expected: object) -> None:
    assert exact(plain(value)) == exact(expected)


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        date(2026, 3, 31),
        datetime(2026, 3, 31, tzinfo=UTC),
        SimpleNamespace(a=1),
        print,
        str,
        [iter("a")],
        {"a": {"b": object()}},
        {1: "a"},
        range(3),
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("1e30"),
        10**30,
        1e300,
        1 + 2j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_refused(value: object) -> None:
    with pytest.raises(RenderFailed):
        plain(value)


def test_data_that_contains_itself_is_refused() -> None:
    ring: list[object] = []
    ring += [ring, ring]
    with pytest.raises(RenderFailed):
        plain(ring)


def test_data_is_as_deep_as_an_event_may_be_and_more() -> None:
    def nested(depth: int) -> object:
        return [nested(depth - 1)] if depth else 1

    assert plain(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    with pytest.raises(RenderFailed, match="nested 40 deep"):
        plain(nested(MAX_DEPTH + 1))


def test_what_is_lenient_is_lenient_all_the_way_down() -> None:
    found = plain(Nulls({"items": [{"name": "a"}], "more": {"b": 1}}))
    assert exact(found) == (
        Nulls,
        {"items": [(Nulls, {"name": (str, "a")})], "more": (Nulls, {"b": (int, 1)})},
    )
    assert exact(plain({"a": {}})) == (dict, {"a": (dict, {})})


@given(st.decimals(min_value=-(10**15), max_value=10**15, allow_nan=False, places=9))
def test_a_number_is_shown_half_even_to_six_places(number: Decimal) -> None:
    text = shown(number)
    assert "E" not in text
    assert abs(Decimal(text) - number) <= Decimal("0.0000005")
    assert "." not in text or not text.endswith(("0", "."))
    assert Decimal(text) == round(number, 6)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    )
)
def test_what_is_plain_stays_as_it_is(value: object) -> None:
    assert exact(plain(value)) == exact(value)
