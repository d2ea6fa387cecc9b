"""The owner's ear: other processes hand events, activations and backups over at a Unix socket in the workspace.

One thread serves all connections. What arrives while an fsync goes on is appended together by the next one.
"""

from __future__ import annotations

import selectors
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self, cast

from engine.runtimes.embedded import frames
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.embedded.bell import Bell
from engine.runtimes.embedded.frames import Answers, Applied, Apply, Backup, Done, Failed, Garbled, Publish, Reply
from engine.runtimes.embedded.intake import Intake
from engine.workspace.durable_files import refused
from events.errors import CalledWrongly, OperatorError, RulebookInvalid, StorageFailed

BACKLOG = 64
SEND_TIMEOUT_S = 5.0
READ_BYTES = 1 << 20


@dataclass(slots=True, eq=False)
class Connection:
    """One asker: what of its next frame has arrived."""

    socket: socket.socket
    arrived: bytearray = field(default_factory=bytearray)


class Server:
    """Serves from `with` to its end; `bell` is rung for the engine after each append."""

    def __init__(self, path: Path, intake: Intake, bell: Bell, *, catch_up: bool = False) -> None:
        self.path = path
        self.intake = intake
        self.catch_up = catch_up
        self._bell = bell
        self._closing = Bell()
        self._failure: Exception | None = None
        self._connections: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._thread = Thread(target=self._serve, name="strand-socket", daemon=True)
        with refused(path), frames.address(path) as place:
            path.unlink(missing_ok=True)  # a dead owner's: we hold the lock
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(place)
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)
            self._listener.listen(BACKLOG)

    def check(self) -> None:
        """Raise what ended the serving, if something did."""
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._closing, selectors.EVENT_READ, self._closing)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.ring()
        self._thread.join()
        self.path.unlink(missing_ok=True)
        self._listener.close()
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.close()
        self._closing.close()

    # ------------------------------------------------------------ the thread
    def _serve(self) -> None:
        try:
            while self._answer_next():
                pass
        except Exception as error:  # noqa: BLE001 -- a thread's outermost frame: the engine raises it in `check`
            self._failure = error
            self._bell.ring()

    def _answer_next(self) -> bool:
        """Wait for something and answer all that has come whole; False once closing."""
        asked: list[tuple[Connection, frames.Request]] = []
        for key, _ in self._selector.select():
            if key.data is self._closing:
                return False
            if key.data is None:
                self._accept()
            else:
                connection = cast("Connection", key.data)
                asked += [(connection, request) for request in self._read(connection)]
        self._publish([(who, what) for who, what in asked if isinstance(what, Publish)])
        for who, what in asked:
            if not isinstance(what, Publish):
                self._reply(who, self._attempt(what))
        if asked:
            self._bell.ring()
        return True

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        accepted.settimeout(SEND_TIMEOUT_S)
        connection = Connection(accepted)
        self._connections.add(connection)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _read(self, connection: Connection) -> list[frames.Request]:
        """What of a connection's requests is whole now; one that speaks no sense is told so and dropped."""
        requests: list[frames.Request] = []
        arrived = connection.arrived
        try:
            part = connection.socket.recv(READ_BYTES)
            arrived += part
            while len(arrived) >= frames.HEADER_BYTES:
                end = frames.HEADER_BYTES + frames.frame_bytes(arrived)
                if len(arrived) < end:
                    break
                requests.append(frames.read_request(bytes(arrived[frames.HEADER_BYTES : end])))
                del arrived[:end]
        except OSError:
            part = b""
        except Garbled as error:
            self._reply(connection, Failed(str(error), "run the same release of Strand on both sides"))
            part = b""
        if not part:
            self._drop(connection)
        return requests

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()

    def _reply(self, connection: Connection, reply: Reply) -> None:
        if connection not in self._connections:
            return
        try:
            connection.socket.sendall(frames.frame(reply))
        except OSError:  # it went away, or does not listen: what was appended stays
            self._drop(connection)

    # ------------------------------------------------------------ what is asked
    def _publish(self, asked: list[tuple[Connection, Publish]]) -> None:
        """Append the events of all askers together; each hears about its own."""
        if not asked:
            return
        lines = [line for _, publish in asked for line in publish.lines]
        catch_up = self.catch_up or all(publish.catch_up for _, publish in asked)
        try:
            answers = self.intake.publish(lines, catch_up=catch_up)
        except (OperatorError, CalledWrongly):
            answers = []
        for who, publish in asked:
            mine, answers = answers[: len(publish.lines)], answers[len(publish.lines) :]
            self._reply(who, Answers(mine) if mine or not publish.lines else self._attempt(publish))

    def _attempt(self, request: frames.Request) -> Reply:
        """Do what one asks; what could not be done is the reply."""
        try:
            return self._do(request)
        except OperatorError as error:
            if isinstance(error, StorageFailed) and not isinstance(request, Backup):  # a backup's disk is another one
                self._failure = error
            return Failed(error.message, error.action)
        except (CalledWrongly, RulebookInvalid) as error:
            return Failed(str(error), "")

    def _do(self, request: frames.Request) -> Reply:
        match request:
            case Publish(lines, catch_up):
                answers: list[Answer] = self.intake.publish(lines, catch_up=catch_up or self.catch_up)
                return Answers(answers)
            case Apply(packed, at_ms):
                activation = self.intake.activate(self.intake.rulebooks.load(packed), at_ms, live=True)
                return Applied(activation.id, activation.at_ms)
            case Backup(folder):
                self.intake.copy_to(Path(folder))
                return Done()
