"""Files that outlive a power cut, and small ones that are replaced whole: the old content or the new, never a mix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from engine.storage_errors import os_error

SYNCED_AT_ONCE = 8
"""Eight threads took 115 us a file where one took 260 (2,000 files of 6 kB, ext4), and more took no less."""


def replace_durably(path: Path, content: bytes, *, before_rename: Callable[[], None] = lambda: None) -> None:
    """Replace a file by content that is on the disk, name included, when this returns; raises StorageFailed."""
    temporary = path.with_name(path.name + ".new")
    with refused(path):
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        before_rename()
        temporary.replace(path)
        sync_folder(path.parent)


def sync_files(paths: Sequence[Path]) -> None:
    """Return once what these files hold is on the disk; many are synced side by side, which shares the disk's work."""
    if len(paths) < SYNCED_AT_ONCE:
        for path in paths:
            _sync(path, os.O_RDONLY)
        return
    with ThreadPoolExecutor(SYNCED_AT_ONCE) as threads:
        list(threads.map(_sync, paths, [os.O_RDONLY] * len(paths)))


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def refused(place: Path) -> Iterator[None]:
    """Turns an OSError of the body into the StorageFailed that says what to do."""
    try:
        yield
    except OSError as error:
        raise os_error(place, error) from error
