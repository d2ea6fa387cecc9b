"""What commands say where a folder does not have what they need: it is mostly another folder that was meant."""

from __future__ import annotations

from pathlib import Path

from engine.workspace.settings import FILE
from events.errors import CalledWrongly

ANOTHER = "name another workspace with --workspace"


def no_workspace(folder: Path) -> CalledWrongly:
    """The folder is none."""
    return CalledWrongly(f"{folder} is no workspace: it has no {FILE}", f"make one with `strand init`, or {ANOTHER}")


def no_events(folder: Path) -> CalledWrongly:
    """The workspace's log is empty."""
    return CalledWrongly(
        f"{folder} has no events yet", f"bring some in with `strand import` or `strand publish`, or {ANOTHER}"
    )
