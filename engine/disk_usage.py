"""How much of a disk a folder takes while others write into it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def bytes_in(folder: Path | None) -> int:
    """The size of all files below a folder; a file or folder that goes away meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder) if folder is not None else ():
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total
