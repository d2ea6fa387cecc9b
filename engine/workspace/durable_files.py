"""Small files that are replaced whole: after a power cut there is the old content or the new, never a mix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.storage_errors import os_error


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


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
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
