"""How far a damaged database that cannot be opened can be read: what an operator needs to know before a restore.

The question is asked of a copy made of links, in which damaged journals are cut where the damage begins; the database
itself is not touched.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rocksdict import AccessType, DBRecoveryMode, Options, Rdict

from engine.adapters.rocksdb_beside import link_files
from engine.adapters.rocksdb_journal import check_journal, journals
from engine.adapters.rocksdb_numbered import MANY, last_number, readable_until


def readable_of_unopened(database: Path, family: str) -> int:
    """How many entries of a numbered family can be read from the first one on."""
    readable = 0
    with suppress(OSError), tempfile.TemporaryDirectory(prefix="strand-damage-") as scratch:
        copy = Path(scratch)
        _copy(database, copy)
        with _read_only(copy) as opened:
            if opened is not None:
                readable = _readable(opened, family)
    return readable


def _copy(database: Path, copy: Path) -> None:
    link_files(database, copy)
    for path in journals(database):
        fault = check_journal(path)
        if fault is not None:
            (copy / path.name).unlink()
            with path.open("rb") as whole, (copy / path.name).open("wb") as cut:
                shutil.copyfileobj(whole, cut)
                cut.truncate(fault.byte)


@contextmanager
def _read_only(copy: Path) -> Iterator[Rdict | None]:
    def options() -> Options:
        lenient = Options(raw_mode=True)
        lenient.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
        lenient.set_paranoid_checks(False)  # opens although a table file is damaged; reading finds which keys are
        return lenient

    opened: Rdict | None = None
    try:
        families = {name: options() for name in Rdict.list_cf(str(copy), options())}
        opened = Rdict(str(copy), options(), column_families=families, access_type=AccessType.read_only(False))
    except Exception as error:
        if type(error) is not Exception:  # rocksdict raises nothing narrower when there is nothing to be read
            raise
    try:
        yield opened
    finally:
        if opened is not None:
            opened.close()


def _readable(opened: Rdict, family: str) -> int:
    entries = opened.get_column_family(family)
    try:
        return readable_until(entries, last_number(entries) + 1)
    except Exception as error:
        if type(error) is not Exception:  # the cursor met the damage: count on without knowing the end
            raise
        return readable_until(entries, MANY)
    finally:
        entries.close()
