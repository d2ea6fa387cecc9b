"""The grocer's year, start to finish: convert, import, run until idle, report. `make run` calls it.

    python -m examples.grocery

The workspace is examples/grocery/workspace. What is done already is not done again: the file of events is there until
the import has taken all of it, and the engine goes on from where it was.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from examples.grocery.convert import convert
from examples.grocery.report import print_report
from examples.grocery.tables import DataMissing

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE / "workspace"
LIVE_FROM = "2017-02-01"
SETTINGS = """# Made by `make run`.
partitions = 4
"""


class CommandFailed(Exception):
    """A command of the engine did not succeed; it has said why."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def main(workspace: Path = WORKSPACE, households: int | None = None) -> int:
    """Run everything in `workspace` on the first `households` households (all: None); the exit code."""
    began = time.perf_counter()
    try:
        prepare(workspace)
        bring_in(workspace, households)
        ran = json.loads(strand(workspace, "run", "--until-idle", "--json"))
    except DataMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    except CommandFailed as failed:
        return failed.code
    print_report(workspace, ran, seconds=time.perf_counter() - began)
    return 0


def prepare(workspace: Path) -> None:
    """Make the workspace's folder, with the rulebook as it is now."""
    workspace.mkdir(parents=True, exist_ok=True)
    settings = workspace / "strand.toml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    shutil.rmtree(workspace / "rulebook", ignore_errors=True)
    shutil.copytree(HERE / "rulebook", workspace / "rulebook")


def bring_in(workspace: Path, households: int | None) -> None:
    """Convert and import the history, unless that is done."""
    history = workspace / "history.msgpack"
    if (workspace / "facts").exists() and not history.exists():
        return
    if not history.exists():
        convert(history, households, Console(stderr=True))
    strand(workspace, "import", history.name, "--live-from", LIVE_FROM)
    history.unlink()


def strand(workspace: Path, *arguments: str) -> str:
    """What a command of the engine printed; what it says to a person goes straight to the terminal."""
    command: list[Any] = [sys.executable, "-m", "engine.cli", *arguments]
    done = subprocess.run(command, cwd=workspace, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- ours
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise CommandFailed(done.returncode)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
