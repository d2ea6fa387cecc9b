"""The outbox: a file a message, written again to the same bytes, going on where it was."""

from __future__ import annotations

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
