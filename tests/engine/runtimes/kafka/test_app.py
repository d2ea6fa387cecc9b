"""A worker whose client meets an error as it joins the group joins again, or ends; it is never left outside."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.runtimes.kafka.clusters import make_topics, write_settings
from tests.engine.runtimes.kafka.test_pages import until
from tests.engine.runtimes.kafka.workers import free_port
from tests.engine.runtimes.shop import ROOT, make_shop

pytestmark = pytest.mark.slow

WORKER = """
import asyncio, sys
from aiokafka import errors
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance

answers = [eval(sys.argv.pop(1)), None]
send = CoordinatorGroupRebalance._send_sync_group_request

async def failing_once(self, request):
    if not answers:
        return await send(self, request)
    error = answers.pop()
    if error is None:
        asyncio.get_running_loop().call_later(1, self._coordinator.request_rejoin)
        return await send(self, request)
    self._coordinator.request_rejoin()
    raise error

CoordinatorGroupRebalance._send_sync_group_request = failing_once
from engine.cli.main import main
main()
"""


@contextmanager
def joining(folder: Path, bootstrap: str, prefix: str, error: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A worker whose client meets the error when it joins for the second time, and the port of its pages."""
    make_topics(bootstrap, prefix, 1)
    shop = make_shop(folder)
    write_settings(shop, bootstrap, prefix, partitions=1)
    port = free_port()
    command = [sys.executable, "-c", WORKER, error, "worker", "--web", f"127.0.0.1:{port}", "-w", str(shop)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, port
        finally:
            process.kill()


def test_what_the_broker_answers_once_is_no_reason_to_stay_outside(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    with joining(tmp_path / "shop", bootstrap, prefix, "errors.UnknownError()") as (process, port):
        until(port, "/metrics", 200, "strand_rebalances_total 2.0")
        until(port, "/readyz", 503, "has no rulebook")
        process.kill()
        assert "the group is joined again: UnknownError()" in process.communicate()[1]


def test_a_client_that_gives_up_ends_its_worker(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    with joining(tmp_path / "shop", bootstrap, prefix, "RuntimeError('planted')") as (process, _):
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "the client of the group has ended by itself: " in said
    assert said.splitlines()[-1] == "Operator action: start this worker again; nothing is lost"
