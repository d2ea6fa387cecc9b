"""A worker that serves its pages says whether it lives, whether it does its share, and how far it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.applying import apply_rulebook, latest_by_partition
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from tests.engine.runtimes.kafka.clusters import make_topics, write_settings
from tests.engine.runtimes.shop import ROOT, event, line, make_shop

pytestmark = pytest.mark.slow


def get(port: int, page: str) -> tuple[int, str]:
    """Status and text of a page; (0, why) where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError as error:
        return 0, str(error)


def until(port: int, page: str, status: int, words: str) -> str:
    """The page once it has this status and these words."""
    deadline = time.monotonic() + 60
    while True:
        found = get(port, page)
        if found[0] == status and words in found[1]:
            return found[1]
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@contextmanager
def working(shop: Path) -> Iterator[int]:
    """A worker of the workspace while the body runs; gives the port of its pages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "engine.cli", "worker", "--web", f"127.0.0.1:{port}", "-w", str(shop)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as running:
        try:
            yield port
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        said = running.stderr.read()
        assert running.wait(20) == 0, said


def on_kafka(shop: Path, bootstrap: str, prefix: str) -> Connection:
    """The workspace's log on a cluster, in two partitions."""
    write_settings(shop, bootstrap, prefix, partitions=2)
    return make_topics(bootstrap, prefix, 2)


def test_the_pages_of_a_worker(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop(tmp_path / "shop")
    connection = on_kafka(shop, bootstrap, prefix)
    with working(shop) as port:
        assert json.loads(until(port, "/healthz", 200, "")) == {"healthy": True, "why": []}
        until(port, "/readyz", 503, "partition 1 has no rulebook")
        asyncio.run(apply_rulebook(connection, load_rulebook(shop / "rulebook")))
        asyncio.run(publish(connection, event("o1", "c0", now_ms())))
        assert json.loads(until(port, "/readyz", 200, "")) == {"ready": True, "why": []}
        figures = until(port, "/metrics", 200, 'decision="schedule"')
    for sample in (
        'strand_open{partition="0"} 1.0',
        'strand_lag_records{partition="1"} 0.0',
        'strand_dead_letters_total{partition="1"}',
        'strand_next_due_seconds{partition="0"}',
        'strand_batch_seconds_bucket{le="0.1"}',
        "strand_rebalances_total 1.0",
        "strand_openings_total 2.0",
    ):
        assert sample in figures
    total = sum(float(row.split()[-1]) for row in figures.splitlines() if row.startswith("strand_events_total"))
    assert total == 1


def test_the_owner_appends_a_tick_when_something_is_due(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop(tmp_path / "shop", after="2s")
    connection = on_kafka(shop, bootstrap, prefix)
    asyncio.run(apply_rulebook(connection, load_rulebook(shop / "rulebook")))
    with working(shop) as port:
        until(port, "/readyz", 200, "")
        asyncio.run(publish(connection, event("p", "c0", now_ms(), "profile_updated", email="c0@mail.example")))
        asyncio.run(publish(connection, event("o1", "c0", now_ms())))
        figures = until(port, "/metrics", 200, 'decision="send"')
    assert 'strand_decisions_total{decision="send",partition="0",reason=""} 1.0' in figures
    assert max(latest_by_partition(connection, 2).values()) <= now_ms()


def now_ms() -> int:
    return int(time.time() * 1000)


async def publish(connection: Connection, happened: dict[str, object]) -> None:
    clients = Clients(connection)
    await clients.start()
    await clients.append(connection.topic(INTERACTIONS), 0, line(happened), key=b"c0")
    await clients.stop()
