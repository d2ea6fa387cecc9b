"""What the generated histories exercise: an empty cell of the table means that the engine is not judged there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evaluator.coverage import COUNTED, count, empty, table
from tests.last_lines import SHOWN

ROOT = Path(__file__).resolve().parents[2]
A_TEST = """
from tests.last_lines import SHOWN

def test_with_a_table(record_property):
    record_property(SHOWN, "cells 7\\ncorners 3")
"""


@pytest.mark.slow
def test_no_cell_of_the_coverage_table_is_empty(record_property: Callable[[str, object], None]) -> None:
    count(range(COUNTED))
    record_property(SHOWN, table())
    assert not empty()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("-n", "1")], ids=["alone", "with processes"])
def test_a_table_is_shown_in_the_last_lines(tmp_path: Path, processes: tuple[str, ...]) -> None:
    (tmp_path / "conftest.py").write_text("from tests.last_lines import pytest_terminal_summary\n")
    (tmp_path / "test_shown.py").write_text(A_TEST)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *processes, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\ncells 7\ncorners 3\n" in run.stdout
