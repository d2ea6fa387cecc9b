"""Where tests write: a folder in memory where there is one, since every database that is opened syncs a dozen files.

What a kill leaves is there all the same, and a power cut is played by shortening files (`tests/contract/power_cut.py`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

SHARED = Path("/dev/shm")
ENOUGH_BYTES = 4 << 30
"""Some times what a whole run writes."""


def folder_in_memory() -> Path | None:
    """None where there is no such folder, or not enough room."""
    there = os.access(SHARED, os.W_OK) and shutil.disk_usage(SHARED).free >= ENOUGH_BYTES
    return SHARED if there else None


def write_in_memory() -> None:
    """Have temporary files of this process and of those that it starts written there, unless TMPDIR says where."""
    folder = folder_in_memory()
    if folder is not None and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
