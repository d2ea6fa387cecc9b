"""Workers in processes of their own that serve their pages, on a shop whose log is on Kafka."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.kill_points import VARIABLE
from engine.runtimes.kafka.asking import Workers
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.verifying import records_in
from events.errors import OperatorError
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import write_settings
from tests.engine.runtimes.shop import CHILD, ROOT, make_shop, wait_for, write_lines
from tests.engine.runtimes.shop import history as shop_history

SERVE = """
import asyncio, sys
from pathlib import Path
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.serving import serve
_, connection = connect(Path(sys.argv[1]))
asyncio.run(serve(connection, Path(sys.argv[2]), name=sys.argv[3], live=False, web_port=int(sys.argv[3])))
"""


def make_shop_on(
    bootstrap: str, prefix: str, folder: Path, *, partitions: int = 4, live_from: str = "2025-01-02"
) -> Path:
    """The shop with its history on Kafka, and time up to its end; nothing is decided yet."""
    shop = make_shop(folder, partitions=partitions)
    write_settings(shop, bootstrap, prefix, partitions=partitions)
    assert strand("topics", "create", "-w", shop).code == 0
    lines = write_lines(folder.parent / f"{prefix}history.jsonl", shop_history())
    assert strand("import", lines, "--live-from", live_from, "-w", shop).code == 0
    assert strand("tick", "-w", shop).code == 0
    return shop


@contextmanager
def serving(shop: Path, count: int = 1, *, kill_at: str | None = None, patience_s: float = 90.0) -> Iterator[list[str]]:
    """The URLs of workers, once every record is processed; each keeps its folder below the shop for the next time.

    One that dies at `kill_at` is not missed.
    """
    environment = {**os.environ, **({VARIABLE: kill_at} if kill_at else {})}
    _, connection = connect(shop)
    with ExitStack() as stack:
        urls = []
        for number in range(count):
            port = free_port()
            command = [sys.executable, "-c", CHILD + SERVE, str(shop), str(shop / f"w{number}"), str(port)]
            process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment)
            stack.callback(_end, process, -signal.SIGKILL if kill_at else 0)
            urls.append(f"http://127.0.0.1:{port}")
        wait_for(lambda: all_done(Workers(urls), connection, count), patience_s)
        yield urls


def all_done(workers: Workers, connection: Connection, count: int) -> bool:
    """Whether all partitions are open, shared by all of the workers, and processed."""
    try:
        opened = workers.by_partition()
        if len({url for urls in opened.values() for url in urls}) != count:
            return False
        states = [workers.state(partition) for partition in opened]
    except OperatorError:
        return False
    applied = [state.applied for state in states if state is not None]
    return sum(applied) + len(applied) == records_in(connection, range(4))


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[str], code: int) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
