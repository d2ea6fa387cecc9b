"""Where Java or Maven is missing, tests that need a broker are skipped loudly, and fail in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

TEST = "tests/deploy/test_cluster.py::test_a_broker_answers_and_keeps_what_it_acknowledged"


@pytest.mark.parametrize(
    ("ci", "code", "told"),
    [
        ({}, 0, "1 tests of Kafka DID NOT RUN: they need Java 17 or newer and Maven"),
        ({"CI": "true"}, 1, "NO KAFKA BROKER: this machine lacks Java 17 or newer and Maven"),
    ],
)
def test_nothing_is_left_out_silently(ci: dict[str, str], code: int, told: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "KAFKA_BOOTSTRAP"}}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST],
        cwd=ROOT,
        env={**environment, **ci, "PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert told in ran.stdout
