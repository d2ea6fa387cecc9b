"""What strand.toml may say, and how a fault in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.workspace.settings import load_settings
from events.errors import OperatorError


def written(folder: Path, text: str) -> Path:
    (folder / "strand.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_empty_file_means_four_partitions_and_an_outbox(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""))
    assert (settings.log, settings.partitions, settings.delivery.outbox) == ("embedded:", 4, "outbox")


def test_the_file_decides_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path, 'partitions = 2\n[delivery]\noutbox = ""\n')
    assert (load_settings(folder).partitions, load_settings(folder).delivery.outbox) == (2, "")
    monkeypatch.setenv("STRAND_PARTITIONS", "7")
    monkeypatch.setenv("STRAND_DELIVERY__OUTBOX", "letters")
    monkeypatch.setenv("STRAND_KILL_AT", "mid-swap:1")  # no setting, though it begins alike
    assert (load_settings(folder).partitions, load_settings(folder).delivery.outbox) == (7, "letters")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partitons = 4", r"strand.toml: partitons: no setting is called that; did you mean 'partitions'\?"),
        ("[delivery]\nfolder = 'x'", r"strand.toml: delivery.folder: no setting is called that"),
        ("partitions = 0", r"strand.toml: partitions: input should be greater than or equal to 1"),
        ("partitions = 'many'", r"strand.toml: partitions: input should be a valid integer"),
        ("log = 'carrier-pigeon:'", r"strand.toml: log: input should be 'embedded:'"),
        ("partitions = ", r"strand.toml is not TOML: "),
    ],
)
def test_a_fault_is_named_with_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(OperatorError, match=told) as caught:
        load_settings(written(tmp_path, text))
    assert "Operator action: mend " in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"(?s)log: .*partitions: "):
        load_settings(written(tmp_path, "partitions = -1\nlog = 'x'"))
