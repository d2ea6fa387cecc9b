"""Sixty trials of kills and power cuts in each CI run; `python -m tests.chaos --minutes N` runs others and adds up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.trial import Trials, quick_folder

TRIALS = 60
CHUNK = 4


@pytest.fixture(scope="module")
def trials() -> Iterator[Trials]:
    with quick_folder() as folder:
        yield Trials(Path(folder))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, TRIALS, CHUNK))
def test_nothing_is_lost_doubled_or_reordered(first: int, trials: Trials) -> None:
    for number in range(first, first + CHUNK):
        try:
            ran = trials.trial(number)
        except AssertionError as error:
            pytest.fail(f"trial {number}: repeat with python -m tests.chaos --trial {number}: {error}")
        assert ran.points[0], "its point was reached with work left"
