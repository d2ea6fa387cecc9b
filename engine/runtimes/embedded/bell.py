"""Wakes a waiting loop, from another thread or from a signal handler."""

from __future__ import annotations

import select
import socket
from contextlib import suppress


class Bell:
    """`ring` may be called anywhere at any time: it takes no lock."""

    def __init__(self) -> None:
        self._hear, self._pull = socket.socketpair()
        self._hear.setblocking(False)
        self._pull.setblocking(False)
        self._poll = select.poll()  # select.select knows the first 1,024 descriptors only, and stores hold many
        self._poll.register(self._hear, select.POLLIN)

    def ring(self) -> None:
        """Have the next `wait`, or the one going on, return at once."""
        with suppress(OSError):  # it has been rung so often that it will be heard, or nobody waits any more
            self._pull.send(b"!")

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most so long; whether there was one since the last time."""
        if not self._poll.poll(seconds * 1000):
            return False
        self._hear.recv(4096)
        return True

    def fileno(self) -> int:
        """For selectors: readable once rung."""
        return self._hear.fileno()

    def close(self) -> None:
        """Release both ends."""
        self._hear.close()
        self._pull.close()
