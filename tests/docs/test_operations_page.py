"""Each runbook of the operators' page works, and its figures are those that were measured."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.cluster import free_ports, running
from engine.runtimes.kafka.claims import Claim, decode
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, Connection
from events.fold_version import FOLD_VERSION
from tests.brokers import need_a_broker
from tests.docs.blocks import Block, blocks
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
