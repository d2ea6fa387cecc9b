"""Keeps Python's collector of cycles out of the way: of a short command, and of the hot path."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLD = 1_000_000
"""Objects that are made and not freed before young ones are looked through: more than what waits for a flush."""

LOADING = 100_000
"""The same while a command loads what it needs, some hundred thousand objects that stay."""


def unhurried_collector() -> None:
    """From now on cycles are looked for rarely in this process, and not when it ends: worth a third of a short
    command's time."""
    if gc.get_threshold()[0] < LOADING:
        gc.set_threshold(LOADING, 20, 100)
        atexit.register(gc.freeze)


@contextmanager
def calm_collector() -> Iterator[None]:
    """In the body, what exists already is never looked through again, and the rest rarely: worth 10 %.

    Within another one it does nothing.
    """
    before = gc.get_threshold()
    if before[0] == THRESHOLD:
        yield
        return
    gc.freeze()
    gc.set_threshold(THRESHOLD, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
