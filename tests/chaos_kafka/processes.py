"""Workers that a trial starts, ends, freezes and kills.

They are forked from a process that has loaded everything: a start costs what it costs a worker, without a second of
imports.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from engine.runtimes.kafka.administration import ACTION
from tests.chaos_kafka.reporting import Settled
from tests.chaos_kafka.worker import Spec, work

SESSION_MS = 3_000
SESSIONS = {"group.min.session.timeout.ms": str(SESSION_MS)}
"""What a broker needs for sessions that are half as long as workers have them: a trial waits for many to end."""

STOP_S = 60.0

forking = multiprocessing.get_context("forkserver")
forking.set_forkserver_preload(["tests.chaos_kafka.worker", "tests.chaos_kafka.reporting"])


@dataclass
class Slot:
    """One worker's place: its folder stays over restarts unless it is wiped.

    `build` and `kill_at` are of the last start; `points` counts the places at which it died by itself, `deaths` all.
    """

    folder: Path
    number: int
    bootstrap: str
    prefix: str
    static: bool = False
    planted: str | None = None
    fine: bool = False
    depot: Path | None = None
    web_port: int | None = None
    settled: Settled = field(default_factory=dict)
    build: int = 0
    kill_at: str = ""
    points: Counter[str] = field(default_factory=Counter)
    process: ForkServerProcess | None = None
    said: dict[int, tuple[int, int]] = field(default_factory=dict)
    deaths: int = 0
    starts: int = 0
    may_end: frozenset[int] = frozenset()
    listener: threading.Thread | None = None
    _killed: bool = False

    @property
    def alive(self) -> bool:
        """Whether it runs, frozen or not."""
        return self.process is not None and self.process.is_alive()

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder.with_suffix(".log")

    def start(self, *, wipe: bool = False, kill_at: str = "", build: int = 0, most_bytes: int = 0) -> None:
        """Start it, with what its folder holds or with nothing; raises AssertionError if it ended by itself before."""
        assert not self.alive
        self._count_end()
        self.starts += 1
        if wipe:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"w{self.number}"
        spec = Spec(
            bootstrap=self.bootstrap,
            prefix=self.prefix,
            folder=str(self.folder),
            log=str(self.log),
            name=name,
            instance=name if self.static else None,
            session_ms=SESSION_MS,
            kill_at=kill_at,
            planted=self.planted,
            build=build,
            fine=self.fine,
            depot=None if self.depot is None else str(self.depot),
            web_port=self.web_port,
            most_bytes=most_bytes,
        )
        hear, tell = forking.Pipe(duplex=False)
        self.build, self.kill_at, self._killed = build, kill_at, False
        self.may_end = frozenset({0, -signal.SIGKILL, -signal.SIGTERM, *([1] if most_bytes else [])})
        self.process = forking.Process(target=work, args=(spec, tell), daemon=True)
        self.process.start()
        tell.close()
        self.said = {}
        self.listener = threading.Thread(target=self._listen, args=(self.process, hear), daemon=True)
        self.listener.start()

    def _count_end(self) -> None:
        code = None if self.process is None else self.process.exitcode
        may = code is None or code in self.may_end or (code == 1 and self.met_no_broker())
        assert may, f"w{self.number} ended with {code}: {self.last_words()}"
        if code == -signal.SIGKILL and not self._killed:
            self.deaths += 1
            self.points[self.kill_at.partition(":")[0]] += 1

    def met_no_broker(self) -> bool:
        """Whether it ended before it had joined, as it should where no broker answers: it is for others to start it."""
        return not self.said and self.last_words().rstrip().endswith(f"Operator action: {ACTION}")

    def _listen(self, process: ForkServerProcess, hear: Pipe) -> None:
        with hear:
            while True:
                try:
                    said = hear.recv()
                except (EOFError, OSError):
                    return
                for partition, (done, claim) in said.items():
                    key = partition, claim
                    self.settled[key] = max(done, self.settled.get(key, -1))
                if process is self.process:
                    self.said = said

    def done(self) -> dict[int, int]:
        """Partition -> the offset before which all is done, of the lanes it has."""
        return {partition: done for partition, (done, _) in self.said.items()}

    def stands_still(self) -> bool:
        """Whether it was stopped, by its own signal or another's."""
        asked = ("ps", "-o", "state=", "-p", str(self._pid))
        return self.alive and subprocess.run(asked, check=False, capture_output=True).stdout.startswith(b"T")

    @property
    def _pid(self) -> int:
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self.alive:
            os.kill(self._pid, number)

    def kill(self) -> None:
        """kill -9."""
        if self.alive:
            self.deaths += 1
            self._killed = True
        self.signal(signal.SIGKILL)
        self._wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.signal(signal.SIGTERM)
        return self._wait()

    def freeze(self) -> None:
        """SIGSTOP: it will not know how long it was away."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    def _wait(self) -> int:
        assert self.process is not None
        assert self.listener is not None
        self.process.join(STOP_S)
        code = self.process.exitcode
        assert code is not None, f"w{self.number} does not end: {self.last_words()}"
        self.listener.join(STOP_S)
        return code

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-3000:] if self.log.exists() else ""


Busy = Callable[[Slot], bool]
