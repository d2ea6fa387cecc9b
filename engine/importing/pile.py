"""Many byte strings in a temporary file, by number: what does not fit in memory while it is sorted."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path

from engine.workspace.durable_files import refused

BUFFER_BYTES = 4 << 20


class Pile:
    """Append first, then `get`; the file has no name and goes with the process. Raises StorageFailed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ends = array("q", [0])
        self._flushed = 0
        with refused(folder):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=BUFFER_BYTES)  # noqa: SIM115 -- closed in `close`

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, value: bytes) -> None:
        """Put one on top."""
        with refused(self.folder):
            self._file.write(value)
        self._ends.append(self._ends[-1] + len(value))

    def get(self, number: int) -> bytes:
        """The one with this number, from 0."""
        start, end = self._ends[number], self._ends[number + 1]
        with refused(self.folder):
            if end > self._flushed:
                self._file.flush()
                self._flushed = self._ends[-1]
            return os.pread(self._file.fileno(), end - start, start)

    def close(self) -> None:
        """Give the file up."""
        self._file.close()
