"""A folder says what it is a copy of: of other topics it is emptied, and of a log that was raised it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from engine.adapters.rocksdb_storage import RocksStorage
from engine.runtimes.kafka.local import Binding, LocalPartition, copied_in
from events.errors import OperatorError

BINDING = Binding(cluster="c", log="l", decisions="d", partitions=4)
VERSION_1 = bytes.fromhex("9401a163a16ca164")


@contextmanager
def opened(folder: Path, binding: Binding) -> Iterator[LocalPartition]:
    with closing(LocalPartition(folder, 3, binding, RocksStorage(owner=True))) as local:
        yield local


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With one record in it."""
    with opened(tmp_path, BINDING) as local:
        local.copy.append([b"record"], journey_ms=5, activations=[])
    return tmp_path


def copied(folder: Path, binding: Binding) -> dict[int, int]:
    return copied_in(folder, binding, RocksStorage(owner=True))


def test_a_copy_of_the_same_topics_goes_on(folder: Path) -> None:
    assert copied(folder, BINDING) == {3: 1}
    with opened(folder, BINDING) as local:
        assert local.copy.log_tail.end == 1


def test_a_copy_of_other_topics_is_made_anew(folder: Path) -> None:
    other = msgspec.structs.replace(BINDING, log="made anew")
    assert copied(folder, other) == {}
    with opened(folder, other) as local:
        assert local.copy.log_tail.end == 0


def test_a_copy_of_a_log_that_was_raised_is_refused_and_kept(folder: Path) -> None:
    raised = msgspec.structs.replace(BINDING, partitions=6)
    words = "p3 is of a log with 4 partitions, and it has 6 now\nOperator action: stop publishers"
    with pytest.raises(OperatorError, match=words):
        copied(folder, raised)
    with pytest.raises(OperatorError, match=words), opened(folder, raised):
        pass
    assert copied(folder, BINDING) == {3: 1}


def test_what_version_1_wrote_goes_on_and_is_bound_anew(folder: Path) -> None:
    assert BINDING.topics == VERSION_1  # what depots are named after
    with opened(folder, BINDING) as local:
        local.copy.bind(VERSION_1)
    assert copied(folder, BINDING) == {3: 1}
    with opened(folder, BINDING) as local:
        assert local.copy.log_tail.end == 1
    with pytest.raises(OperatorError, match="of a log with 4 partitions"):
        copied(folder, msgspec.structs.replace(BINDING, partitions=6))


@pytest.mark.parametrize("written", [b"\x01", b"junk", msgspec.msgpack.encode([9, "c", "l", "d", 4, "more"])])
def test_what_another_release_bound_is_made_anew(folder: Path, written: bytes) -> None:
    with opened(folder, BINDING) as local:
        local.copy.bind(written)
    assert copied(folder, BINDING) == {}
    with opened(folder, BINDING) as local:
        assert local.copy.log_tail.end == 0
