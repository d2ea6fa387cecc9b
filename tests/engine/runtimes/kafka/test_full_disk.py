"""A worker whose disk is full ends and says what to do; with room again it goes on to the same end."""

from __future__ import annotations

import asyncio
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.importing.importer import import_files
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.kafka.applying import tick
from engine.runtimes.kafka.until_idle import run_until_idle
from tests.engine.runtimes.kafka.clusters import make_topics, publish_facts, write_settings
from tests.engine.runtimes.shop import ROOT, history, make_shop, write_lines

MOST_BYTES = 150_000
"""What a file may have: more than RocksDB's own need, less than the log of all events."""


def no_larger_files() -> None:
    """In the child: writing beyond fails as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


@pytest.mark.slow
def test_a_full_disk_ends_the_worker_and_loses_nothing(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop(tmp_path / "shop", partitions=1)
    import_files(shop, [write_lines(tmp_path / "history.jsonl", history(300, 20))], live_from="2025-01-02")
    with EmbeddedEngine.open(shop) as engine:
        expected = engine.run_until_idle()
    connection = make_topics(bootstrap, prefix, 1)
    asyncio.run(publish_facts(connection, shop))
    asyncio.run(tick(connection))
    (tmp_path / "w").mkdir()
    write_settings(tmp_path / "w", bootstrap, prefix, partitions=1)
    command = [sys.executable, "-m", "engine.cli", "worker", "--until-idle", "-w", str(tmp_path / "w")]
    full = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60, preexec_fn=no_larger_files
    )
    assert full.returncode == 1, full.stderr
    assert "the disk is full" in full.stderr
    assert "Operator action: free some space" in full.stderr
    report = asyncio.run(run_until_idle(connection, tmp_path / "w" / "worker", name="w"))
    assert (report.state_hash, report.decisions_hash) == (expected.state_hash, expected.decisions_hash)
