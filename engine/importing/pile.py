"""Many byte strings in a temporary file, by number: what does not fit in memory while it is sorted."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.workspace.durable_files import refused

BUFFER_BYTES = 4 << 20


class Pile:
    """Append first, then `get`; the file has no name and goes with the process. Raises StorageFailed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ends = array("q", [0])
        with refused(folder):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=BUFFER_BYTES)  # noqa: SIM115 -- closed in `close`
        self._view: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, value: bytes) -> None:
        """Put one on top."""
        with refused(self.folder):
            self._file.write(value)
        self._ends.append(self._ends[-1] + len(value))

    def get(self, number: int) -> bytes:
        """The one with this number, from 0; after the first `get` nothing may be appended."""
        if self._view is None:
            with refused(self.folder):
                self._file.flush()
                self._view = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._view[self._ends[number] : self._ends[number + 1]]

    def close(self) -> None:
        """Give the file up."""
        if self._view is not None:
            self._view.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
