"""Lines of a pipe as they come: together what is there already, at once what comes alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.runtimes.embedded.frames import MAX_GROUP_LINES
from events.admission import MAX_EVENT_BYTES

READ_BYTES = 1 << 18


def arriving(handle: int) -> Iterator[list[bytes]]:
    """Groups of whole lines from a file descriptor, without line ends and empty lines.

    Of a line that is too long for an event the beginning is given, long enough to be refused for it.
    """
    rest = b""
    while part := os.read(handle, READ_BYTES):
        *lines, rest = (rest + part).split(b"\n")
        rest = rest[: MAX_EVENT_BYTES + 1]
        yield from _groups(lines)
    yield from _groups([rest])


def _groups(lines: list[bytes]) -> Iterator[list[bytes]]:
    whole = [line.rstrip(b"\r")[: MAX_EVENT_BYTES + 1] for line in lines]
    whole = [line for line in whole if line and not line.isspace()]
    for start in range(0, len(whole), MAX_GROUP_LINES):
        yield whole[start : start + MAX_GROUP_LINES]
