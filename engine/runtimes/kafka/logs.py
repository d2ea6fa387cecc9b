"""Log lines of workers and commands: for people, or one JSON object a line for machines; the clients' in measure."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Literal

from typing_extensions import override

Format = Literal["text", "json"]
EVERY_S = 10.0
"""Of each line that comes again and again one is written in this time."""

TALKATIVE = ("aiokafka", "kafka", *(f"engine.runtimes.kafka.{name}" for name in ("app", "beside", "reader")))
"""Who writes a hundred lines a second while brokers are away, or one a second for hours."""

SLOW_LOOP = "kafka.net.selector"
"""Warns of each of its own tasks that took a tenth of a second, as they do on any busy machine: only errors count."""

_KNOWN = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


class JsonLines(logging.Formatter):
    """Each record as one object: time, level, logger, message, the fields given as `extra`, and the traceback."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _KNOWN)
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class InMeasure(logging.Filter):
    """Lets one line of each message of `TALKATIVE` through in `EVERY_S`; it says how many were left out before it."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock_s = clock_s
        # Of a message: when it was written, and how often left out since.
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if not any(record.name == name or record.name.startswith(name + ".") for name in TALKATIVE):
            return True
        key, now_s = (record.name, str(record.msg)), self._clock_s()
        told_s, left_out = self._told.get(key, (now_s - EVERY_S, 0))
        if now_s - told_s < EVERY_S:
            self._told[key] = told_s, left_out + 1
            return False
        self._told[key] = now_s, 0
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out:,} such lines before)"
            record.args = ()
        return True


def log_to_stderr(kind: Format) -> None:
    """Write what the worker says, and what its clients complain about."""
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    _write(JsonLines() if kind == "json" else text)
    logging.getLogger("engine").setLevel(logging.INFO)


def complaints_to_stderr() -> None:
    """Write what clients complain about, for a command that says by itself what it does."""
    _write(logging.Formatter("%(message)s"))


def _write(lines: logging.Formatter) -> None:
    """Where somebody else has said where log lines go, they go there."""
    logging.getLogger(SLOW_LOOP).setLevel(logging.ERROR)
    ours = [each for each in logging.getLogger().handlers if any(isinstance(one, InMeasure) for one in each.filters)]
    if ours:
        ours[0].setFormatter(lines)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(lines)
    handler.addFilter(InMeasure())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
