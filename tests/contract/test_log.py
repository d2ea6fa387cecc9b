"""What every `Log` does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.memory import MemoryLog
from engine.adapters.rocksdb_facts import RocksFacts
from events.errors import FactsDamaged
from tests.contract.adapters import FactsAdapter


def test_a_new_log_is_empty(facts: FactsAdapter) -> None:
    log = facts.open().log
    assert log.end() == 0
    assert log.read(0, 10) == []
    assert log.meta("import") is None


def test_offsets_count_from_0_without_gaps(facts: FactsAdapter) -> None:
    log = facts.open().log
    assert log.append([b"a", b"b"]) == 0
    assert log.append([b"c"]) == 2
    assert log.end() == 3
    assert log.read(0, 10) == [b"a", b"b", b"c"]
    assert [log.get(offset) for offset in range(3)] == [b"a", b"b", b"c"]


def test_a_read_begins_and_ends_where_it_is_told(facts: FactsAdapter) -> None:
    log = facts.open().log
    log.append([b"%d" % n for n in range(1000)])
    assert log.read(998, 10) == [b"998", b"999"]
    assert log.read(3, 2) == [b"3", b"4"]
    assert log.read(3, 0) == []
    assert log.read(1000, 10) == []
    assert log.read(2000, 10) == []


def test_a_reader_that_goes_on_sees_every_record_once_in_order(facts: FactsAdapter) -> None:
    log = facts.open().log
    read: list[bytes] = []
    for batch in range(20):
        log.append([b"%d.%d" % (batch, n) for n in range(batch * 7)])
        while run := log.read(len(read), 13):
            read += run
    assert read == [b"%d.%d" % (batch, n) for batch in range(20) for n in range(batch * 7)]


def test_empty_and_large_values_and_all_bytes_come_back(facts: FactsAdapter) -> None:
    log = facts.open().log
    values = [b"", bytes(range(256)), b"\xff" * (256 << 10), b"\0", b"x" * (3 << 20)]
    log.append(values)
    assert [log.get(offset) for offset in range(5)] == values
    assert facts.reopen().log.read(0, 5) == values


def test_large_values_may_take_several_reads_but_none_is_missed(facts: FactsAdapter) -> None:
    log = facts.open().log
    values = [bytes([n % 256]) * (256 << 10) for n in range(300)]
    for start in range(0, 300, 50):
        log.append(values[start : start + 50])
    read: list[bytes] = []
    while run := log.read(len(read), 1000):
        read += run
    assert read == values


def test_the_log_is_there_after_a_restart_and_goes_on(facts: FactsAdapter) -> None:
    facts.open().log.append([b"a", b"b"], {"import": b"7"})
    log = facts.reopen().log
    assert log.end() == 2
    assert log.append([b"c"]) == 2
    assert log.read(0, 10) == [b"a", b"b", b"c"]
    assert log.meta("import") == b"7"


def test_meta_is_written_with_the_values_and_the_last_wins(facts: FactsAdapter) -> None:
    log = facts.open().log
    log.append([b"a"], {"import": b"1", "größe": b"\0"})
    log.append([], {"import": b"2"})
    assert log.end() == 1
    assert log.meta("import") == b"2"
    assert log.meta("größe") == b"\0"
    assert log.meta("format") is None


@pytest.mark.parametrize("offset", [-1, 2, 1 << 40])
def test_an_offset_that_the_log_does_not_have_is_damage(facts: FactsAdapter, offset: int) -> None:
    log = facts.open().log
    log.append([b"a", b"b"])
    with pytest.raises(FactsDamaged, match="Operator action: "):
        log.get(offset)


@settings(max_examples=25)
@given(batches=st.lists(st.lists(st.binary(max_size=40), max_size=6), max_size=8), start=st.integers(0, 30))
def test_rocksdb_and_memory_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]], start: int
) -> None:
    kept = RocksFacts(tmp_path_factory.mktemp("facts") / "p0", 0, create=True)
    memory = MemoryLog()
    for batch in batches:
        assert kept.log.append(batch) == memory.append(batch)
    assert kept.log.read(start, 9) == memory.read(start, 9)
    assert kept.log.end() == memory.end()
    kept.close()
