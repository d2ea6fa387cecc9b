"""The step is a function of its arguments: no clock, no lots, no environment, no I/O."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.tidy.tree import ROOT


def child(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The run in a process of its own: an audit hook stays for ever."""
    command = [sys.executable, "-m", "tests.engine.pure_step", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_history_is_lived_through_on_nothing_but_its_records() -> None:
    ran = child()
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    decided = set(ran.stderr.split())
    assert {"send", "schedule", "quiet_hours", "template", "cap", "once", "consent", "left", "holdout"} <= decided


def test_whatever_is_reached_for_is_noticed() -> None:
    ran = child("temptation")
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
