"""Who is refused is told by whom, and what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from engine.workspace.lock import FILE, OwnerLock
from events.errors import WorkspaceBusy


def refused(folder: Path) -> list[str]:
    with pytest.raises(WorkspaceBusy) as busy:
        OwnerLock(folder)
    return str(busy.value).splitlines()


def test_the_owner_is_named_as_people_know_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/strand/bin/strand", "run", "--workspace", str(tmp_path)])
    lock = OwnerLock(tmp_path)
    first, action = refused(tmp_path)
    assert first == f"the workspace {tmp_path} is owned by process {os.getpid()} (strand run)"
    assert f": wait until that process ends, or stop it (kill {os.getpid()}), and start again; " in action
    assert action.endswith("`strand publish`, `apply`, `backup` and all that only reads work beside a `strand run`")
    lock.release()
    OwnerLock(tmp_path).release()


def test_nothing_of_another_program_but_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/srv/checkout.py", "--token", "secret"])
    lock = OwnerLock(tmp_path)
    assert refused(tmp_path)[0].endswith(f"owned by process {os.getpid()} (checkout.py)")
    assert "secret" not in (tmp_path / FILE).read_text()
    lock.release()


def test_an_owner_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path)
    (tmp_path / FILE).write_bytes(b"")
    first, action = refused(tmp_path)
    assert first == f"the workspace {tmp_path} is owned by a process that has just begun"
    assert "or stop it, and start again" in action
    lock.release()
