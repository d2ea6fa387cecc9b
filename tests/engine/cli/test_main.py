from __future__ import annotations

import errno
import subprocess
import sys
import time
from importlib.metadata import version
from typing import NoReturn

import pytest
import typer

from engine.cli import main as frame
from events.errors import CalledWrongly, OperatorError, StrandError, WorkspaceBusy
from events.fold_version import FOLD_VERSION
from tests.engine.cli.shell import strand


def commands() -> list[str]:
    return [name for command in frame.app.registered_commands if (name := command.name)]


@pytest.mark.parametrize("command", commands())
def test_every_command_shows_an_example(command: str) -> None:
    answer = strand(command, "--help")
    assert answer.code == 0
    assert f"\n    strand {command}" in answer.out
    assert "Examples:" in answer.out


def test_the_version_is_said_with_that_of_the_fold() -> None:
    answer = strand("--version")
    assert answer.code == 0
    assert answer.out == f"strand {version('strand-journeys')}, fold version {FOLD_VERSION}\n"


def test_the_frame_lists_every_command() -> None:
    answer = strand("--help")
    assert answer.code == 0
    assert [name for name in commands() if f"\n  {name}" not in answer.out] == []


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (CalledWrongly("no such day"), 2, "no such day\n"),
        (WorkspaceBusy("another process owns it", "stop it"), 2, "another process owns it\nOperator action: stop it\n"),
        (OperatorError("the disk is full", "make room"), 1, "the disk is full\nOperator action: make room\n"),
        (StrandError("that was a fault"), 1, "that was a fault\n"),
    ],
)
def test_an_error_is_a_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: StrandError, code: int, shown: str
) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr(frame, "app", app)
    answer = strand()
    assert (answer.code, answer.out, answer.err) == (code, "", shown)


def test_a_file_that_the_system_refuses_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", "shop/strand.toml")

    monkeypatch.setattr(frame, "app", app)
    answer = strand()
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("shop/strand.toml cannot be read or written: this user may not (Permission denied)\n")
    assert "Operator action: let this user read and write it" in answer.err


def test_a_full_disk_behind_a_pipe_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frame, "app", app)
    answer = strand()
    assert answer.code == 1
    assert answer.err.startswith("the output cannot be written: the disk is full")


def test_a_wrong_call_exits_2() -> None:
    assert strand("no-such-command").code == 2
    assert strand("init").code == 2
    assert strand("init", "--no-such-option").code == 2


def test_help_is_quick() -> None:
    """Under 0.3 s, the best of twenty at most: what else the machine does is not what is measured."""
    took_s = [float("inf")]
    while min(took_s) >= 0.3 and len(took_s) <= 20:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "engine.cli", "--help"], check=True, capture_output=True)
        took_s.append(time.perf_counter() - begun)
    assert min(took_s) < 0.3


INTERRUPTED = """
import sys

class Interrupts:
    def find_spec(self, name, *where):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from engine.cli.__main__ import main
main()
"""


def test_ctrl_c_while_the_commands_load_is_no_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
