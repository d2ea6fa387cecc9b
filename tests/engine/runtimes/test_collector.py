"""Whoever asks for a calm collector first has it calm until its own end."""

from __future__ import annotations

import subprocess
import sys

WITHIN = """
import gc
from engine.runtimes.collector import THRESHOLD, calm_collector
before = gc.get_threshold()
with calm_collector():
    frozen = gc.get_freeze_count()
    with calm_collector():
        pass
    assert gc.get_threshold()[0] == THRESHOLD and gc.get_freeze_count() == frozen > 1000
assert gc.get_threshold() == before and gc.get_freeze_count() == 0
"""


def test_one_within_another_leaves_it_calm() -> None:
    subprocess.run([sys.executable, "-c", WITHIN], check=True)
