"""Workspaces that commands are tried on: made once, copied for each test that changes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.cli.shell import strand


@pytest.fixture(scope="session")
def petshop_after_its_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The petshop, imported and run; not to be changed."""
    folder = tmp_path_factory.mktemp("petshop") / "shop"
    assert strand("init", folder, "--example", "petshop").code == 0
    assert strand("import", folder / "events.jsonl", "--live-from", "2025-01-01", "-w", folder).code == 0
    assert strand("run", "--until-idle", "-w", folder).code == 0
    return folder


@pytest.fixture
def petshop(petshop_after_its_run: Path, tmp_path: Path) -> Path:
    """A petshop of the test's own."""
    folder = tmp_path / "petshop"
    shutil.copytree(petshop_after_its_run, folder)
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new workspace with the starter's rulebook and no events."""
    folder = tmp_path / "shop"
    assert strand("init", folder).code == 0
    return folder
