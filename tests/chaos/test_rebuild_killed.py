"""A swap that is killed midway leaves the old generations or the new ones, never a mix, and the same state."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.driver import Orders
from tests.chaos.inspecting import summary
from tests.chaos.rebuilding import fold_again
from tests.chaos.trial import CHILD_SECONDS, Life, Trials, child, look, quick_folder, run_driver

SEED = 1


@pytest.fixture(scope="module")
def done() -> Iterator[Path]:
    """A workspace in which everything is done."""
    with quick_folder() as folder:
        made = Trials(Path(folder)).workspace(SEED, "done")
        assert run_driver(Life(), Orders(seed=SEED, folder=str(made))) == 0
        yield made


def live(folder: Path) -> set[str]:
    """The names of the generations that are current."""
    return set(json.loads((folder / "derived" / "CURRENT").read_text())["generations"].values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "swapped"), [("before-swap", False), ("mid-swap", False), ("after-swap", True), (None, True)]
)
def test_a_swap_is_whole_or_not_at_all(point: str | None, swapped: bool, done: Path) -> None:
    folder = Path(shutil.copytree(done, done.with_name(f"swap-{point}")))
    before, right = live(folder), summary(look(folder, SEED, 0, True))
    said: list[bytes] = []
    code = child(fold_again, str(folder), point, heard=said.append, kill_after_s=CHILD_SECONDS)
    assert code == (0 if point is None else -signal.SIGKILL)
    after = live(folder)
    assert after.isdisjoint(before) if swapped else after == before
    assert summary(look(folder, SEED, 0, True)) == right
