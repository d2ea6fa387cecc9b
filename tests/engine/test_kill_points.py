"""The armed place kills at its n-th reach; nothing else does anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import kill_points

SCRIPT = """
from engine import kill_points
kill_points.arm({spec!r})
for reached in range(1, 6):
    print(reached, flush=True)
    kill_points.reach("after-state")
    kill_points.reach("before-state")
"""


def run(spec: str | None) -> tuple[int, int]:
    """(exit code, how often the places were reached) of a process with this place armed."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(spec=spec)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, len(done.stdout.split())


@pytest.mark.parametrize(("spec", "reached"), [("before-state:3", 3), ("before-state", 1), ("after-state:5", 5)])
def test_it_dies_at_the_nth_reach(spec: str, reached: int) -> None:
    assert run(spec) == (-signal.SIGKILL, reached)


@pytest.mark.parametrize("spec", [None, "", "before-swap:1", "after-state:6"])
def test_it_lives_when_the_place_is_not_reached_so_often(spec: str | None) -> None:
    assert run(spec) == (0, 5)


def test_it_stands_still_where_it_is_to_stop_and_goes_on_when_told() -> None:
    command = [sys.executable, "-c", SCRIPT.format(spec="after-state:2:stop")]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.communicate()[0].split() == ["1", "2", "3", "4", "5"]
    assert process.returncode == 0


def test_an_unknown_place_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="STRAND_KILL_AT must name one of .*mid-swap.*; found 'mid-air'"):
        kill_points.arm("mid-air:1")
