"""The index of a number names every entity that a change can affect, and few others."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.expressions.runtime import NEVER
from projections.thresholds import Entry, affected, affected_age, integer_cuts, next_cut

OPS: dict[str, Any] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
OP = st.sampled_from(sorted(OPS))
CUT = st.fractions(-4, 4, max_denominator=3)
VALUE = st.none() | st.integers(-6, 6)
COMPARISONS = st.lists(st.tuples(OP, CUT), min_size=1, max_size=6)


@pytest.mark.parametrize("op", sorted(OPS))
@pytest.mark.parametrize("cut", [Fraction(3), Fraction(5, 2), Fraction(-5, 2), Fraction(0)])
def test_cuts_are_where_a_comparison_of_integers_turns(op: str, cut: Fraction) -> None:
    turns = {x for x in range(-9, 10) if OPS[op](x - 1, cut) != OPS[op](x, cut)}
    assert turns <= set(integer_cuts(op, cut))


def holds(op: str, value: int | Fraction | None, cut: Fraction) -> bool:
    return value is not None and bool(OPS[op](value, cut))


@given(COMPARISONS, VALUE, VALUE)
def test_whatever_a_change_turns_is_affected(comparisons: list[tuple[str, Fraction]], a: Any, b: Any) -> None:
    entry = Entry(comparisons=[(entity, op, cut) for entity, (op, cut) in enumerate(comparisons)])
    turned = {e for e, op, cut in entry.comparisons if holds(op, a, cut) != holds(op, b, cut)}
    assert turned <= set(affected(entry.thresholds(Fraction(1)), a, b))
    assert turned <= set(affected_age(entry.thresholds(Fraction(1)), _since(a), _since(b), 100))


def _since(age: int | None) -> int | None:
    return None if age is None else 100 - age


@given(COMPARISONS, st.none() | CUT, st.none() | CUT)
def test_fractions_are_asked_for_by_floor_plus_ceiling(comparisons: Any, a: Any, b: Any) -> None:
    """Values with thirds against whole cuts: on a cut and right beside it are two places."""
    whole = [(entity, op, Fraction(cut.__floor__())) for entity, (op, cut) in enumerate(comparisons)]
    keys = [None if x is None else x.__floor__() + x.__ceil__() for x in (a, b)]
    turned = {e for e, op, cut in whole if holds(op, a, cut) != holds(op, b, cut)}
    assert turned <= set(affected(Entry(comparisons=whole).thresholds(Fraction(2)), *keys))
    assert keys[0] != keys[1] or not turned  # where the key stays, nobody is asked


def test_null_is_a_change_of_its_own() -> None:
    index = Entry(
        nullness={7}, comparisons=[(1, ">", Fraction(3)), (2, "<", Fraction(3)), (3, "!=", Fraction(3))]
    ).thresholds(Fraction(1))
    assert sorted(affected(index, None, 5)) == [1, 3, 7]
    assert sorted(affected(index, 1, None)) == [2, 3, 7]
    assert list(affected(index, None, None)) == []
    assert list(affected(index, 1, 2)) == []


def test_no_number_is_beyond_the_index() -> None:
    index = Entry(comparisons=[(1, "!=", Fraction(3)), (2, "<", Fraction(3))]).thresholds(Fraction(1))
    for size in (1, 10**21, 10**90):
        assert sorted(affected(index, None, -size)) == [1, 2]
        assert sorted(affected(index, 7 + size, None)) == [1]


def constantly(instant: int) -> Any:
    def next_change(state: Any, t: int) -> int:
        return instant

    return next_change


def test_the_next_cut_is_that_of_somebody_who_may_change() -> None:
    index = Entry(comparisons=[(e, ">=", Fraction(10 * (e + 1))) for e in range(20)]).thresholds(Fraction(1))
    never = [constantly(NEVER)] * 20
    assert next_cut(index, [None] * 20, None, 100, 115) == 120
    assert next_cut(index, [None] * 20, None, 100, 300) == NEVER
    only_the_fourth: list[Any] = [*never[:3], constantly(140), *never[4:]]
    assert next_cut(index, only_the_fourth, None, 100, 100) == 140
    # After a walk past some who cannot, the next instant is taken, early as it may be.
    assert 100 < next_cut(index, list(never), None, 100, 100) <= 300
