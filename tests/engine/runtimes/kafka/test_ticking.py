"""Where nothing comes, a worker lets time pass by the clock: not over an old history, unless it is told so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.verifying import records_in
from tests.engine.runtimes.kafka.workers import free_port, make_shop_on
from tests.engine.runtimes.shop import ROOT, wait_for

PARTITIONS = range(2)


@pytest.mark.slow
def test_an_old_history_is_not_moved_to_today_unless_wanted(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop", partitions=len(PARTITIONS))
    _, connection = connect(shop)
    before = records_in(connection, PARTITIONS)
    command = [sys.executable, "-m", "engine.cli", "worker", "-w", str(shop)]
    refused = subprocess.run(
        [*command, "--web", f"127.0.0.1:{free_port()}"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=90,
    )
    assert refused.returncode == 1, refused.stderr
    assert "journey time would move from 2025-01-" in refused.stderr
    assert "Operator action: if that is right, say so with --catch-up" in refused.stderr
    assert records_in(connection, PARTITIONS) == before, "something was appended"

    worker = subprocess.Popen([*command, "--web", f"127.0.0.1:{free_port()}", "--catch-up"], cwd=ROOT)
    try:
        wait_for(lambda: records_in(connection, PARTITIONS) >= before + len(PARTITIONS), 90.0)
    finally:
        worker.terminate()
    assert worker.wait(timeout=60) == 0
