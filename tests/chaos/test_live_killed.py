"""A live engine that is killed while publishers hand events over; `make chaos` runs more of these."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.live import trial
from tests.chaos.trial import quick_folder

TRIALS = 4


@pytest.mark.slow
@pytest.mark.parametrize("number", range(TRIALS))
def test_what_was_handed_over_is_neither_lost_nor_doubled(number: int) -> None:
    with quick_folder() as folder:
        assert trial(number, Path(folder)).points
