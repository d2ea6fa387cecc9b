"""Threads that compute one at a time, and the event loop that fetches and sends for them.

Python runs one thread at a time anyway; taking turns for a whole batch keeps caches warm and the loop quick.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


SWITCH_S = 0.0005
"""How long a thread that computes keeps the loop waiting, each time there is something to send or to hear: an append
has some five such waits, of 5 ms each as Python comes."""


@contextmanager
def quick_loop() -> Iterator[None]:
    """In the body, the loop gets its turn soon."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Turn:
    """A lock that goes to who has waited longest; held as a context manager."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()

    def take(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def give(self) -> None:
        """Let the next have it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def pass_on(self) -> None:
        """Let those that wait have theirs before one goes on."""
        if self._waiting:
            self.give()
            self.take()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Let others compute while one waits in the body."""
        self.give()
        try:
            yield
        finally:
            self.take()

    def __enter__(self) -> None:
        self.take()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()


class GivenUp(CancelledError):
    """What a thread waited for did not come, and its worker ends."""


class Bridge:
    """From a thread that has its turn to the loop: `wait` gives the turn up until the coroutine is done."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.turn = Turn()
        self._over = False
        self._awaited: set[Future[Any]] = set()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and return its result or raise its error; raises GivenUp after `give_up`."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        self._awaited.add(future)
        if self._over:
            future.cancel()
        try:
            with self.turn.given_up():
                return future.result()
        except CancelledError:
            raise GivenUp from None
        finally:
            self._awaited.discard(future)

    def give_up(self) -> None:
        """Whoever waits waits no longer, nor does anybody from now on."""
        self._over = True
        for future in self._awaited.copy():
            future.cancel()
