"""What `make run` does, on a few households."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.grocery.__main__ import COPIED, HERE, main, prepare
from examples.grocery.convert import convert

pytestmark = pytest.mark.slow

HOUSEHOLDS = 30


def hashes(report: str) -> dict[str, str]:
    return dict(re.findall(r"(state|decisions) hash +([0-9a-f]{64})", report))


def test_a_rulebook_that_was_edited_stays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    prepare(tmp_path)
    policy = tmp_path / "rulebook/policy.yaml"
    original = policy.read_text(encoding="utf-8")
    assert original == (HERE / "rulebook/policy.yaml").read_text(encoding="utf-8")
    policy.write_text(f"{original}# mine\n", encoding="utf-8")
    prepare(tmp_path)
    assert policy.read_text(encoding="utf-8").endswith("# mine\n")
    assert "was edited and stays as it is" in capfd.readouterr().err
    (tmp_path / COPIED).unlink()  # as older runs left it
    prepare(tmp_path)
    assert policy.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_rulebook_that_nobody_edited_follows_the_example(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    example, workspace = tmp_path / "example", tmp_path / "workspace"
    monkeypatch.setattr("examples.grocery.__main__.HERE", example)
    for text in ("first", "second"):
        (example / "rulebook").mkdir(parents=True, exist_ok=True)
        (example / "rulebook/a.yaml").write_text(text, encoding="utf-8")
        prepare(workspace)
        assert (workspace / "rulebook/a.yaml").read_text(encoding="utf-8") == text
    assert capfd.readouterr().err == ""


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
