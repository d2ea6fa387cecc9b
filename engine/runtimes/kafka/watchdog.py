"""Ends a process whose event loop hangs: its group has given its partitions to others, and nobody would start it again;
and one that was told to end and does not.

What it was at is written to standard error first. Nothing is lost: state that was not written is folded again.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HUNG_S = 60.0
ENDING_S = 25.0
"""For a worker that was told to end; what stops services waits for 30 s or longer. Patience with brokers takes up to 16
of them (`worker.PATIENCE_S`, then `ending.PATIENCE_S` for the group's reader and for the clients)."""

EXIT_CODE = 70

log = logging.getLogger(__name__)


@contextmanager
def watched(loop: asyncio.AbstractEventLoop, hung_s: float = HUNG_S) -> Iterator[None]:
    """While the body runs, end the process if the loop does nothing for so long."""
    over = threading.Event()
    beat = [time.monotonic()]

    def note() -> None:
        beat[0] = time.monotonic()

    def watch() -> None:
        last = time.monotonic()
        while not over.wait(hung_s / 10):
            now = time.monotonic()
            if now - last > hung_s / 2:
                note()  # the whole process was stopped, not the loop
            last = now
            if now - beat[0] > hung_s:
                faulthandler.dump_traceback()
                os._exit(EXIT_CODE)
            loop.call_soon_threadsafe(note)

    threading.Thread(target=watch, name="strand-watchdog", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def end_within(seconds: float = ENDING_S) -> None:
    """End the process if it is still there after so long; nothing takes that back."""

    def end() -> None:
        time.sleep(seconds)
        log.error("it was told to end %.0f s ago and has not: it is ended as if it were killed, at this", seconds)
        faulthandler.dump_traceback()
        os._exit(EXIT_CODE)

    threading.Thread(target=end, name="strand-ending", daemon=True).start()
