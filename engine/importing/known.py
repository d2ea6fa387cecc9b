"""Files that were imported before are known by their bytes, without being read as events again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.importing.report import ImportReport
from engine.ports import Log
from events.errors import CalledWrongly

META = "imported-files/"


class _Done(msgspec.Struct):
    identity: str
    events: int
    first_ms: int | None
    last_ms: int | None


_decode = msgspec.msgpack.Decoder(_Done).decode


class Known:
    """What a partition's log says of some files."""

    def __init__(self, log: Log, files: str) -> None:
        self._log = log
        self._key = META + files

    def report(self, began: float) -> ImportReport | None:
        """The report of files that were wholly imported, None for others; `began` is by the performance counter."""
        written = self._log.meta(self._key)
        if written is None:
            return None
        done = _decode(written)
        return ImportReport(
            identity=done.identity,
            events=done.events,
            imported=0,
            refused=0,
            already_imported=True,
            first_ms=done.first_ms,
            last_ms=done.last_ms,
            activation=None,
            seconds=round(time.perf_counter() - began, 3),
        )

    def remember(self, report: ImportReport) -> None:
        """Note that files were imported; what was refused may be taken another time, so such files are read again."""
        if report.refused == 0 and self._log.meta(self._key) is None:
            done = _Done(report.identity, report.events, report.first_ms, report.last_ms)
            self._log.append([], {self._key: msgspec.msgpack.encode(done)})


def files_hash(files: Sequence[Path], mapping: Path | None) -> str:
    """A hash of the files' bytes, in their order, and of the mapping's; raises CalledWrongly for one not there."""
    digest = hashlib.sha256()
    for path in [*files, *([mapping] if mapping is not None else [])]:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest() + path.suffix.encode() + b"\n")
        except FileNotFoundError:
            raise CalledWrongly(f"there is no file {path}") from None
        except OSError as error:
            raise CalledWrongly(f"{path} cannot be read: {error.strerror}") from None
    return digest.hexdigest()
