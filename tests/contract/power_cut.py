"""What a power cut does to files that a killed process leaves: the end of the newest write-ahead file is gone.

A process says with `sizes` how long its write-ahead files are once something is acknowledged; after it is dead `cut`
shortens the newest one to a random length past that.
"""

from __future__ import annotations

import random
from pathlib import Path


def sizes(database: Path) -> dict[str, int]:
    """File name -> bytes of the write-ahead files of one database, now."""
    found = {}
    for path in database.glob("*.log"):
        try:
            found[path.name] = path.stat().st_size
        except FileNotFoundError:  # RocksDB deletes files that it needs no more
            continue
    return found


def cut(database: Path, acknowledged: dict[str, int], rng: random.Random) -> int:
    """Cut the newest write-ahead file of a dead process's database; returns how many bytes are gone.

    `acknowledged`: what `sizes` said when the last acknowledgement was given; {} for a database that promises nothing.
    """
    newest = max(database.glob("*.log"), key=lambda path: int(path.stem), default=None)
    if newest is None:
        return 0
    size = newest.stat().st_size
    kept = rng.randint(min(acknowledged.get(newest.name, 0), size), size)
    with newest.open("r+b") as file:
        file.truncate(kept)
    return size - kept
