"""What the generated histories exercise: an empty cell of the table means that the engine is not judged there."""

from __future__ import annotations

import pytest

from tests.evaluator.coverage import COUNTED, count, empty, table


@pytest.mark.slow
def test_no_cell_of_the_coverage_table_is_empty() -> None:
    count(range(COUNTED))
    print(table())
    assert not empty()
