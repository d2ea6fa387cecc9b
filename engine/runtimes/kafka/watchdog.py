"""Ends a process whose event loop hangs: its group has given its partitions to others, and nobody would start it again.

What it was at is written to standard error first. Nothing is lost: state that was not written is folded again.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HUNG_S = 60.0
EXIT_CODE = 70


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
