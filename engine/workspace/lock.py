"""The workspace's lock: one process owns it."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from engine.workspace.durable_files import refused
from events.errors import WorkspaceBusy

FILE = "lock"
MOST_BYTES = 200
BESIDE = "`strand publish`, `apply`, `backup` and all that only reads work beside a `strand run`"


class OwnerLock:
    """Held from here to `release` or to the end of the process, however it ends; raises WorkspaceBusy.

    Whoever is refused is told whose `what` is, and what works `beside` its owner. The file stays, with the owner's
    process id and program in it for people to read: removing it would let two own the folder.
    """

    def __init__(self, folder: Path, *, what: str = "workspace", beside: str = BESIDE) -> None:
        path = folder / FILE
        with refused(path):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(f"the {what} {folder}", beside, self._handle) from None
        with refused(path):
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, f"{os.getpid()} {_program()}\n".encode()[:MOST_BYTES], 0)

    def release(self) -> None:
        """Let another process own the workspace."""
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        os.close(self._handle)


def _program() -> str:
    """What people know this process as: `strand run`, or the name of a program that publishes."""
    name = Path(sys.argv[0]).name
    return " ".join([name, *sys.argv[1:2]]) if name == "strand" else name


def _busy(what: str, beside: str, handle: int) -> WorkspaceBusy:
    written = os.pread(handle, MOST_BYTES, 0).decode(errors="replace")
    os.close(handle)
    number, _, program = written.strip().partition(" ")
    owner = f"process {number}" if number.isdecimal() else "a process that has just begun"
    stop = f"stop it (kill {number})" if number.isdecimal() else "stop it"
    return WorkspaceBusy(
        f"{what} is owned by {owner}{f' ({program})' if program else ''}",
        f"wait until that process ends, or {stop}, and start again; {beside}",
    )
