"""What processes say to each other at a workspace's socket.

A frame is 4 bytes of length, big-endian, and the MessagePack array `[version, message]`. A connection asks one thing at
a time and waits for the answer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.runtimes.embedded.answers import Answer
from events.errors import CalledWrongly, OperatorError

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 8 << 20
MAX_GROUP_LINES = 1_000
MAX_GROUP_BYTES = 4 << 20
HEADER_BYTES = 4
_MAX_PATH_BYTES = 100


class Publish(msgspec.Struct, tag="publish", array_like=True):
    """Take these events, one a line."""

    lines: list[bytes]
    catch_up: bool


class Apply(msgspec.Struct, tag="apply", array_like=True):
    """Activate this rulebook."""

    packed: bytes
    at_ms: int | None


class Backup(msgspec.Struct, tag="backup", array_like=True):
    """Copy facts/ to this new folder."""

    folder: str


class Answers(msgspec.Struct, tag="answers", array_like=True):
    """The answers to some events; fewer than asked if the next one must be asked about by itself."""

    answers: list[Answer]


class Applied(msgspec.Struct, tag="applied", array_like=True):
    """The rulebook is activated in every partition, durably."""

    id: str
    at_ms: int


class Done(msgspec.Struct, tag="done", array_like=True):
    """It is done."""


class Failed(msgspec.Struct, tag="failed", array_like=True):
    """It could not be done; `action` is what a person must do, '' where the asker called wrongly."""

    message: str
    action: str

    def error(self) -> CalledWrongly | OperatorError:
        """The error that the owner met, for the asker to raise."""
        return OperatorError(self.message, self.action) if self.action else CalledWrongly(self.message)


Request = Publish | Apply | Backup
Reply = Answers | Applied | Done | Failed


class Garbled(ValueError):
    """Bytes that are no frame of this version."""


_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(tuple[int, Request])
_replies = msgspec.msgpack.Decoder(tuple[int, Reply])
_versions = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])


def frame(message: Request | Reply) -> bytes:
    """A message as it travels."""
    body = _encode((PROTOCOL_VERSION, message))
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def frame_bytes(header: bytes | bytearray) -> int:
    """How long the body is that follows a header; raises Garbled for one that is too long."""
    size = int.from_bytes(header[:HEADER_BYTES], "big")
    if size > MAX_FRAME_BYTES:
        raise Garbled(f"a frame has at most {MAX_FRAME_BYTES} bytes; this one says {size}")
    return size


def read_request(body: bytes) -> Request:
    """What a frame's body asks; raises Garbled."""
    _check_version(body)
    try:
        return _requests.decode(body)[1]
    except ValueError as error:
        raise Garbled(f"a request cannot be read: {error}") from None


def read_reply(body: bytes) -> Reply:
    """What a frame's body answers; raises Garbled."""
    _check_version(body)
    try:
        return _replies.decode(body)[1]
    except ValueError as error:
        raise Garbled(f"a reply cannot be read: {error}") from None


def _check_version(body: bytes) -> None:
    try:
        version = _versions.decode(body)[0]
    except ValueError as error:
        raise Garbled(f"a frame cannot be read: {error}") from None
    if version != PROTOCOL_VERSION:
        raise Garbled(f"a frame of version {version}; this release of Strand speaks version {PROTOCOL_VERSION}")


@contextmanager
def address(path: Path) -> Iterator[str]:
    """The socket's path, by a detour where it is longer than the system allows."""
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def receive(connection: socket.socket, size: int) -> bytes:
    """Exactly so many bytes; raises ConnectionError at the end of the stream."""
    parts: list[bytes] = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise ConnectionResetError("the other side ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
