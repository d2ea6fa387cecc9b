"""Only plain data reaches a template, converted deeply."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import RenderFailed
from events.numbers import MICRO
from events.numbers import shown as shown_fraction
from templates.plain import MAX_DEPTH, MAX_VALUES, Nulls, plain, plain_fields, plain_number, rounded, shown
from tests.templates.drawn import VALUES, groups


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


@given(
    st.integers(-(10**38), 10**38) | st.integers(-(10**8), 10**8),
    st.sampled_from([1, 2, 3, 7, 64, 100, 10**5, MICRO, 10**7]) | st.integers(1, 10**9),
)
def test_a_fraction_is_the_number_that_people_read(numerator: int, denominator: int) -> None:
    answers: list[object] = []
    ways: tuple[Callable[[], object], ...] = (
        lambda: plain(rounded(numerator, denominator)),
        lambda: plain(shown_fraction(numerator, denominator)),
    )
    for made in ways:
        try:
            answers.append(repr(made()))
        except RenderFailed as failure:
            answers.append(failure.cause)
    assert answers[0] == answers[1]


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(-(10**31), 10**31, places=6))
def test_a_decimal_is_rounded_whatever_its_places(number: Decimal) -> None:
    try:
        found = plain_number(number)
    except RenderFailed:
        assert abs(number) >= 10**30
        return
    assert found == number.quantize(Decimal("0.000001"), context=Context(prec=500))
    assert type(found) is (int if found == int(found) else Decimal)


@given(st.sampled_from([dict, Nulls]), groups(VALUES))
def test_fields_are_what_converting_them_one_by_one_gives(kind: type, fields: dict[str, object]) -> None:
    answers: list[object] = []
    ways: tuple[Callable[[], object], ...] = (
        lambda: plain_fields(fields, lenient=kind is Nulls),
        lambda: plain(kind(fields)),
    )
    for made in ways:
        try:
            answers.append(exact(made()))
        except RenderFailed as failure:
            answers.append(failure.cause)
    assert repr(answers[0]) == repr(answers[1])


def test_a_group_of_too_many_fields_is_refused_before_its_values_are_read() -> None:
    fields = dict.fromkeys(map(str, range(MAX_VALUES + 1)), 10**30)
    ways: tuple[Callable[[dict[str, int]], object], ...] = (plain_fields, plain)
    for made in ways:
        with pytest.raises(RenderFailed, match="a template may be given 1,000,000 values"):
            made(fields)
