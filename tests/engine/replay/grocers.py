"""The grocer's history in workspaces of a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import msgpack

from engine.importing.importer import import_files
from engine.outputs import kept
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.report import RunReport
from engine.workspace.workspace import Workspace
from examples.grocery.history import events
from examples.grocery.tables import load
from tests.tidy.tree import ROOT
from triggers.decisions import Output

LIVE_FROM = "2017-02-01"
RULEBOOK = ROOT / "examples/grocery/rulebook"


def history(households: int | None) -> list[dict[str, Any]]:
    """The events of so many households, in order."""
    return list(events(load(households)))


def make(folder: Path, *, partitions: int = 2) -> Path:
    """A workspace with the grocer's rulebook."""
    folder.mkdir(parents=True)
    (folder / "strand.toml").write_text(f"partitions = {partitions}\n", encoding="utf-8")
    shutil.copytree(RULEBOOK, folder / "rulebook")
    return folder


def bring(folder: Path, found: Iterable[dict[str, Any]], *, live_from: str | None = None) -> None:
    """Import events into a workspace."""
    file = folder / "input.msgpack"
    with file.open("wb") as out:
        source = iter(found)
        while chunk := list(islice(source, 10_000)):
            out.write(b"".join(msgpack.packb(event) for event in chunk))
    import_files(folder, [file], live_from=live_from)
    file.unlink()


def run(folder: Path, *, batch: int = 2_000) -> RunReport:
    """Process everything."""
    with EmbeddedEngine(Workspace.open(folder, owner=True), batch=batch) as engine:
        return engine.run_until_idle()


def hashes(report: RunReport) -> tuple[str, str]:
    """What must be equal."""
    return report.state_hash, report.decisions_hash


def streams(folder: Path) -> list[list[bytes]]:
    """Every partition's decision stream, byte for byte."""
    with Workspace.open(folder, owner=False) as workspace:
        return [list(facts.decisions.read()) for facts in workspace.facts]


def beyond(after: list[list[bytes]], before: list[list[bytes]]) -> list[Output]:
    """What the streams hold beyond an earlier copy of themselves, which must be unchanged."""
    found: list[Output] = []
    for new, old in zip(after, before, strict=True):
        assert new[: len(old)] == old
        found += [output for output in kept(new[len(old) :]) if output.decisions]
    return found
