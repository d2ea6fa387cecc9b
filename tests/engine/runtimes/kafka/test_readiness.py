"""Brokers answer and cannot acknowledge, since too few are left: a worker's appends wait, and that is no illness."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.cluster import Cluster, running
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.applying import apply_rulebook
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, Connection
from tests.brokers import need_a_broker
from tests.engine.runtimes.kafka.clusters import make_topics
from tests.engine.runtimes.kafka.test_outage import publish
from tests.engine.runtimes.kafka.test_pages import get, now_ms, until
from tests.engine.runtimes.kafka.test_topics import alter
from tests.engine.runtimes.kafka.workers import free_port
from tests.engine.runtimes.shop import ROOT, event, make_shop

pytestmark = pytest.mark.slow

STALLED_S = 4.0
WORKER = f"""
from engine.runtimes.kafka import hearing, readiness
hearing.SILENT_S, readiness.STALLED_S = 2.0, {STALLED_S}
from engine.cli.main import main
main()
"""


def leader_of(connection: Connection) -> int:
    """The broker that leads the one partition of the log."""
    (topic,) = administer(connection, lambda admin: admin.describe_topics([connection.topic(INTERACTIONS)]))
    return int(topic["partitions"][0]["leader_id"])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two brokers, each of which has all that is acknowledged."""
    need_a_broker()
    with running(tmp_path / "cluster", nodes=2) as cluster:
        yield cluster


def test_a_worker_whose_appends_wait_for_brokers_is_unready_and_well(cluster: Cluster, tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", after="3s")
    (shop / "strand.toml").write_text(
        f'log = "kafka://{cluster.bootstrap}"\npartitions = 1\n[kafka]\nreplication = 2\n'
    )
    connection = make_topics(cluster.bootstrap, "", 1, replication=2)
    for topic in (INTERACTIONS, DECISIONS):
        alter(connection, topic, min_insync_replicas="2")
    asyncio.run(apply_rulebook(connection, load_rulebook(shop / "rulebook")))
    port = free_port()
    command = [sys.executable, "-c", WORKER, "worker", "--web", f"127.0.0.1:{port}", "-w", str(shop)]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, stderr=said)
    try:
        until(port, "/readyz", 200, "")
        profile = event("p", "c0", now_ms(), "profile_updated", email="c0@mail.example")
        publish(connection, profile, event("o1", "c0", now_ms()))
        until(port, "/metrics", 200, 'decision="schedule"')
        leader = leader_of(connection)
        (other,) = (node for node in cluster.nodes if node.id != leader)
        other.kill()
        until(port, "/readyz", 503, "an append is not acknowledged")  # of a tick, three seconds after the order
        over = time.monotonic() + 2 * STALLED_S
        while time.monotonic() < over:
            assert get(port, "/healthz")[0] == 200
            time.sleep(0.2)
        other.start()
        until(port, "/metrics", 200, 'decision="send"')
        until(port, "/readyz", 200, "")
    finally:
        process.kill()
        process.wait()
