"""The engine against the evaluator, over 300 generated histories of 60 events and every seed that once failed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evaluator.coverage import CASES
from tests.evaluator.generate import generate
from tests.evaluator.judge import judge
from tests.simulation.agreement.comparison import disagreements
from tests.simulation.agreement.engine_side import run_engine
from tests.simulation.agreement.soak import kept_seeds, soak

CHUNK = 30
SOAK_MINUTES = 10.0


def failures(seeds: list[int], **run: Any) -> list[str]:
    """What the seeds that disagree have to say, with the command that repeats each."""
    told = []
    for seed in seeds:
        case = generate(seed)
        found = disagreements(judge(case), run_engine(case, **run))
        if found:
            again = f"python -m tests.simulation.agreement.shrink {seed}"
            told.append("\n  ".join([f"seed {seed}: repeat with {again}", *found]))
    return told


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_the_engine_does_what_the_evaluator_says(first: int) -> None:
    told = failures(list(range(first, first + CHUNK)))
    assert not told, "\n\n".join(told)


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    [
        {"partitions": 4},
        {"partitions": 7, "batch": 5},
        {"batch": 1},
        {"plain": True},
        {"batch": 3, "restarts": 1},
        {"batch": 1, "restarts": 2},
    ],
    ids=str,
)
def test_partitions_batches_restarts_and_the_plain_compiler_make_no_difference(run: dict[str, Any]) -> None:
    told = failures(list(range(10)), **run)
    assert not told, "\n\n".join(told)


@pytest.mark.soak
def test_random_histories_agree() -> None:
    assert soak(SOAK_MINUTES) == 0


def test_a_seed_that_once_failed_fails_no_more() -> None:
    told = failures(kept_seeds())
    assert not told, "\n\n".join(told)
