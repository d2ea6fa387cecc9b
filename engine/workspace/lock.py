"""The workspace's lock: one process owns it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.workspace.durable_files import refused
from events.errors import WorkspaceBusy

FILE = "lock"


class OwnerLock:
    """Held from here to `release` or to the end of the process, however it ends; raises WorkspaceBusy.

    The file stays, with the owner's process id in it for people to read: removing it would let two own the workspace.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        with refused(path):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(folder, self._handle) from None
        with refused(path):
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let another process own the workspace."""
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        os.close(self._handle)


def _busy(folder: Path, handle: int) -> WorkspaceBusy:
    written = os.pread(handle, 32, 0).strip()
    os.close(handle)
    owner = written.decode() if written.isdigit() else ""
    return WorkspaceBusy(
        f"the workspace {folder} is owned by process {owner or 'unknown'}",
        f"stop that process (kill {owner})" if owner else "stop the process that owns it",
    )
