"""`strand outbox` writes what the workers decided."""

from __future__ import annotations

from pathlib import Path

from tests.engine.cli.shell import strand
from tests.engine.cli.test_worker import petshop
from tests.engine.runtimes.shop import outbox


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
    assert strand("outbox", "--until-idle", "--json", "-w", shop).json() == {"written": len(expected)}
    assert outbox(shop) == expected != {}
    assert strand("outbox", "--until-idle", "--json", "-w", shop).json() == {"written": 0}


def test_an_embedded_log_has_its_outbox_already(tmp_path: Path) -> None:
    assert strand("outbox", "-w", petshop(tmp_path / "shop")).code == 2
