"""A process whose loop hangs ends, and says what it was at; one that works does not. One that was told to end ends."""

from __future__ import annotations

import subprocess
import sys

from engine.runtimes.kafka.watchdog import EXIT_CODE
from tests.engine.runtimes.shop import ROOT

SCRIPT = """
import asyncio, time
from engine.runtimes.kafka.watchdog import watched

def stuck_here():
    time.sleep({hangs_s})

async def main():
    with watched(asyncio.get_running_loop(), hung_s=0.5):
        for _ in range(10):
            await asyncio.sleep(0.1)
        stuck_here()

asyncio.run(main())
print("ended by itself")
"""


def ran(hangs_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT.format(hangs_s=hangs_s)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_loop_that_hangs_ends_the_process() -> None:
    done = ran(20)
    assert done.returncode == EXIT_CODE
    assert "stuck_here" in done.stderr


def test_a_loop_that_moves_is_left_alone() -> None:
    done = ran(0.05)
    assert (done.returncode, done.stdout) == (0, "ended by itself\n"), done.stderr


ENDING = """
import asyncio, time
from engine.runtimes.kafka.watchdog import end_within

def stuck_here():
    time.sleep(20)

async def main():
    end_within(0.5)
    await asyncio.to_thread(stuck_here)

asyncio.run(main())
"""


def test_a_process_that_was_told_to_end_and_does_not_is_ended() -> None:
    command = [sys.executable, "-c", ENDING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == EXIT_CODE
    assert "it was told to end" in done.stderr
    assert "stuck_here" in done.stderr
