"""A copy of a partition gives back what was put into it, over restarts, and says where it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.rocksdb_copy import LogTail, RocksCopy, StreamTail
from events.errors import DerivedDamaged, FactsDamaged


def value(number: int) -> bytes:
    return b"%d" % number * (number % 7)


def append(copy: RocksCopy, count: int) -> None:
    first = copy.log_tail.end
    copy.append([value(first + each) for each in range(count)], journey_ms=first, activations=[])


def test_a_new_copy_is_empty(tmp_path: Path) -> None:
    copy = RocksCopy(tmp_path / "copy")
    assert (copy.binding(), copy.log_tail, copy.stream_tail) == (None, LogTail(), StreamTail())
    assert (copy.read(0, 10), list(copy.batches(0)), list(copy.claims())) == ([], [], [])
    copy.close()


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 3, 249, 250, 251, 700]), max_size=6),
    reopened=st.booleans(),
    start=st.integers(0, 2_000),
    limit=st.integers(0, 900),
)
def test_any_part_of_the_log_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], reopened: bool, start: int, limit: int
) -> None:
    path = tmp_path_factory.mktemp("copies") / "copy"
    copy = RocksCopy(path)
    for size in sizes:
        append(copy, size)
    if reopened:
        copy.close()
        copy = RocksCopy(path)
    end = sum(sizes)
    assert copy.log_tail.end == end
    assert copy.read(start, limit) == [value(each) for each in range(start, min(start + limit, end))]
    if start < end:
        assert copy.get(start) == value(start)
    copy.close()


def test_a_log_longer_than_what_is_kept_in_memory(tmp_path: Path) -> None:
    copy = RocksCopy(tmp_path / "copy")
    for _ in range(70):
        append(copy, 300)
    everything = [value(each) for each in range(21_000)]
    assert copy.read(0, 30_000) == everything
    assert [copy.get(each) for each in range(0, 21_000, 501)] == everything[::501]
    copy.close()


@pytest.mark.parametrize("offset", [-1, 3])
def test_an_offset_that_is_not_copied_is_damage(tmp_path: Path, offset: int) -> None:
    copy = RocksCopy(tmp_path / "copy")
    append(copy, 3)
    with pytest.raises(FactsDamaged, match="which ends before 3"):
        copy.get(offset)
    copy.close()


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    copy = RocksCopy(tmp_path / "copy")
    copy.bind(b"topic")
    copy.append([b"a", b"b"], journey_ms=7, activations=[(1, 5)])
    copy.append([b"c"], journey_ms=9, activations=[(2, 6)])
    copy.add(StreamTail(end=4, claim=0, last=3), [(1, b"one"), (3, b"two")], [(0, b"claim")])
    copy.close()
    copy = RocksCopy(tmp_path / "copy")
    assert copy.binding() == b"topic"
    assert copy.log_tail == LogTail(end=3, journey_ms=9, activations=[(1, 5), (2, 6)])
    assert copy.stream_tail == StreamTail(end=4, claim=0, last=3)
    assert (list(copy.batches(0)), list(copy.batches(2)), copy.batch(1)) == ([b"one", b"two"], [b"two"], b"one")
    assert (list(copy.claims()), list(copy.claims(1))) == ([(0, b"claim")], [])
    with pytest.raises(DerivedDamaged, match="made anew"):
        copy.batch(2)
    copy.close()


def test_many_batches_come_in_order(tmp_path: Path) -> None:
    copy = RocksCopy(tmp_path / "copy")
    copy.add(StreamTail(end=2_000), [(each * 2, value(each)) for each in range(1_000)], [])
    assert list(copy.batches(0)) == [value(each) for each in range(1_000)]
    assert list(copy.batches(1_001)) == [value(each) for each in range(501, 1_000)]
    copy.close()
