"""A process for which the disk is full, or read-only; it prints a JSON line for each acknowledgement and each error.

Run as `python starved.py KIND FOLDER`: `full`, `full-derived`, `full-bulk` limit the size of a file the process may
write to (EFBIG, as a full disk gives ENOSPC) and write until they are refused; `readonly` gives up root's rights and
opens.
"""

from __future__ import annotations

import json
import os
import pickle  # rocksdict loads it when it opens a database, which is too late for a user who may not read it
import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_options import Access
from engine.ports import Flush
from engine.workspace.workspace import Workspace
from events.errors import OperatorError
from tests.engine.adapters.writer import value

NOBODY = 65_534
LOADED = (pickle,)


def say(**what: object) -> None:
    """One line for the test that watches."""
    print(json.dumps(what), flush=True)


def refused(action: Callable[[], object]) -> None:
    """Do something that must be refused, and say how it was."""
    try:
        action()
        say(refused="", by="")
    except OperatorError as error:
        say(refused=type(error).__name__, by=str(error))


def full(folder: Path) -> None:
    """Append until the disk is full."""
    facts = RocksFacts(folder, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    def append() -> None:
        while True:
            end = facts.log.end()
            facts.log.append([value(number) for number in range(end, end + 100)])
            say(end=facts.log.end())

    refused(append)
    refused(lambda: facts.decisions.append(b"after the disk was full"))
    refused(append)
    facts.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    RocksFacts(folder, 0).close()  # a process that lives on can open it again
    say(reopened=True)


def full_derived(folder: Path, *, bulk: bool) -> None:
    """Write flushes until the disk is full."""
    store = RocksDerived(folder, create=True, bulk=bulk)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    def write() -> None:
        for number in range(100):
            first = number * 100 if bulk else 0  # bulk: what is written once more takes no more of a table file
            states = {f"c{customer}": os.urandom(100) + b"%d" % number for customer in range(first, first + 100)}
            store.write(Flush(states=states, meta=b"%d" % number))
            say(flush=number)
        store.flush()

    refused(write)
    store.close() if not bulk else refused(store.close)


def readonly(folder: Path) -> None:
    """Open a workspace that this user may only read."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setuid(NOBODY)
    refused(lambda: Workspace.open(folder, owner=True))
    refused(lambda: RocksFacts(folder / "facts" / "p0", 0))
    facts = RocksFacts(folder / "facts" / "p0", 0, access=Access.FOLLOW)
    say(read=facts.log.end())
    facts.close()


if __name__ == "__main__":
    KINDS: dict[str, Callable[[Path], None]] = {
        "full": full,
        "full-derived": partial(full_derived, bulk=False),
        "full-bulk": partial(full_derived, bulk=True),
        "readonly": readonly,
    }
    KINDS[sys.argv[1]](Path(sys.argv[2]))
