"""Asks the process that owns a workspace, at its socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.rulebook.rulebook import Rulebook
from engine.runtimes.embedded import frames
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.embedded.frames import Answers, Applied, Apply, Backup, Done, Failed, Garbled, Publish, Reply
from engine.self_closing import SelfClosing
from engine.workspace.workspace import SOCKET, Workspace
from events.codec import Activation
from events.errors import OperatorError, WorkspaceBusy

_AGAIN = "start `strand run` again, then publish what was not answered again: events that arrived twice count once"
PATIENCE_S = 2.0
_BETWEEN_S = 0.02


class NobodyListens(Exception):
    """There is no socket, or nobody at it."""


class OwnerEnded(OperatorError):
    """The owner ended before it answered: what was asked may have been done or not."""


def own_or_reach(folder: Path, *, patience_s: float = PATIENCE_S) -> Workspace | Client:
    """The workspace in a folder as its owner, or a connection to the owner.

    Raises WorkspaceBusy if its owner does not listen for so long: `run` does from its start on, `import` never.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return Workspace.open(folder, owner=True)
        except WorkspaceBusy:
            with suppress(NobodyListens):
                return Client(folder / SOCKET)
            if time.monotonic() >= deadline:
                raise
            time.sleep(_BETWEEN_S)  # an owner that has just begun will listen, one that ends will let go


def reach(folder: Path, *, patience_s: float = PATIENCE_S) -> Client:
    """A connection to the owner of the workspace in a folder; raises OwnerEnded if none listens for so long."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return Client(folder / SOCKET)
        except NobodyListens:
            if time.monotonic() >= deadline:
                raise OwnerEnded(f"nobody runs the workspace {folder} any more", _AGAIN) from None
            time.sleep(_BETWEEN_S)


class Client(SelfClosing):
    """A connection to a workspace's owner; raises NobodyListens if there is none that listens.

    Each call raises OwnerEnded if the owner ends before it answers, and whatever the owner met.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with frames.address(path) as place:
                self._socket.connect(place)
        except OSError as error:
            self._socket.close()
            raise NobodyListens(str(error)) from None

    def publish(self, lines: Sequence[bytes], *, catch_up: bool = False) -> list[Answer]:
        """Hand events over; the answers are durable. Fewer than lines where the next one must be asked about alone."""
        reply = self._ask(Publish(list(lines), catch_up))
        assert isinstance(reply, Answers)
        return reply.answers

    def activate(self, rulebook: Rulebook, at_ms: int | None) -> Activation:
        """Have a rulebook activated in every partition; durable on return."""
        packed = rulebook.packed()
        reply = self._ask(Apply(packed, at_ms))
        assert isinstance(reply, Applied)
        return Activation(id=reply.id, at_ms=reply.at_ms, hash=rulebook.hash, rulebook=packed)

    def backup(self, folder: Path) -> None:
        """Have facts/ copied to a new folder."""
        reply = self._ask(Backup(str(folder.absolute())))
        assert isinstance(reply, Done)

    def _ask(self, request: frames.Request) -> Reply:
        try:
            self._socket.sendall(frames.frame(request))
            header = frames.receive(self._socket, frames.HEADER_BYTES)
            reply = frames.read_reply(frames.receive(self._socket, frames.frame_bytes(header)))
        except OSError as error:
            raise OwnerEnded(f"the owner of the workspace ended before it answered ({error})", _AGAIN) from None
        except Garbled as error:
            raise OperatorError(str(error), "run the same release of Strand on both sides") from None
        if isinstance(reply, Failed):
            raise reply.error()
        return reply

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
