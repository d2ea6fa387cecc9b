from __future__ import annotations

from pathlib import Path

from engine.views.status import bytes_in, position_text
from triggers.decisions import MARK, OWN


def test_positions_are_told_as_people_read_them() -> None:
    assert position_text((12, MARK, "")) == "12"
    assert position_text((12, OWN, "ann")) == "12 own step of ann"
    assert position_text((12, 1_735_689_600_000, "ann")) == "12 due 1735689600000 of ann"


def test_sizes_add_up_and_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c").write_bytes(b"123")
    assert bytes_in(tmp_path) == 8
    assert bytes_in(tmp_path / "nowhere") == bytes_in(None) == 0
