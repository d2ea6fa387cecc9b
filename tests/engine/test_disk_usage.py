from __future__ import annotations

from pathlib import Path

from engine.disk_usage import bytes_in


def test_sizes_add_up_and_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c").write_bytes(b"123")
    assert bytes_in(tmp_path) == 8
    assert bytes_in(tmp_path / "nowhere") == bytes_in(None) == 0
