"""One broker: a Java process with a folder of its own, which may be killed, stopped, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.kafka.jars import ARCHIVE, HERE, class_path
from events.errors import OperatorError

JAVA_OPTIONS = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""Enough for development; `-XX:TieredStopAtLevel=1` starts quicker and peaks lower."""

STOP_S = 30.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Ports:
    """A node's ports: for clients, for its fellow nodes, for the quorum of controllers."""

    client: int
    internal: int
    controller: int


class Node:
    """A broker and controller in `folder`; `start` returns at once, the cluster waits until it answers.

    Attributes: `id`, `folder`, `ports`, `log` (the file with what it said).
    """

    def __init__(self, id: int, folder: Path, ports: Ports, *, java_options: tuple[str, ...] = JAVA_OPTIONS) -> None:
        self.id = id
        self.folder = folder
        self.ports = ports
        self.log = folder / "node.log"
        self._java_options = java_options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def properties(self) -> Path:
        """Its configuration."""
        return self.folder / "server.properties"

    @property
    def pid(self) -> int | None:
        """Its process, also one that another Python process started; None where it does not run."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        try:
            pid = int((self.folder / "pid").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        asked = ("ps", "-ww", "-o", "command=", "-p", str(pid))  # another program may have got that number since
        shown = subprocess.run(asked, check=False, capture_output=True, text=True)
        return pid if str(self.properties) in shown.stdout else None

    def write(self, properties: Mapping[str, str]) -> None:
        """Write its configuration and, the first time, prepare its folder for the cluster named there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{key}={value}\n" for key, value in properties.items() if key != "cluster.id"]
        self.properties.write_text("".join(lines), encoding="utf-8")
        if not (self.folder / "data" / "meta.properties").exists():
            self._run("kafka.tools.StorageTool", "format", "-t", properties["cluster.id"], "-c", str(self.properties))

    def start(self, *, outlives: bool = False) -> None:
        """Start the process; it ends with this one unless it `outlives` it."""
        if self.pid is not None:
            raise OperatorError(f"node {self.id} runs already, as process {self.pid}", "stop it first")
        command = self._java("kafka.Kafka", str(self.properties))
        if outlives:
            self._process, pid = None, started_for_nobody(command, self.log)
        else:
            with self.log.open("ab") as log:
                command = [*_dies_with_parent(), *command]
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            pid = self._process.pid
        (self.folder / "pid").write_text(str(pid), encoding="utf-8")

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Stop it cleanly: it hands its partitions over and closes its files; killed if that takes too long."""
        self._signal(signal.SIGTERM)
        if not self._ended(timeout_s):
            self.kill()

    def kill(self) -> None:
        """SIGKILL: it has no time to do anything."""
        self._signal(signal.SIGKILL)
        self._ended(STOP_S)

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Lose its disk."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def last_words(self, size: int = 2000) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-size:] if self.log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def _ended(self, timeout_s: float) -> bool:
        return waited(lambda: self.pid is None, timeout_s)

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        archive = [f"-XX:SharedArchiveFile={ARCHIVE}"] if ARCHIVE.exists() else []
        return ["java", *archive, *self._java_options, logging, "-cp", class_path(), main, *arguments]

    def _run(self, main: str, *arguments: str) -> None:
        done = subprocess.run(self._java(main, *arguments), check=False, capture_output=True, text=True)
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise OperatorError(f"{main} failed for node {self.id}:\n{said}", f"look at {self.properties}")


def waited(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether a condition came true in time."""
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True


def _dies_with_parent() -> tuple[str, ...]:
    """What makes Linux kill the process when this one dies, however; by its thread, so for the main one only."""
    main_thread = threading.current_thread() is threading.main_thread()
    tool = shutil.which("setpriv")
    return (tool, "--pdeathsig", "KILL") if main_thread and tool is not None else ()


def started_for_nobody(command: list[str], log: Path) -> int:
    """Start a process that is nobody's child, and return its id; what it says is added to the log."""
    start = ("sh", "-c", 'log=$1; shift; "$@" < /dev/null >> "$log" 2>&1 & echo $!', "sh", str(log), *command)
    told = subprocess.run(start, check=True, stdout=subprocess.PIPE, start_new_session=True)
    return int(told.stdout)
