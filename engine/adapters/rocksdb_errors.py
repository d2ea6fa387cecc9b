"""What RocksDB says, as errors that tell an operator what to do.

rocksdict raises bare `Exception` with RocksDB's own text; the words in it are all there is to tell a damaged file from
a full disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rocksdict import DbClosedError

from engine.storage_errors import DENIED, FAILING, FULL, READ_ONLY, os_error
from events.errors import DerivedDamaged, OperatorError, StorageFailed, WorkspaceBusy

LINKS = "strand-follow-"
"""How the folder begins that a follower opens in the place of a database."""

_LINKS = re.compile(rf"[^\s:]*/{LINKS}[^/\s:]*")
_FILE = re.compile(r"[^\s:]*?([^\s:/]+\.(?:sst|log)|MANIFEST-\d+|CURRENT)\b")
# RocksDB adds this to whatever keeps it from opening the table files that its manifest lists.
_GUESS = re.compile(r"The file \S+ may be corrupted")
_DAMAGE = re.compile(r"Corruption|checksum|No such file or directory|missing|bad magic|Bad table", re.IGNORECASE)
_BUSY = re.compile(r"LOCK: (?:Resource temporarily unavailable|No locks available)")
_FULL = re.compile(r"No space left|Disk quota exceeded|File too large|NoSpace", re.IGNORECASE)
_READ_ONLY = re.compile(r"Read-only file system")
_DENIED = re.compile(r"Permission denied|Operation not permitted")


def named_file(text: str) -> str:
    """The file that RocksDB's text names as the damaged one, or ''."""
    found = _FILE.search(_GUESS.sub("", text))
    return found.group(1) if found else ""


def is_damage(text: str) -> bool:
    """Whether RocksDB's text speaks of bytes that are not what was written."""
    return bool(_DAMAGE.search(text)) and not any(each.search(text) for each in (_FULL, _READ_ONLY, _DENIED))


def storage_error(place: Path, text: str) -> OperatorError:
    """The error for RocksDB's or the system's text about the files at `place`, damage apart."""
    if _BUSY.search(text):
        return WorkspaceBusy(f"{place} is open in another process", "stop that process, or wait until it ends")
    if _FULL.search(text):
        return StorageFailed(f"{place} cannot be written: the disk is full ({text})", FULL)
    if _READ_ONLY.search(text):
        return StorageFailed(f"{place} cannot be written: it is read-only ({text})", READ_ONLY)
    if _DENIED.search(text):
        return StorageFailed(f"{place} cannot be read or written: this user may not ({text})", DENIED)
    return StorageFailed(f"{place} cannot be read or written: {text}", FAILING)


def derived_damage(place: Path, text: str) -> DerivedDamaged:
    """The error for a derived store that cannot be read."""
    return DerivedDamaged(
        f"{place} is damaged: {text}",
        "run `strand rebuild`; facts/ are unharmed and everything derived is folded from them again",
    )


@contextmanager
def translated(place: Path, damaged: Callable[[str], OperatorError]) -> Iterator[None]:
    """Turns what rocksdict raises in the body into an OperatorError; `damaged` makes the one for damage."""
    try:
        yield
    except OSError as error:
        raise os_error(place, error) from error
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, DbClosedError):  # a fault of our own
            raise
        text = _LINKS.sub(str(place), str(error))
        raise (damaged(text) if is_damage(text) else storage_error(place, text)) from error
