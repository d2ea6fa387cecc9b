"""A checkpoint is taken whole, with the bytes that were left, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem

from engine.runtimes.kafka import depot as module
from engine.runtimes.kafka.depot import Checkpoint, CheckpointBroken, Depot
from engine.runtimes.kafka.local import Binding
from events.errors import OperatorError, StorageFailed

BINDING = Binding(cluster="c", log="l", decisions="d")


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / "depot") if request.param == "folder" else "memory://depot"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def partition(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def checkpoint(copied: int, number: int = 3) -> Checkpoint:
    return Checkpoint(partition=number, applied=copied - 1, copied=copied, worker="w", at_ms=5, files=[])


FILES = {"copy/1.sst": b"one" * 1000, "copy/CURRENT": b"c", "derived/CURRENT": b"d", "derived/p3.1/2.sst": b""}


def test_what_was_left_is_taken(url: str, tmp_path: Path) -> None:
    left = Depot(url, BINDING).leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    assert {file.path for file in left.files} == FILES.keys()
    depot = Depot(url, BINDING)
    assert depot.newest(3) == [left]
    assert depot.newest(4) == []
    partition(tmp_path / "other" / "p3", {"copy/old": b"goes"})
    depot.take(left, tmp_path / "other" / "p3")
    assert content(tmp_path / "other" / "p3") == FILES


def test_the_newest_come_first_and_few_are_kept(url: str, tmp_path: Path) -> None:
    depot = Depot(url, BINDING)
    for copied in (10, 20, 30, 40):
        depot.leave(partition(tmp_path / "p3", {"copy/x": b"%d" % copied}), checkpoint(copied))
    assert [each.copied for each in depot.newest(3)] == [40, 30]


def test_checkpoints_of_other_topics_are_not_seen(url: str, tmp_path: Path) -> None:
    Depot(url, BINDING).leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    assert Depot(url, Binding(cluster="c", log="made anew", decisions="d")).newest(3) == []


def test_files_that_are_there_are_not_put_again(tmp_path: Path) -> None:
    depot = Depot(str(tmp_path / "depot"), BINDING)
    folder = partition(tmp_path / "p3", FILES)
    depot.leave(folder, checkpoint(10))
    before = {path: path.stat().st_ino for path in (tmp_path / "depot").rglob("*") if path.parent.name == "objects"}
    depot.leave(partition(folder, {"copy/2.sst": b"two"}), checkpoint(20))
    after = {path: path.stat().st_ino for path in (tmp_path / "depot").rglob("*") if path.parent.name == "objects"}
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_what_no_checkpoint_names_is_removed_once_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depot = Depot(str(tmp_path / "depot"), BINDING)

    def objects() -> int:
        return sum(path.parent.name == "objects" for path in (tmp_path / "depot").rglob("*"))

    for copied in (10, 20, 30):
        depot.leave(partition(tmp_path / "p3", {"copy/x": b"%d" % copied}), checkpoint(copied))
    assert objects() == 3
    monkeypatch.setattr(module, "GRACE", timedelta())
    depot.leave(partition(tmp_path / "p3", {"copy/x": b"40"}), checkpoint(40))
    assert objects() == 2


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_file_with_other_bytes_is_noticed_and_nothing_is_replaced(tmp_path: Path, damage: str) -> None:
    depot = Depot(str(tmp_path / "depot"), BINDING)
    left = depot.leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    [largest] = [path for path in (tmp_path / "depot").rglob("*") if path.is_file() and path.stat().st_size == 3000]
    if damage == "gone":
        largest.unlink()
    else:
        largest.write_bytes(b"onf" + largest.read_bytes()[3:] if damage == "flipped" else b"one")
    there = partition(tmp_path / "there", {"copy/mine": b"stays"})
    with pytest.raises(CheckpointBroken):
        depot.take(left, there)
    assert content(there) == {"copy/mine": b"stays"}


def test_a_broken_manifest_is_passed_over(tmp_path: Path) -> None:
    depot = Depot(str(tmp_path / "depot"), BINDING)
    first = depot.leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    depot.leave(tmp_path / "p3", checkpoint(20))
    newest = max((tmp_path / "depot").rglob("*.json"))
    newest.write_bytes(newest.read_bytes()[:-5])
    assert depot.newest(3) == [first]
    newest.write_text(json.dumps({"version": 99}))
    assert depot.newest(3) == [first]


def test_a_file_outside_is_refused(tmp_path: Path) -> None:
    depot = Depot(str(tmp_path / "depot"), BINDING)
    left = depot.leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    outside = msgspec.structs.replace(left.files[0], path="../../evil")
    with pytest.raises(CheckpointBroken, match="outside"):
        depot.take(msgspec.structs.replace(left, files=[outside]), tmp_path / "there")


class Unreachable(MemoryFileSystem):  # type: ignore[misc]  # fsspec ships no annotations
    """A bucket behind a library that raises errors of its own."""

    protocol = "unreachable"

    def ls(self, path: str, detail: bool = True, **_: object) -> list[str]:
        raise RuntimeError("no endpoint")


def test_whatever_a_depot_raises_is_one_error() -> None:
    register_implementation("unreachable", Unreachable)
    with pytest.raises(StorageFailed, match="unreachable://x cannot be used: no endpoint"):
        Depot("unreachable://x", BINDING).newest(3)


def test_a_depot_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="Operator action: install"):
        Depot("nonsense://x", BINDING)
    (tmp_path / "depot").write_text("a file")
    with pytest.raises(StorageFailed, match="Operator action: check"):
        Depot(str(tmp_path / "depot"), BINDING).leave(partition(tmp_path / "p3", FILES), checkpoint(10))
