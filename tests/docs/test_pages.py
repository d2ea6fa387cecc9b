"""What README and docs say is true: links lead somewhere, files exist, commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.importing.importer import import_files
from events.times import parse_instant
from tests.docs.blocks import blocks, commands
from tests.tidy.tree import ROOT, tracked

PAGES = [path for path in tracked() if path.suffix == ".md"]
WITH_COMMANDS = [path for path in PAGES if commands(ROOT / path)]

LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s#]+)(?:#[^)]*)?\)")
NAMED_FILE = re.compile(
    r"`(?P<path>(?:events|projections|triggers|templates|engine|tests|docs|bench|examples)/[\w./-]+)`"
)


def test_every_link_leads_somewhere() -> None:
    dead = [
        f"{page}: {link['target']}"
        for page in PAGES
        for link in LINK.finditer((ROOT / page).read_text(encoding="utf-8"))
        if "://" not in link["target"] and not (ROOT / page.parent / link["target"]).exists()
    ]
    assert dead == []


def test_every_file_that_is_named_exists() -> None:
    missing = [
        f"{page}: {named['path']}"
        for page in PAGES
        for named in NAMED_FILE.finditer((ROOT / page).read_text(encoding="utf-8"))
        if not (ROOT / named["path"]).exists()
    ]
    assert missing == []


def test_the_readme_shows_the_starter_s_rulebook() -> None:
    shown = next(block.text for block in blocks(ROOT / "README.md") if block.rest == "starter")
    assert (ROOT / "engine/cli/starter/rulebook/shop.yaml").read_text(encoding="utf-8").endswith(shown)


@pytest.mark.slow
def test_the_mapping_that_is_shown_maps_the_table_beside_it(tmp_path: Path) -> None:
    shown = {block.rest: block.text for block in blocks(ROOT / "docs/publishing.md")}
    for name in ("orders.csv", "columns.yaml"):
        (tmp_path / name).write_text(shown[name], encoding="utf-8")
    (tmp_path / "strand.toml").write_text("partitions = 1\n", encoding="utf-8")
    report = import_files(tmp_path, [tmp_path / "orders.csv"], mapping=tmp_path / "columns.yaml")
    assert (report.imported, report.refused) == (2, 0)
    # Its last row has a date alone, which is 00:00 UTC.
    assert report.last_ms == parse_instant("2025-04-02T00:00:00Z")


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=str)
def test_every_command_runs(page: Path, tmp_path: Path) -> None:
    """In a new folder, one after the other, in a workspace where the page does not make one itself."""
    lines = commands(ROOT / page)
    if not any(line.startswith("strand init") for line in lines):
        lines = ["strand init shop", "cd shop", *lines]
    script = "\n".join(["set -euo pipefail", *lines])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
