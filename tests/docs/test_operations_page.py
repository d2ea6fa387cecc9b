"""Each runbook of the operators' page works, and its figures are those that were measured."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.kafka.cluster import free_ports, running
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.kafka.claims import Claim, decode
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, Connection
from engine.runtimes.kafka.security import connect
from events.fold_version import FOLD_VERSION
from events.partitioning import partition_of
from tests.brokers import need_a_broker
from tests.docs.blocks import Block, blocks
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.reading import in_topic
from tests.engine.runtimes.kafka.test_topics import raise_partitions
from tests.engine.runtimes.kafka.workers import make_shop_on
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs/operations.md"
BROKER, PAGES = "127.0.0.1:9092", ("127.0.0.1:6066", "127.0.0.1:6067")
NEEDS_MORE = {"broker", "upgrade", "refold"}
RUNBOOKS = [
    name
    for name in dict.fromkeys(block.rest for block in blocks(PAGE) if block.language == "console")
    if name != "start" and name not in NEEDS_MORE
]
HALF = len(RUNBOOKS) // 2
SAYS = {
    "strand verify --live": "0 differences from the live world",
    "strand rebuild": "the same as the live world; the new one is live now",
    "strand audit": "customers: 0 differences\n",
    "curl --silent --fail --retry": '"ready":true',
}
PATIENCE_S = 240.0


def lines(name: str) -> list[str]:
    """The commands of a runbook, and its remarks."""
    found: list[Block] = [block for block in blocks(PAGE) if block.rest == name]
    return [line.removeprefix("$ ") for block in found for line in block.text.splitlines()]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder whose workers are ended before it goes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def follow(home: Path, steps: list[str], *, bootstrap: str, prefix: str, **more: str) -> str:
    """Run the steps in one shell, and end what it leaves in the background; returns what it said."""
    text = "\n".join(steps).replace(BROKER, bootstrap)
    for page, port in zip(PAGES, free_ports(2), strict=True):
        text = text.replace(page, f"127.0.0.1:{port.client}")
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n{text}\n"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **more}
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=home,
        env={**settings, "STRAND_KAFKA__PREFIX": prefix},
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    logs = "\n".join(log.read_text()[-2000:] for log in home.glob("shop/*.log"))
    assert ran.returncode == 0, ran.stdout + ran.stderr + logs
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("names", [RUNBOOKS[:HALF], RUNBOOKS[HALF:]], ids=" ".join)
def test_the_runbooks_work_one_after_the_other(names: list[str], home: Path, bootstrap: str, prefix: str) -> None:
    steps = [line for name in names for line in (f"echo follows: {name}", *lines(name))]
    said = follow(home, [*lines("start"), *steps], bootstrap=bootstrap, prefix=prefix)
    for name, part in zip(names, said.split("follows: ")[1:], strict=True):
        for command, answer in SAYS.items():
            asked = sum(line.removeprefix("until ").startswith(command) for line in lines(name))
            assert part.count(answer) == asked, part


@pytest.mark.slow
@pytest.mark.parametrize("name", ["upgrade", "refold"])
def test_a_release_that_folds_otherwise_is_installed(
    name: str, home: Path, bootstrap: str, prefix: str, tmp_path: Path
) -> None:
    """A release whose fold version is another one, for those who find it first on their path."""
    (tmp_path / "sitecustomize.py").write_text(
        "import events.fold_version\nevents.fold_version.FOLD_VERSION += 1\n", encoding="utf-8"
    )
    installed = f"export PYTHONPATH={tmp_path}:$PYTHONPATH"
    steps = [line.replace("# install the new release here", installed) for line in lines(name)]
    assert installed in steps
    said = follow(home, [*lines("start"), *steps], bootstrap=bootstrap, prefix=prefix)
    verified = sum(line.startswith("strand verify") for line in steps)
    assert said.count("0 differences from the live world") == verified
    claims = asyncio.run(fold_versions(Connection(bootstrap=bootstrap, prefix=prefix), partition=0))
    assert (claims[0], claims[-1]) == (FOLD_VERSION, FOLD_VERSION + 1)
    taken = "is taken from a checkpoint" in (home / "shop/one.log").read_text(encoding="utf-8")
    assert taken == (name == "refold")


async def fold_versions(connection: Connection, *, partition: int) -> list[int]:
    """Of each claim of a partition, in order."""
    clients = Clients(connection)
    await clients.start()
    try:
        topic = connection.topic(DECISIONS)
        stop = (await clients.ends(topic, [partition]))[partition]
        entries = [decode(each.value) async for chunk in clients.read(topic, partition, 0, stop) for each in chunk]
    finally:
        await clients.stop()
    return [entry.fold_version for entry in entries if isinstance(entry, Claim)]


@pytest.mark.slow
def test_one_broker_of_three_may_be_lost(home: Path, prefix: str, tmp_path: Path) -> None:
    need_a_broker()
    with running(tmp_path, nodes=3) as cluster:
        start = [line.replace("STRAND_KAFKA__REPLICATION=1", "STRAND_KAFKA__REPLICATION=3") for line in lines("start")]
        lost = cluster.nodes[2]
        said = follow(
            home, [*start, f"kill -KILL {lost.pid}", *lines("broker")], bootstrap=cluster.bootstrap, prefix=prefix
        )
        assert lost.pid is None
    assert "0 differences from the live world" in said


def event_line(number: int, customer: str) -> dict[str, object]:
    data = {"order_id": f"late-{number}", "total": 5}
    occurred = "2025-04-01T10:00:00Z"
    return {
        "id": f"late-{number}",
        "type": "order_completed",
        "customer_id": customer,
        "occurred_at": occurred,
        "data": data,
    }


async def publish_by(connection: Connection, partitions: int, count: int) -> list[tuple[int, str]]:
    """Events of customers as a publisher sends them that knows of so many partitions: where each went, and whose."""
    clients = Clients(connection)
    await clients.start()
    places = []
    for number in range(count):
        customer, now_ms = f"c{number}", wall_clock_ms()
        places.append((partition_of(customer, partitions), customer))
        value = json.dumps(event_line(number, customer)).encode()
        topic = connection.topic(INTERACTIONS)
        await clients.append(topic, places[-1][0], value, key=customer.encode(), at_ms=now_ms)
    await clients.append(connection.topic(DECISIONS), 0, b"junk")
    await clients.stop()
    return places


@pytest.mark.slow
def test_new_topics_are_made_from_old_ones(home: Path, bootstrap: str, prefix: str) -> None:
    """Of a log that was raised from 4 to 6 partitions, with a foreign record among its decisions."""
    script = next(block.text for block in blocks(PAGE) if block.rest == "copy")
    (home / "copy_topics.py").write_text(script)
    shop = make_shop_on(bootstrap, prefix, home / "shop")
    _, connection = connect(shop)
    before = strand("worker", "--until-idle", "--json", "-w", shop).json()
    assert before["messages"] > 0
    written = strand("outbox", "--until-idle", "--folder", home / "out", "--json", "-w", shop).json()["written"]
    raise_partitions(connection, 6, INTERACTIONS)
    places = asyncio.run(publish_by(connection, 6, 20))
    added = [customer for partition, customer in places if partition >= 4]
    wrong = [customer for partition, customer in places if partition < 4 and partition != partition_of(customer, 4)]
    assert added and wrong
    assert "Partitions were added" in strand("worker", "--until-idle", "-w", shop).err

    other = home / "other"
    shutil.copytree(shop, other, ignore=shutil.ignore_patterns("worker"))
    text = (shop / "strand.toml").read_text().replace(prefix, f"{prefix}new.")
    (other / "strand.toml").write_text(text)
    assert strand("topics", "create", "-w", other).code == 0
    junk = len(in_topic(connection, DECISIONS)[0]) - 1
    command = [sys.executable, "copy_topics.py", str(shop), str(other), f"decisions/0/{junk}"]
    copying = partial(subprocess.run, command, check=False, cwd=home, capture_output=True, text=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = copying(env=environment)
    assert ran.returncode == 0, ran.stderr
    again = copying(env=environment)
    assert (again.returncode, "holds something already" in again.stderr) == (1, True)

    after = strand("worker", "--until-idle", "--json", "-w", other).json()
    assert after["events"] == before["events"] + len(places)
    assert after["dead_letters"] == before["dead_letters"] + len(wrong)
    verified = strand("verify", "--redecide", "--json", "-w", other)
    assert (verified.code, verified.json()["decided_differently"]) == (0, 0)

    cursor = home / "out/.kafka-cursor"
    refused = strand("outbox", "--until-idle", "--folder", home / "out", "-w", other)
    assert (refused.code, "of another topic" in refused.err) == (1, True)
    topic = ran.stdout.removeprefix("the topic of decisions is ").split()[0]
    cursor.write_text(json.dumps({**json.loads(cursor.read_text()), "topic": topic}))
    more = strand("outbox", "--until-idle", "--folder", home / "out", "--json", "-w", other)
    assert more.json()["written"] == after["messages"] - written


def measured() -> dict[str, str]:
    """The newest figures of `strand bench sizes`, rounded as on the page."""
    rows = re.findall(
        r"^\| sizes \| (?P<name>[^|]+) \| (?P<value>[\d.e+]+) (?P<unit>\w+) \|",
        (ROOT / "bench/results.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    return {
        name: f"{float(value):,.3g} {unit}" if float(value) < 1000 else f"{float(value):,.0f} {unit}"
        for name, value, unit in rows
    }


def test_the_sizes_are_those_that_were_measured() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Sizing")[1].split("## ")[0]
    told = dict(re.findall(r"^\| ([^|]+) \| ([\d.,]+ \w+) \|$", section, flags=re.MULTILINE))
    assert told == measured()
    assert len(told) == 6
