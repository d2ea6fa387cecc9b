"""What the compose file starts, started here without containers: its broker's settings, its commands, its pages."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from deploy.kafka.cluster import HOST, READY_S, brokers_at, free_ports
from deploy.kafka.node import Node, waited
from tests.brokers import need_a_broker
from tests.deploy.containers import in_yaml, services, workers
from tests.tidy.tree import ROOT

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with the settings that the compose file gives to the image, which turns KAFKA_A_B into a.b."""
    need_a_broker()
    (ports,) = free_ports(1)
    folder = tmp_path_factory.mktemp("broker")
    properties = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): value
        .replace("broker:9092", f"{HOST}:{ports.client}").replace("broker:9093", f"{HOST}:{ports.controller}")
        .replace("//:9092", f"//{HOST}:{ports.client}").replace("//:9093", f"//{HOST}:{ports.controller}")
        for name, value in services()["broker"]["environment"].items()
    }  # fmt: skip
    properties["log.dirs"] = str(folder / "data")
    identity = "s" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    node = Node(1, folder, ports)
    node.write({**properties, "cluster.id": identity})
    node.start()
    try:
        address = f"{HOST}:{ports.client}"
        assert waited(lambda: brokers_at(address) == 1 or node.pid is None, READY_S)
        assert node.pid is not None, node.last_words()
        yield address
    finally:
        node.kill()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    subprocess.run([*STRAND, "init", "shop"], cwd=tmp_path, env=environment({}), check=True, capture_output=True)
    return tmp_path / "shop"


STRAND = (sys.executable, "-m", "engine.cli")


def environment(service: dict[str, Any], address: str = "") -> dict[str, str]:
    given = {name: value.replace("broker:9092", address) for name, value in service.get("environment", {}).items()}
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **given}


def answer(page: str) -> tuple[int, bytes]:
    """Status and body of a page here, by its port and path; 0 where nobody answers."""
    try:
        with urlopen(f"http://{HOST}:{page}", timeout=5) as found:
            return found.status, found.read()
    except HTTPError as error:
        return error.code, error.read()
    except URLError:
        return 0, b""


def test_its_commands_make_topics_and_run_two_workers_that_prometheus_can_read(broker: str, shop: Path) -> None:
    topics = services()["topics"]
    for command in (topics["command"], ["apply", "--yes"]):
        subprocess.run([*STRAND, *command], cwd=shop, env=environment(topics, broker), check=True, capture_output=True)
    (job,) = in_yaml("prometheus.yaml")["scrape_configs"]
    ports = {name: each.client for name, each in zip(workers(), free_ports(2), strict=True)}
    with ExitStack() as stack:
        running = {}
        for name, service in workers().items():
            replaced = {"/var/lib/strand": str(shop.parent / name), "/var/lib/depot": str(shop.parent / "depot")}
            replaced["0.0.0.0:6066"] = f"{HOST}:{ports[name]}"
            command = [replaced.get(word, word) for word in service["command"]]
            said = stack.enter_context((shop.parent / f"{name}.log").open("w"))
            process = subprocess.Popen([*STRAND, *command], cwd=shop, env=environment(service, broker), stderr=said)
            stack.callback(process.wait)
            stack.callback(process.kill)
            running[name] = process
        logs = [shop.parent / f"{name}.log" for name in running]
        ready = [f"{port}/readyz" for port in ports.values()]
        assert waited(lambda: all(answer(each)[0] == 200 for each in ready), PATIENCE_S), [x.read_text() for x in logs]
        assert [answer(f"{port}/healthz")[0] for port in ports.values()] == [200, 200]
        pages = [f"{port}{job['metrics_path']}" for port in ports.values()]
        wanted = int(topics["environment"]["STRAND_PARTITIONS"])
        assert waited(lambda: sum(map(open_partitions, pages)) == wanted, PATIENCE_S)
        for process in running.values():
            process.terminate()
        for name, process in running.items():
            assert process.wait(seconds(services()[name]["stop_grace_period"])) == 0
    for log in logs:
        lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
        assert lines and all(json.loads(line)["logger"] for line in lines)


def open_partitions(page: str) -> int:
    """How many partitions a worker has open, as its metrics say."""
    lines = answer(page)[1].decode().splitlines()
    return sum(line.startswith("strand_open{") and line.endswith(" 1.0") for line in lines)


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration[:-1])
