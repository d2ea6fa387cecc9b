"""`strand outbox` writes what the workers decided."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.engine.cli.shell import strand
from tests.engine.cli.test_worker import petshop
from tests.engine.runtimes.kafka.test_pages import until
from tests.engine.runtimes.kafka.workers import free_port
from tests.engine.runtimes.shop import ROOT, outbox, wait_for


def test_the_petshops_messages(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = petshop(tmp_path / "embedded")
    history = str(next(shop.glob("*.jsonl")))
    assert strand("import", history, "--live-from", "2025-03-01", "-w", shop).code == 0
    assert strand("run", "--until-idle", "-w", shop).code == 0
    expected = outbox(shop)

    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    assert strand("import", history, "--live-from", "2025-03-01", "-w", shop).code == 0
    assert strand("tick", "-w", shop).code == 0
    assert strand("worker", "--until-idle", "-w", shop).code == 0
    port = free_port()
    command = [sys.executable, "-m", "engine.cli", "outbox", "--web", f"127.0.0.1:{port}", "-w", str(shop)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: running.poll() is not None or len(outbox(shop)) == len(expected) > 0, 60.0)
        pages = [until(port, page, 200, "") for page in ("/healthz", "/readyz")]
        figures = until(port, "/metrics", 200, f"strand_outbox_messages_total {len(expected)}.0")
        second = strand("outbox", "--until-idle", "-w", shop)
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=60)
    assert (running.returncode, f"{len(expected)} messages" in said) == (0, True)
    assert (second.code, "Operator action" in second.err) == (2, True)
    assert outbox(shop) == expected
    assert pages == ['{"healthy":true,"why":[]}', '{"ready":true,"why":[]}']
    for sample in (
        "strand_outbox_dropped_total 0.0",
        'strand_outbox_offset{partition="3"}',
        'strand_outbox_lag_records{partition="0"} 0.0',
        'strand_outbox_lag_seconds{partition="0"} 0.0',
        "strand_rounds_refused_total 0.0",
        "strand_last_round_seconds 1.",
    ):
        assert sample in figures
    assert strand("outbox", "--until-idle", "--json", "-w", shop).json() == {"written": 0}


def test_an_embedded_log_has_its_outbox_already(tmp_path: Path) -> None:
    assert strand("outbox", "-w", petshop(tmp_path / "shop")).code == 2


def test_pages_are_for_an_outbox_that_goes_on(tmp_path: Path) -> None:
    refused = strand("outbox", "--until-idle", "--web", "127.0.0.1:6067", "-w", tmp_path)
    assert (refused.code, "goes on" in refused.err) == (2, True)


def test_a_place_where_something_is_served_already_is_refused(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = petshop(tmp_path / "kafka", bootstrap, prefix)
    assert strand("topics", "create", "-w", shop).code == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        for command in ("outbox", "worker"):
            line = [sys.executable, "-m", "engine.cli", command, "--web", where, "-w", str(shop)]
            refused = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
            assert (refused.returncode, f"no pages can be served at {where}" in refused.stderr) == (1, True)
            assert refused.stderr.splitlines()[-1].startswith("Operator action: name another place")
