"""What a driven process says while it runs: which kill points it reaches, and what is on the disk by then."""

from __future__ import annotations

import json
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine import kill_points
from tests.contract.power_cut import sizes

DURABLE_AT = frozenset({"before-log-append", "after-log-fsync", "before-decisions", "after-decisions", "after-swap"})
"""Points at which everything written to facts/ is on the disk."""


class Watched(str):
    """The armed point's name; comparing it with the one that is reached tells the harness."""

    __slots__ = ("__dict__",)

    reached: Callable[[object], None]

    def __ne__(self, other: object) -> bool:
        self.reached(other)
        return str.__ne__(self, other)

    __eq__ = str.__eq__
    __hash__ = str.__hash__


class Watch:
    """Reports to the harness through a pipe; what it sent arrives even if the process dies right after."""

    def __init__(self, pipe: Connection, folder: Path, target: str | None) -> None:
        self.pipe, self.folder = pipe, folder
        self.counts: dict[str, int] = {}
        kill_points.arm(target)
        name = Watched(kill_points._Target.name or "")
        name.reached = self.reached
        kill_points._Target.name = name

    def say(self, **what: Any) -> None:
        self.pipe.send_bytes(json.dumps(what).encode())

    def reached(self, name: object) -> None:
        self.counts[str(name)] = self.counts.get(str(name), 0) + 1
        if name in DURABLE_AT:
            self.say(durable=self.durable(derived=name == "after-swap"))

    def durable(self, *, derived: bool) -> dict[str, dict[str, int]]:
        """By database, how long its write-ahead files are."""
        found = {str(path): sizes(path) for path in databases(self.folder, "facts")}
        if derived:
            found |= {str(path): sizes(path) for path in databases(self.folder, "derived")}
        return found


def databases(folder: Path, kind: str) -> list[Path]:
    """The databases of facts/ or derived/."""
    return sorted({path.parent for path in (folder / kind).rglob("*.log")})
