"""`strand outbox` writes what the workers decided."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.engine.cli.shell import strand
from tests.engine.cli.test_worker import petshop
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
    command = [sys.executable, "-m", "engine.cli", "outbox", "-w", str(shop)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: running.poll() is not None or len(outbox(shop)) == len(expected) > 0, 60.0)
        second = strand("outbox", "--until-idle", "-w", shop)
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=60)
    assert (running.returncode, f"{len(expected)} messages" in said) == (0, True)
    assert (second.code, "Operator action" in second.err) == (2, True)
    assert outbox(shop) == expected
    assert strand("outbox", "--until-idle", "--json", "-w", shop).json() == {"written": 0}


def test_an_embedded_log_has_its_outbox_already(tmp_path: Path) -> None:
    assert strand("outbox", "-w", petshop(tmp_path / "shop")).code == 2
