"""What the system refuses, as errors that tell an operator what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from events.errors import OperatorError, StorageFailed

FULL = "free some space on the disk, then start again; everything acknowledged is kept"
READ_ONLY = "make the folder writable for this user, then start again; everything acknowledged is kept"
DENIED = "let this user read and write it, then start again; everything acknowledged is kept"
FAILING = "check the disk and its file system, then start again; everything acknowledged is kept"

NO_FOLDER = "name a folder, or a place where one can be made"


def os_error(place: Path, error: OSError) -> OperatorError:
    """The error for a file operation at `place` that the system refused."""
    text = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StorageFailed(f"{place} cannot be written: the disk is full ({text})", FULL)
    if error.errno == errno.EROFS:
        return StorageFailed(f"{place} cannot be written: it is read-only ({text})", READ_ONLY)
    if isinstance(error, PermissionError):
        return StorageFailed(f"{place} cannot be read or written: this user may not ({text})", DENIED)
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return StorageFailed(f"{place} must be a folder, and it or one above it is a file ({text})", NO_FOLDER)
    return StorageFailed(f"{place} cannot be read or written: {text}", FAILING)
