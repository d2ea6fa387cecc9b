"""Numbers against exact arithmetic."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.errors import NumberOutOfRange, Reason
from events.numbers import LIMIT, MICRO, half_even, quantise, shown, shown_text

WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


def by_decimal(text: str) -> int:
    return int(WIDE.scaleb(WIDE.quantize(Decimal(text), Decimal("0.000001")), 6))


@given(st.floats(min_value=-1e15, max_value=1e15, exclude_min=True, exclude_max=True))
@example(0.0000005)
@example(0.0000015)
@example(1.0000005)
@example(2.5e-7)
@example(1125899906.8426235)
@example(1125899906.8426245)
@example(999999999999999.9)
@example(5e-324)
@example(-0.0)
@example(8589934.5925005)
def test_a_float_is_its_shortest_text(number: float) -> None:
    assert quantise(number) == by_decimal(repr(number))


@given(st.integers(-(10**16), 10**16), st.integers(0, 9))
def test_a_float_with_few_places_is_what_was_written(units: int, places: int) -> None:
    number = float(Decimal(units).scaleb(-places, WIDE))
    if abs(number) < LIMIT:
        assert quantise(number) == by_decimal(repr(number))


@given(st.integers(min_value=-LIMIT + 1, max_value=LIMIT - 1))
def test_an_int_is_scaled(number: int) -> None:
    assert quantise(number) == number * MICRO


@given(st.decimals(min_value=-LIMIT + 1, max_value=LIMIT - 1, allow_nan=False, allow_infinity=False))
@example(Decimal("0E+30"))
@example(Decimal("1E-999999"))
@example(Decimal("0.1234565"))
@example(Decimal("999999999999999." + "9" * 60))
def test_a_decimal_is_rounded_half_even(number: Decimal) -> None:
    assert quantise(number) == by_decimal(str(number))


@pytest.mark.parametrize(
    "number",
    [
        LIMIT,
        -LIMIT,
        1e15,
        -1e15,
        1e300,
        10**400,
        pytest.param(10**5000, id="5,000 digits"),
        math.nan,
        math.inf,
        -math.inf,
        Decimal("1e15"),
        Decimal("-1e15"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("9e999999"),
    ],
)
def test_what_does_not_fit_is_refused(number: int | float | Decimal) -> None:
    with pytest.raises(NumberOutOfRange) as caught:
        quantise(number)
    assert caught.value.reason is Reason.RANGE
    assert "10^15" in caught.value.detail


@pytest.mark.parametrize("value", [True, False, "1", None, [1]])
def test_what_is_no_number_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        quantise(value)  # type: ignore[arg-type]  # that is what is tested


@given(st.integers(), st.integers().filter(bool))
@example(5, 2)
@example(-5, 2)
@example(7, -2)
def test_half_even_is_that_of_fractions(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.integers(), st.integers().filter(bool))
@example(1, 3)
@example(-1, 8_000_000)
@example(-1, 3_000_000)
@example(10**5000, 1)
def test_what_is_shown_is_the_fraction_at_six_places(numerator: int, denominator: int) -> None:
    value = shown(numerator, denominator)
    assert Fraction(value) == Fraction(round(Fraction(numerator * MICRO, denominator)), MICRO)
    assert isinstance(value, int) == (Fraction(value).denominator == 1)
    text = shown_text(numerator, denominator)
    assert Fraction(Decimal(text)) == Fraction(value)
    assert "E" not in text
    assert "." not in text or not text.endswith("0")


@given(st.integers(-(10**21), 10**21))
def test_millionths_are_the_default(micro: int) -> None:
    assert Fraction(shown(micro)) == Fraction(micro, MICRO)
    assert Fraction(Decimal(shown_text(micro))) == Fraction(micro, MICRO)


def test_some_that_a_person_can_check() -> None:
    assert quantise(12.99) == 12_990_000
    assert quantise(0.1 + 0.2) == 300_000
    assert shown_text(quantise(12.5)) == "12.5"
    assert shown_text(1, 3) == "0.333333"
    assert shown_text(-2, 3) == "-0.666667"
    assert shown(quantise(3)) == 3
    assert shown_text(-1, 10_000_000) == "0"
