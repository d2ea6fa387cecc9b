"""The grocer's year, start to finish: convert, import, run until idle, report. `make run` calls it.

    python -m examples.grocery

The workspace is examples/grocery/workspace. What is done already is not done again: the file of events is there until
the import has taken all of it, and the engine goes on from where it was.
"""

from __future__ import annotations

import hashlib
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
COPIED = "rulebook-as-copied"
"""A file with the hash of the rulebook that was copied into the workspace last: one that has another was edited."""
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
    """Make the workspace's folder, with the rulebook as it is now, unless the one there was edited."""
    workspace.mkdir(parents=True, exist_ok=True)
    settings = workspace / "strand.toml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    copy, copied = workspace / "rulebook", workspace / COPIED
    if copy.exists():
        known = copied.read_text(encoding="utf-8") if copied.exists() else contents_hash(HERE / "rulebook")
        if contents_hash(copy) != known:
            sys.stderr.write(f"{copy} was edited and stays as it is; remove it to have the example's own again\n")
            return
    fresh = workspace / "rulebook.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(HERE / "rulebook", fresh)
    shutil.rmtree(copy, ignore_errors=True)
    fresh.rename(copy)
    copied.write_text(contents_hash(copy), encoding="utf-8")


def contents_hash(folder: Path) -> str:
    """A hash of the names and bytes of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name, data = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        digest.update(b"%d %d %b%b" % (len(name), len(data), name, data))
    return digest.hexdigest()


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
