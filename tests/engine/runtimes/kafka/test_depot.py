"""A checkpoint is taken whole, with the bytes that were left, or not at all."""

from __future__ import annotations

import json
import socket
import sys
import traceback
from datetime import timedelta
from pathlib import Path

import fsspec
import msgspec
import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from engine.runtimes.kafka import depot as module
from engine.runtimes.kafka import depot_files
from engine.runtimes.kafka.depot import Checkpoint, CheckpointBroken, Depot
from engine.runtimes.kafka.local import Binding
from events.errors import OperatorError, StorageFailed
from tests.engine.runtimes.kafka.depots import Site

BINDING = Binding(cluster="c", log="l", decisions="d")


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


def test_what_was_left_is_taken(site: Site, tmp_path: Path) -> None:
    left = Depot(site.url, BINDING).leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    assert {file.path for file in left.files} == FILES.keys()
    depot = Depot(site.url, BINDING)
    assert depot.newest(3) == [left]
    assert depot.newest(4) == []
    partition(tmp_path / "other" / "p3", {"copy/old": b"goes"})
    depot.take(left, tmp_path / "other" / "p3")
    assert content(tmp_path / "other" / "p3") == FILES


def test_the_newest_come_first_and_few_are_kept(site: Site, tmp_path: Path) -> None:
    depot = Depot(site.url, BINDING)
    for copied in (10, 20, 30, 40):
        depot.leave(partition(tmp_path / "p3", {"copy/x": b"%d" % copied}), checkpoint(copied))
    assert [each.copied for each in depot.newest(3)] == [40, 30]
    assert len(site.manifests()) == 2


def test_checkpoints_of_other_topics_are_not_seen(site: Site, tmp_path: Path) -> None:
    Depot(site.url, BINDING).leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    assert Depot(site.url, Binding(cluster="c", log="made anew", decisions="d")).newest(3) == []


def test_files_that_are_there_are_not_put_again(site: Site, tmp_path: Path) -> None:
    depot = Depot(site.url, BINDING)
    folder = partition(tmp_path / "p3", FILES)
    depot.leave(folder, checkpoint(10))
    before = site.writings()
    Depot(site.url, BINDING).leave(partition(folder, {"copy/2.sst": b"two"}), checkpoint(20))
    after = site.writings()
    assert (len(before), len(after)) == (len(FILES), len(FILES) + 1)
    assert before.items() <= after.items()


def test_files_that_another_worker_removed_are_put_again(site: Site, tmp_path: Path) -> None:
    depot = Depot(site.url, BINDING)
    folder = partition(tmp_path / "p3", FILES)
    depot.leave(folder, checkpoint(10))
    for place in site.objects():
        site.remove(place)
    depot.take(depot.leave(folder, checkpoint(20)), tmp_path / "taken")
    assert content(tmp_path / "taken") == FILES


def test_what_no_checkpoint_names_is_removed_once_it_is_old(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = Depot(site.url, BINDING)
    for copied in (10, 20, 30):
        depot.leave(partition(tmp_path / "p3", {"copy/x": b"%d" % copied}), checkpoint(copied))
    assert len(site.objects()) == 3
    monkeypatch.setattr(module, "GRACE", timedelta())
    depot.leave(partition(tmp_path / "p3", {"copy/x": b"40"}), checkpoint(40))
    assert sorted(map(site.read, site.objects())) == [b"30", b"40"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_file_with_other_bytes_is_noticed_and_nothing_is_replaced(site: Site, tmp_path: Path, damage: str) -> None:
    depot = Depot(site.url, BINDING)
    left = depot.leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    largest = max(site.objects(), key=lambda place: len(site.read(place)))
    if damage == "gone":
        site.remove(largest)
    else:
        site.write(largest, b"onf" + site.read(largest)[3:] if damage == "flipped" else b"one")
    there = partition(tmp_path / "there", {"copy/mine": b"stays"})
    with pytest.raises(CheckpointBroken):
        depot.take(left, there)
    assert content(there) == {"copy/mine": b"stays"}


def test_a_broken_or_missing_manifest_is_passed_over(site: Site, tmp_path: Path) -> None:
    depot = Depot(site.url, BINDING)
    first = depot.leave(partition(tmp_path / "p3", FILES), checkpoint(10))
    depot.leave(tmp_path / "p3", checkpoint(20))
    newest = site.manifests()[-1]
    for broken in (site.read(newest)[:-5], json.dumps({"version": 99}).encode()):
        site.write(newest, broken)
        assert depot.newest(3) == [first]
    site.remove(newest)
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


def test_without_its_package_a_bucket_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(_registry, "s3", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(OperatorError, match=r"Operator action: install strand-journeys\[s3\], or name another depot$"):
        Depot("s3://bucket/strand", BINDING)


def refusal(depot: str) -> str:
    """What is told of a depot that cannot be used, with everything that it was made of."""
    kind = fsspec.get_filesystem_class("s3")
    kind.clear_instance_cache()  # one that was made before would do as before
    try:
        with pytest.raises(StorageFailed, match=r"Operator action: check that the depot is there") as refused:
            Depot(depot, BINDING).newest(3)
        return "".join(traceback.format_exception(refused.value))
    finally:
        kind.clear_instance_cache()


def test_who_may_not_ask_is_told_so_and_no_secret_is_repeated(
    bucket: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-and-secret")
    told = refusal(bucket.url)
    assert "signature" in told
    assert "wrong-and-secret" not in told + caplog.text


def test_a_bucket_that_never_answers_is_given_up(bucket: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depot_files, "PATIENCE", {"read_timeout": 0.01, "retries": {"total_max_attempts": 1}})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "Read timeout" in refusal(bucket.url)


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_damaged_file_is_written_again_by_the_next_checkpoint(site: Site, tmp_path: Path, damage: str) -> None:
    depot = Depot(site.url, BINDING)
    folder = partition(tmp_path / "p3", FILES)
    left = depot.leave(folder, checkpoint(10))
    largest = max(site.objects(), key=lambda place: len(site.read(place)))
    if damage == "flipped":
        site.write(largest, b"onf" + site.read(largest)[3:])
        with pytest.raises(CheckpointBroken):  # only who takes it can tell
            Depot(site.url, BINDING).take(left, tmp_path / "broken")
    else:
        site.write(largest, b"one")
    depot.take(depot.leave(folder, checkpoint(20)), tmp_path / "taken")
    assert content(tmp_path / "taken") == FILES
