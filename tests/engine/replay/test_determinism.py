"""The same log gives the same: in two runs, for any number of partitions, any batch, after a rebuild, decided again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.replay.rebuild import rebuild
from engine.replay.verify import verify
from engine.workspace.workspace import Workspace
from tests.engine.replay.grocers import LIVE_FROM, bring, hashes, history, make, run

pytestmark = pytest.mark.slow

WAYS = [(1, 1_000), (4, 1_000), (7, 1_000), (4, 1)]


def check(tmp_path: Path, found: list[dict[str, Any]], ways: list[tuple[int, int]]) -> None:
    seen: dict[tuple[int, int], tuple[str, str]] = {}
    for partitions, batch in ways:
        shop = make(tmp_path / f"{partitions} by {batch}", partitions=partitions)
        bring(shop, found, live_from=LIVE_FROM)
        seen[partitions, batch] = hashes(run(shop, batch=batch))
        with Workspace.open(shop, owner=True) as workspace:
            rebuilt = rebuild(workspace, jobs=1)
        assert (rebuilt.equal, rebuilt.compared, rebuilt.swapped) == (True, True, True)
        verified = verify(shop, partitions, 1, redecide=batch > 1)
        assert (verified.different, verified.decided_differently) == (0, 0)
        assert (verified.summary()["state_hash"], verified.summary()["decisions_hash"]) == seen[partitions, batch]
    assert len(set(seen.values())) == 1, seen


def test_on_some_households(tmp_path: Path) -> None:
    check(tmp_path, history(12), WAYS)


@pytest.mark.soak
def test_on_200_households(tmp_path: Path) -> None:
    check(tmp_path, history(200), WAYS)


@pytest.mark.soak
def test_on_all_households(tmp_path: Path) -> None:
    check(tmp_path, history(None), [(1, 1_000), (4, 1_000), (7, 1_000)])
