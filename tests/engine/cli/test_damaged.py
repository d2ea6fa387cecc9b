"""Commands on a workspace with a damaged file: they say so and exit 1, and nothing is swapped or left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.cli.shell import Answer, strand

pytestmark = pytest.mark.slow

READING = (["customer", "ann"], ["segments"], ["decisions"], ["messages"], ["transitions"], ["status"])
LATE = (
    '{"id": "n1", "type": "order_completed", "customer_id": "ann", "occurred_at": "2025-03-25T12:00:00Z",'
    ' "appended_at": "2025-03-25T12:00:00Z", "data": {"order_id": "n1", "total": 5}}'
)


@pytest.fixture(scope="module")
def run_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter's shop in one partition after two runs, so that each family has table files; not to be changed."""
    folder = tmp_path_factory.mktemp("damaged") / "shop"
    assert strand("init", folder).code == 0
    (folder / "strand.toml").write_text("partitions = 1\n", encoding="utf-8")
    assert strand("import", folder / "history.jsonl", "--live-from", "2025-01-01", "-w", folder).code == 0
    assert strand("run", "--until-idle", "-w", folder).code == 0
    (folder / "late.jsonl").write_text(LATE + "\n", encoding="utf-8")
    assert strand("publish", folder / "late.jsonl", "-w", folder).code == 0
    assert strand("run", "--until-idle", "-w", folder).code == 0
    return folder


def damage(file: Path) -> None:
    """Flip a bit of a table file's index, properties or what says where they are."""
    content = bytearray(file.read_bytes())
    content[-300] ^= 0x40
    file.write_bytes(content)


def copies(shop: Path, scratch: Path, place: str) -> list[tuple[Path, Path]]:
    """(copy of the workspace, table file in it): one of each table file."""
    found = []
    for number, file in enumerate(sorted(shop.glob(f"{place}/*.sst"))):
        copy = shutil.copytree(shop, scratch / str(number))
        found.append((copy, copy / file.relative_to(shop)))
    return found


def expect_facts_damaged(answer: Answer, file: Path) -> None:
    assert (answer.code, answer.out) == (1, "")
    assert f"partition 0, file {file.name}: " in answer.err
    assert "readable" in answer.err
    assert f"Operator action: put a copy from `strand backup` in the place of {file.parent}" in answer.err


def test_damaged_facts_are_read_by_nobody_and_nothing_is_rebuilt_from_them(run_shop: Path, tmp_path: Path) -> None:
    found = copies(run_shop, tmp_path, "facts/p0")
    assert len(found) >= 4
    for shop, file in found:
        damage(file)
        live = (shop / "derived/CURRENT").read_bytes()
        for command in (*READING, ["verify"], ["rebuild"], ["rebuild", "--accept"]):
            expect_facts_damaged(strand(*command, "-w", shop), file)
        assert (shop / "derived/CURRENT").read_bytes() == live
        assert len([path for path in (shop / "derived").iterdir() if path.is_dir()]) == 1


def test_a_damaged_live_world_is_shown_to_nobody_until_it_is_rebuilt(run_shop: Path, tmp_path: Path) -> None:
    whole = strand("segments", "--json", "-w", run_shop)
    found = copies(run_shop, tmp_path, "derived/p0.*")
    assert len(found) >= 5
    for shop, file in found:
        damage(file)
        for command in (["customer", "ann"], ["segments"], ["transitions"]):
            answer = strand(*command, "-w", shop)
            assert (answer.code, answer.out) == (1, ""), file
            assert "Operator action: run `strand rebuild`" in answer.err
        verified = strand("verify", "-w", shop)
        assert (verified.code, "Operator action: run `strand rebuild`" in verified.out) == (1, True)
        assert strand("rebuild", "-w", shop).code == 0
        assert strand("segments", "--json", "-w", shop) == whole


def test_a_table_file_that_is_missing_is_damage(run_shop: Path, tmp_path: Path) -> None:
    for number, (shop, file) in enumerate(copies(run_shop, tmp_path, "facts/p0")):
        file.unlink()
        answer = strand(("messages", "verify")[number % 2], "-w", shop)
        assert (answer.code, answer.out) == (1, "")
        assert f"file {file.name}: " in answer.err
