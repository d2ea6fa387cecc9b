"""The process that folds a whole workspace again beside the live generations and swaps them in, or dies of it."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from engine import kill_points
from engine.replay.rebuild import rebuild
from engine.workspace.workspace import Workspace


def fold_again(folder: str, target: str | None, pipe: Connection) -> None:
    """`strand rebuild`, with a kill point armed."""
    kill_points.arm(target)
    with Workspace.open(Path(folder), owner=True) as workspace:
        rebuilt = rebuild(workspace, jobs=1, accept=True)
    assert rebuilt.swapped and rebuilt.equal
    pipe.send_bytes(b"swapped")
