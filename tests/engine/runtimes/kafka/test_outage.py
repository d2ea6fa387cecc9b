"""A worker whose brokers are all away says so, ends when it is told to, and what it left is decided once."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.kafka.cluster import Cluster, running
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka import clients
from engine.runtimes.kafka.appending import Appender
from engine.runtimes.kafka.applying import apply_rulebook
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.rivalry import SETTLED_S
from events.errors import OperatorError
from tests.brokers import need_a_broker
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import make_topics
from tests.engine.runtimes.kafka.test_pages import get, now_ms, until
from tests.engine.runtimes.kafka.workers import free_port
from tests.engine.runtimes.shop import ROOT, event, line, make_shop

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A broker of the test's own."""
    need_a_broker()
    with running(tmp_path / "cluster") as cluster:
        yield cluster


@pytest.fixture
def shop(cluster: Cluster, tmp_path: Path) -> Path:
    """A workspace whose log is on that broker, with its rulebook activated."""
    folder = make_shop(tmp_path / "shop", after="3s")
    (folder / "strand.toml").write_text(
        f'log = "kafka://{cluster.bootstrap}"\npartitions = 2\n[kafka]\nreplication = 1\n'
    )
    make_topics(cluster.bootstrap, "", 2)
    asyncio.run(apply_rulebook(Connection(bootstrap=cluster.bootstrap), load_rulebook(folder / "rulebook")))
    return folder


class Running:
    """A worker in a process of its own, with its pages at `port`."""

    def __init__(self, shop: Path, log: Path, *options: str) -> None:
        self.port, self.log = free_port(), log
        command = [sys.executable, "-m", "engine.cli", "worker", "--web", f"127.0.0.1:{self.port}", "-w", str(shop)]
        with log.open("wb") as said:
            self.process = subprocess.Popen([*command, "--log", "json", *options], cwd=ROOT, stderr=said)

    def lines(self) -> list[dict[str, object]]:
        """What it wrote, each line an object."""
        return [json.loads(each) for each in self.log.read_text().splitlines()]

    def figure(self, name: str) -> float:
        """The value of a figure without labels."""
        for family in text_string_to_metric_families(get(self.port, "/metrics")[1]):
            for sample in family.samples:
                if sample.name == name:
                    return sample.value
        raise AssertionError(f"no {name}")


@contextmanager
def working(shop: Path, log: Path, *options: str) -> Iterator[Running]:
    """A worker that is ready; it has ended when the body has."""
    worker = Running(shop, log, *options)
    try:
        until(worker.port, "/readyz", 200, "")
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def publish(connection: Connection, *happened: dict[str, object]) -> None:
    async def publishing() -> None:
        appending = Clients(connection)
        await appending.start()
        for each in happened:
            await appending.append(connection.topic(INTERACTIONS), 0, line(each), key=b"c0")
        await appending.stop()

    asyncio.run(publishing())


def seconds(what: Callable[[], object]) -> float:
    """How long something takes."""
    begun = time.monotonic()
    what()
    return time.monotonic() - begun


def test_an_outage_is_told_and_is_no_reason_not_to_end(cluster: Cluster, shop: Path, tmp_path: Path) -> None:
    with working(shop, tmp_path / "one.log") as worker:
        cluster.kill()
        killed_at = len(worker.lines())
        told = until(worker.port, "/readyz", 503, "have not answered for")
        assert "KafkaError" in told
        assert get(worker.port, "/healthz")[0] == 200
        assert worker.figure("strand_brokers_silent_seconds") > 30
        complaints = worker.lines()[killed_at:]
        assert 0 < len(complaints) < 100
        assert any("such lines before" in str(each["message"]) for each in complaints)

        cluster.start()
        until(worker.port, "/readyz", 200, "")
        assert worker.figure("strand_brokers_silent_seconds") == 0

        profile = event("p", "c0", now_ms(), "profile_updated", email="c0@mail.example")
        publish(Connection(bootstrap=cluster.bootstrap), profile, event("o1", "c0", now_ms()))
        until(worker.port, "/metrics", 200, 'decision="schedule"')
        cluster.kill()
        time.sleep(5)  # it appends a tick, three seconds after the order
        worker.process.send_signal(signal.SIGTERM)
        ending = seconds(lambda: until(worker.port, "/readyz", 503, "is being ended"))
        ending += seconds(lambda: until(worker.port, "/healthz", 503, "was told to end"))
        ending += seconds(lambda: worker.process.wait(30))
        assert ending < 20
        assert worker.process.returncode == 0
        messages = [str(each["message"]) for each in worker.lines()]
        assert any(each.startswith("partition 0 is left at offset ") for each in messages)
        assert messages[-1] == "ended; partition 0 is not on the disk"

    cluster.start()
    with working(shop, tmp_path / "two.log") as worker:
        until(worker.port, "/metrics", 200, 'decision="send"')
    written = strand("outbox", "--until-idle", "--folder", tmp_path / "outbox", "--json", "-w", shop)
    assert written.json() == {"written": 1}


def test_what_a_command_appends_is_given_up_in_time(
    cluster: Cluster, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(bootstrap=cluster.bootstrap)
    topic = connection.topic(INTERACTIONS)
    monkeypatch.setattr(clients, "DELIVERY_S", 3.0)  # what `apply` and `tick` append with

    async def appending() -> None:
        several = Clients(connection)
        await several.start()
        try:
            cluster.kill()
            await several.append(topic, 0, b"x")
        finally:
            await several.stop()

    def refused(appending: Callable[[], object]) -> None:
        with pytest.raises(OperatorError, match=r"no answer from 127.*in 3 s; .*\nOperator action: see to the cluster"):
            appending()

    assert seconds(lambda: refused(lambda: asyncio.run(appending()))) < 15
    cluster.start()
    appender = Appender(connection, [topic], delivery_s=3.0)  # what `publish`, `import` and `replay` do
    cluster.kill()
    assert seconds(lambda: refused(lambda: appender.append(topic, {0: [Outgoing(None, b"x", now_ms())]}))) < 5
    assert seconds(appender.close) < 10


def test_of_two_workers_with_one_instance_the_second_ends(cluster: Cluster, shop: Path, tmp_path: Path) -> None:
    twice = ("--instance", "one", "--folder")
    with working(shop, tmp_path / "one.log", *twice, str(tmp_path / "one")) as first:
        time.sleep(SETTLED_S)
        second = Running(shop, tmp_path / "two.log", *twice, str(tmp_path / "two"))
        try:
            assert second.process.wait(90) == 1
            last = second.lines()[-1]
            assert "another worker uses the instance 'one'" in str(last["message"])
            assert "Operator action" not in str(last["message"])
            assert "an --instance of its own" in str(last["action"])
            assert first.process.poll() is None
            until(first.port, "/readyz", 200, "")
        finally:
            second.process.kill()
            second.process.wait()
