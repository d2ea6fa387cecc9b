"""Where the benchmarks of Kafka run: a broker of their own, a shop's events in its topics, programs that take them.

Each program runs in a process of its own and says how far it is, a line of JSON at a time:
{"t": seconds of a clock that all processes share, "done": {partition: records}}.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import Any, Self

from engine.bench.stand import groups
from engine.bench.workload import START_MS
from engine.rulebook.rulebook import unpack
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.producing import Outgoing
from events.codec import head_of
from events.errors import OperatorError
from events.partitioning import partition_of

PARTITIONS = 4
CHUNK = 20_000
SILENT_S = 120.0
END_S = 60.0
POLL_S = 0.02


@contextmanager
def broker() -> Iterator[str]:
    """host:port of a broker that is started for the run, or of the one that KAFKA_BOOTSTRAP names."""
    elsewhere = os.environ.get("KAFKA_BOOTSTRAP")
    if elsewhere:
        yield elsewhere
        return
    try:
        from deploy.kafka.cluster import running
    except ModuleNotFoundError as error:
        action = "run it in a checkout, or set KAFKA_BOOTSTRAP to host:port of a broker"
        raise OperatorError("what starts a broker is not installed with the package", action) from error
    with TemporaryDirectory() as folder, running(Path(folder)) as cluster:
        yield cluster.bootstrap


def new_topics(
    bootstrap: str, packed: bytes, *, at_ms: int = START_MS, partitions: int = PARTITIONS
) -> Connection:  # fmt: skip
    """Topics that nothing else uses, with a rulebook active in them."""
    import asyncio

    from engine.runtimes.kafka.applying import apply_rulebook
    from engine.runtimes.kafka.topics import create_topics

    connection = Connection(bootstrap=bootstrap, prefix=f"bench-{uuid.uuid4().hex[:8]}.")
    create_topics(connection, partitions=partitions, replication=1)
    asyncio.run(apply_rulebook(connection, unpack(packed), at_ms))
    return connection


def publish(connection: Connection, records: Iterator[bytes]) -> None:
    """Append records to the log as a publisher would: keyed, placed and timed."""
    from engine.runtimes.kafka.appending import Appender

    topic = connection.topic(INTERACTIONS)
    with Appender(connection, (topic,)) as appender:
        for chunk in groups(records, CHUNK):
            parts: dict[int, list[Outgoing]] = {}
            for record in chunk:
                partition, outgoing = placed(record)
                parts.setdefault(partition, []).append(outgoing)
            appender.append(topic, parts)


def placed(record: bytes) -> tuple[int, Outgoing]:
    """The partition of a record, and how it is appended there."""
    head = head_of(record)
    outgoing = Outgoing(head.customer_id.encode(), record, head.appended_at_ms)
    return partition_of(head.customer_id, PARTITIONS), outgoing


class Program:
    """A program that takes records, from its start on; ended at the end of the `with`.

    `samples` has (seconds, partition -> done) in the order it said them.
    """

    def __init__(self, command: Sequence[str], *, folder: Path) -> None:
        self._command, self._folder = command, folder
        self.samples: list[tuple[float, Mapping[str, int]]] = []
        self.said: deque[str] = deque(maxlen=40)
        self._process: subprocess.Popen[str] | None = None
        self._listeners: list[Thread] = []

    def start(self) -> None:
        """Start it; once more after `stop`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        process = self._process = subprocess.Popen(
            self._command, cwd=Path.cwd(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        streams = (process.stdout, process.stderr)
        self._listeners = [Thread(target=self._listen, args=(stream,), daemon=True) for stream in streams]
        for listener in self._listeners:
            listener.start()

    def _listen(self, stream: Any) -> None:
        with stream:
            for line in stream:
                if line.startswith('{"t"'):
                    said = json.loads(line)
                    self.samples.append((said["t"], said["done"]))
                else:
                    self.said.append(line)

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Have it end, and return when it has."""
        assert self._process is not None
        if self.running:
            self._process.send_signal(number)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listened()

    def _listened(self) -> None:
        """Return when all is read that it said."""
        for listener in self._listeners:
            listener.join(END_S)

    def ended_early(self) -> OperatorError:
        """What to say when it is gone, or says nothing any more."""
        if not self.running:
            self._listened()
        words = "".join(self.said)[-3000:]
        return OperatorError(f"{' '.join(self._command[:4])} does not go on:\n{words}", "see what it says above")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGKILL if kind else signal.SIGTERM)


def progress(programs: Sequence[Program]) -> list[tuple[float, int]]:
    """(seconds, records that all together have done), as it grew; a partition that moves keeps its furthest place."""
    furthest: dict[str, int] = {}
    grown = []
    for at, done in sorted((sample for each in programs for sample in each.samples), key=lambda sample: sample[0]):
        for partition, count in done.items():
            furthest[partition] = max(furthest.get(partition, 0), count)
        grown.append((at, sum(furthest.values())))
    return grown


def wait_until(programs: Sequence[Program], done: int) -> list[tuple[float, int]]:
    """`progress`, once so many records are done; raises OperatorError if a program ends, or none goes on."""
    best, since = -1, time.monotonic()
    while True:
        grown = progress(programs)
        if grown and grown[-1][1] >= done:
            return grown
        if grown and grown[-1][1] > best:
            best, since = grown[-1][1], time.monotonic()
        stuck = [each for each in programs if not each.running]
        if stuck or time.monotonic() - since > SILENT_S:
            raise (stuck or list(programs))[0].ended_early()
        time.sleep(POLL_S)


def rate(grown: Sequence[tuple[float, int]], start: int, stop: int) -> float:
    """Records a second between two counts; where both were said at once, since what was said before."""
    end = _reached(grown, stop)
    (began, before), (ended, after) = grown[max(min(_reached(grown, start), end - 1), 0)], grown[end]
    return (after - before) / max(ended - began, POLL_S)


def _reached(grown: Sequence[tuple[float, int]], count: int) -> int:
    return next(place for place, sample in enumerate(grown) if sample[1] >= count)
