"""Workers that a trial starts, ends, freezes and kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.kill_points import VARIABLE

SESSION_MS = 6_000
STOP_S = 30.0


@dataclass
class Slot:
    """One worker's place: its folder stays over restarts unless it is wiped."""

    folder: Path
    number: int
    bootstrap: str
    prefix: str
    static: bool = False
    planted: str | None = None
    process: subprocess.Popen[str] | None = None
    frozen: bool = False
    said: dict[str, Any] = field(default_factory=dict)
    deaths: int = 0
    listener: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs, frozen or not."""
        return self.process is not None and self.process.poll() is None

    def start(self, *, wipe: bool = False, kill_at: str = "") -> None:
        """Start it, with what its folder holds or with nothing."""
        assert not self.alive
        if wipe:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        spec = {
            "bootstrap": self.bootstrap,
            "prefix": self.prefix,
            "folder": str(self.folder),
            "name": f"w{self.number}",
            "instance": f"w{self.number}" if self.static else None,
            "session_ms": SESSION_MS,
            "planted": self.planted,
        }
        with self.folder.with_suffix(".log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos_kafka.worker", json.dumps(spec)],
                env={**os.environ, VARIABLE: kill_at},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.frozen = False
        self.said = {}
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if process is self.process and line.startswith("{"):
                    self.said = json.loads(line)

    def done(self) -> dict[int, int]:
        """Partition -> the offset before which all is done, of the lanes it has."""
        return {int(partition): offset for partition, offset in self.said.get("done", {}).items()}

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.deaths += 1
        self.signal(signal.SIGKILL)
        self._wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.signal(signal.SIGTERM)
        return self._wait()

    def freeze(self) -> None:
        """SIGSTOP: it will not know how long it was away."""
        self.frozen = True
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        self.signal(signal.SIGCONT)

    def _wait(self) -> int:
        assert self.process is not None
        assert self.listener is not None
        code = self.process.wait(STOP_S)
        self.listener.join(STOP_S)
        return code

    def last_words(self) -> str:
        """The end of its log."""
        path = self.folder.with_suffix(".log")
        return path.read_text()[-3000:] if path.exists() else ""
