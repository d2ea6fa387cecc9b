"""A workspace that `strand run` owns: what other commands do beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli.shell import strand
from tests.engine.runtimes.shop import wait_for

pytestmark = pytest.mark.slow
PATIENCE_S = 60.0


@pytest.fixture
def running(shop: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "engine.cli", "run", "--catch-up", "-w", str(shop)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: (shop / "socket").exists() or process.poll() is not None, PATIENCE_S)
        yield shop, process
    finally:
        process.kill()
        process.communicate()


def status(workspace: Path) -> Any:
    answer = strand("status", "--json", "-w", workspace)
    assert answer.code == 0, answer.err
    return answer.json()


def test_it_takes_over_what_is_published_and_other_commands_read_beside_it(
    running: tuple[Path, subprocess.Popen[str]], tmp_path: Path
) -> None:
    shop, process = running
    answer = strand("publish", shop / "history.jsonl", "--json", "-w", shop)
    assert answer.code == 0, answer.err
    assert len(answer.json_lines()) == 12
    assert "takes up" not in answer.err  # it is at it
    assert status(shop)["running"] is True
    wait_for(lambda: status(shop)["customers"] == 3, PATIENCE_S)
    assert strand("customer", "ann", "--json", "-w", shop).json()["traits"]["orders"] == 4
    assert strand("verify", "--json", "-w", shop).json()["different"] == 0

    for command in (["import", shop / "history.jsonl"], ["rebuild"], ["run", "--until-idle"]):
        busy = strand(*command, "-w", shop)
        assert (busy.code, busy.out) == (2, "")
        assert f"is owned by process {process.pid}" in busy.err
        assert f"Operator action: wait until that process ends, or stop it (kill {process.pid})" in busy.err

    assert strand("backup", tmp_path / "copy", "-w", shop).code == 0
    assert (tmp_path / "copy/FORMAT").is_file()

    path = shop / "rulebook/shop.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("orders >= 2", "orders >= 3"), encoding="utf-8")
    applied = strand("apply", "--yes", "--json", "-w", shop).json()
    assert applied["applied"] is True
    wait_for(lambda: bool(status(shop)["folder"]["active"] and status(shop)["lag"] == 0), PATIENCE_S)

    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "ended; everything is on the disk" in told
    assert status(shop)["running"] is False
    assert strand("verify", "--redecide", "-w", shop).code == 0


def test_ctrl_c_ends_it_well(running: tuple[Path, subprocess.Popen[str]]) -> None:
    shop, process = running
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in told
    assert not (shop / "socket").exists()
