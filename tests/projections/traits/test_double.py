"""Weights as doubles: exact where they can be, bounded where a product of large numbers passes a double."""

from __future__ import annotations

import pytest

from projections.traits.windows import LARGEST_WEIGHT, double


@pytest.mark.parametrize(
    ("numerator", "denominator", "weight"),
    [
        (1_500_000, 1_000_000, 1.5),
        (-1, 3, -1 / 3),
        (10**400, 1, LARGEST_WEIGHT),
        (-(10**400), 1, -LARGEST_WEIGHT),
        (10**305, 1, LARGEST_WEIGHT),
        (10**700, 10**699, 10.0),
    ],
)
def test_a_weight_is_the_nearest_double_within_bounds(numerator: int, denominator: int, weight: float) -> None:
    assert double(numerator, denominator) == weight
