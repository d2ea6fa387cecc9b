"""Whoever asks for a calm collector first has it calm until its own end; a command has it unhurried."""

from __future__ import annotations

import subprocess
import sys

WITHIN = """
import gc
from engine.runtimes.collector import THRESHOLD, calm_collector, unhurried_collector
before = gc.get_threshold()
with calm_collector():
    frozen = gc.get_freeze_count()
    with calm_collector():
        pass
    unhurried_collector()
    assert gc.get_threshold()[0] == THRESHOLD and gc.get_freeze_count() == frozen > 1000
assert gc.get_threshold() == before and gc.get_freeze_count() == 0
"""

AT_ITS_END = """
import atexit, gc
from engine.runtimes.collector import LOADING, calm_collector, unhurried_collector
atexit.register(lambda: print(gc.get_freeze_count() > 1000))
unhurried_collector()
with calm_collector():
    pass
assert gc.get_threshold()[0] == LOADING and gc.get_freeze_count() == 0
"""


def test_one_within_another_leaves_it_calm() -> None:
    subprocess.run([sys.executable, "-c", WITHIN], check=True)


def test_an_unhurried_process_looks_through_nothing_at_its_end() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ITS_END], check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
