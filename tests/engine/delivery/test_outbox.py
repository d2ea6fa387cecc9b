"""The outbox: a file a message, written again to the same bytes, going on where it was."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from engine.adapters.memory import MemoryDecisions
from engine.delivery.outbox import Outbox
from engine.outputs import encode_batch, mark
from events.errors import StorageFailed
from tests.engine.delivery.test_mail import sent
from tests.engine.runtimes.shop import python
from triggers.decisions import OWN, Decision, Output


def stream_of(*batches: list[Decision]) -> MemoryDecisions:
    """A stream with one output a batch, at offsets 0, 1, ..."""
    stream = MemoryDecisions()
    for offset, decisions in enumerate(batches):
        stream.append(encode_batch([Output((offset, OWN, "ann"), decisions), mark(offset)]))
    return stream


def numbered(number: int, **fields: str) -> Decision:
    return sent(message_id=f"{number:032x}", **fields)


def box(folder: Path) -> Outbox:
    return Outbox(folder, lambda _: None)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def test_each_message_is_a_file_named_after_it(tmp_path: Path) -> None:
    stream = stream_of([numbered(1), numbered(2, kind="suppress")], [numbered(3, channel="sms")])
    assert box(tmp_path / "out").deliver(0, stream) == 2
    assert sorted(files(tmp_path / "out")) == [f"{1:032x}.eml", f"{3:032x}.txt"]


def test_what_was_written_is_not_written_again(tmp_path: Path) -> None:
    stream = stream_of([numbered(1)])
    first = box(tmp_path)
    assert first.deliver(0, stream) == 1
    first.keep_place()
    assert box(tmp_path).deliver(0, stream) == 0
    stream.append(encode_batch([Output((1, OWN, "ann"), [numbered(2)])]))
    assert first.deliver(0, stream) == 1
    assert box(tmp_path).deliver(0, stream) == 1
    assert box(tmp_path).deliver(1, stream) == 2  # each partition has its own place


def test_a_message_that_was_decided_twice_is_one_file(tmp_path: Path) -> None:
    assert box(tmp_path).deliver(0, stream_of([numbered(1)], [numbered(2)], [numbered(1)])) == 3
    assert sorted(files(tmp_path)) == [f"{1:032x}.eml", f"{2:032x}.eml"]


def test_without_its_place_it_writes_the_same_again(tmp_path: Path) -> None:
    stream = stream_of([numbered(1)], [numbered(2)])
    first = box(tmp_path)
    first.deliver(0, stream)
    first.keep_place()
    before = files(tmp_path)
    for damage in (b"", b"{", b'{"version": 9, "places": {}}'):
        (tmp_path / ".cursor").write_bytes(damage)
        again = box(tmp_path)
        assert again.deliver(0, stream) == 2
        again.keep_place()
        assert files(tmp_path) == before


def test_a_position_that_was_seen_is_dropped(tmp_path: Path) -> None:
    stream = stream_of([numbered(1)])
    stream.append(encode_batch([Output((0, OWN, "ann"), [numbered(1)])]))  # sent again after a crash
    stream.append(encode_batch([Output((0, 5, "ann"), [numbered(2)])]))  # before what was kept
    assert box(tmp_path).deliver(0, stream) == 1


def test_facts_from_a_backup_are_written_from_the_start(tmp_path: Path) -> None:
    first = box(tmp_path)
    first.deliver(0, stream_of([numbered(1)], [numbered(2)]))
    first.keep_place()
    assert box(tmp_path).deliver(0, stream_of([numbered(3)])) == 1


def test_nothing_to_send_makes_no_folder(tmp_path: Path) -> None:
    outbox = box(tmp_path / "out")
    assert outbox.deliver(0, stream_of()) == 0
    outbox.keep_place()
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_the_operators(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file is in the way")
    with pytest.raises(StorageFailed, match="Operator action"):
        box(tmp_path / "out").deliver(0, stream_of([numbered(1)]))


class Disk:
    """Looks on at what reaches a folder's disk: which bytes were synced, and which names.

    Worst of all, a power cut takes what was not synced and leaves the newest cursor.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bytes: dict[int, bytes] = {}  # by inode, what of it is on the disk
        self.names: dict[str, int] = {}  # the names on the disk
        self.cuts: list[dict[str, bytes]] = []  # what a cut after each new cursor leaves

    def synced(self, handle: int) -> None:
        inode = os.fstat(handle).st_ino
        if inode == self.folder.stat().st_ino:
            self.names = {each.name: each.stat().st_ino for each in self.folder.iterdir()}
        for each in self.folder.iterdir():
            if each.stat().st_ino == inode:
                self.bytes[inode] = each.read_bytes()

    def renamed(self, target: Path) -> None:
        if target == self.folder / ".cursor":
            left = {name: self.bytes.get(inode, b"") for name, inode in self.names.items()}
            self.cuts.append({**left, ".cursor": self.bytes.get(target.stat().st_ino, b"")})


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    seen, sync, replace = Disk(tmp_path / "out"), os.fsync, os.replace

    def watched_sync(handle: int) -> None:
        sync(handle)
        seen.synced(handle)

    def watched_replace(source: Path, target: Path) -> None:
        replace(source, target)
        seen.renamed(target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    return seen


def test_after_a_power_cut_the_cursor_counts_no_message_that_is_lost(tmp_path: Path, disk: Disk) -> None:
    stream = stream_of(*([numbered(each), numbered(100 + each, channel="sms")] for each in range(9)))
    first = box(disk.folder)
    for each in range(9, 12):
        first.deliver(0, stream)
        first.keep_place()
        stream.append(encode_batch([Output((each, OWN, "ann"), [numbered(each)])]))
    assert len(disk.cuts) == 3
    whole = files(disk.folder)
    for cut in disk.cuts:
        folder = tmp_path / "after"
        folder.mkdir()
        for name, left in cut.items():
            (folder / name).write_bytes(left)
        assert box(folder).deliver(0, stream) < 21  # the cursor is there
        found = files(folder)
        assert {name: found.get(name) for name in whole if name.endswith(("eml", "txt"))}.items() <= whole.items()
        shutil.rmtree(folder)


SCRIPT = """
import sys
from pathlib import Path
from tests.engine.delivery.test_outbox import box, numbered, stream_of
outbox = box(Path(sys.argv[1]))
outbox.deliver(0, stream_of(*([numbered(each)] for each in range(9))))
outbox.keep_place()
"""


@pytest.mark.slow
@pytest.mark.parametrize("kill_at", ["before-outbox-rename:4", "after-outbox-rename:9"])
def test_a_death_leaves_whole_files_only(tmp_path: Path, kill_at: str) -> None:
    stream = stream_of(*([numbered(each)] for each in range(9)))
    box(tmp_path / "whole").deliver(0, stream)
    assert python(SCRIPT, tmp_path / "out", kill_at=kill_at).returncode == -signal.SIGKILL
    whole = files(tmp_path / "whole")
    there = {name: data for name, data in files(tmp_path / "out").items() if name.endswith(".eml")}
    assert there.items() <= whole.items()
    assert len(there) == (3 if kill_at.startswith("before") else 9)
    again = box(tmp_path / "out")
    assert again.deliver(0, stream) == 9
    assert files(tmp_path / "out").items() >= whole.items()
