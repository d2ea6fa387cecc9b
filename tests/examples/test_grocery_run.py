"""What `make run` does, on a few households."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.grocery.__main__ import main
from examples.grocery.convert import convert

pytestmark = pytest.mark.slow

HOUSEHOLDS = 30


def hashes(report: str) -> dict[str, str]:
    return dict(re.findall(r"(state|decisions) hash +([0-9a-f]{64})", report))


def test_what_is_done_is_not_done_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workspace = tmp_path / "workspace"
    assert main(workspace, HOUSEHOLDS) == 0
    first = capfd.readouterr().out
    assert re.search(rf"households +{HOUSEHOLDS}\b", first)
    for title in ("What was read", "The largest micro-segments", "Transitions:", "Decisions by trigger", "In all"):
        assert title in first
    assert first.count("Why: ") == 3
    assert len(hashes(first)) == 2
    assert not (workspace / "history.msgpack").exists()
    sent = re.search(r"messages sent +([\d,]+)", first)
    assert sent is not None
    assert len(list((workspace / "outbox").glob("*.eml"))) == int(sent[1].replace(",", "")) > 0

    assert main(workspace, HOUSEHOLDS) == 0
    second = capfd.readouterr().out
    assert hashes(second) == hashes(first)
    assert re.search(r"processed now +0 records", second)

    # Cut off after the import, before its file was removed.
    convert(workspace / "history.msgpack", HOUSEHOLDS)
    assert main(workspace, HOUSEHOLDS) == 0
    assert hashes(capfd.readouterr().out) == hashes(first)
    assert not (workspace / "history.msgpack").exists()
