"""The index of duplicates says what a plain dictionary of all ids would say, whatever hashes collide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

import msgspec
import numpy as np
import pytest

from engine.adapters.memory import MemoryLog
from engine.seen import HORIZON_MS, MODULUS, Seen, first_within, key_of
from engine.seen_blocks import unpacked
from engine.seen_tiers import Merging, Tier
from events.codec import encode_record, encode_tick, head_of
from events.envelope import Event
from events.errors import FactsDamaged

DAY = 86_400_000
key = key_of(MODULUS)
START = 1_700_000_000_000


def few_keys(customer: str, event_id: str) -> int:
    """A hash that takes five values."""
    return sum(map(ord, customer + event_id)) % 5


def one_key(customer: str, event_id: str) -> int:
    return 7


@dataclass
class Naive:
    """Every id with the instants at which it counted."""

    counted: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def is_duplicate(self, customer: str, event_id: str, t: int) -> bool:
        times = self.counted.setdefault((customer, event_id), [])
        if any(t - time < HORIZON_MS for time in times):
            return True
        times.append(t)
        return False


class Stream:
    """A log that grows, its records' heads, and those that were told to be duplicates."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.not_counted: list[int] = []

    def append(self, customer: str, event_id: str, t: int) -> None:
        event = Event(id=event_id, type="page_viewed", customer_id=customer, occurred_at_ms=t)
        self.log.append([encode_record(event, t)])

    def tick(self, t: int) -> None:
        self.log.append([encode_tick(t)])

    def asked(self, seen: Seen, first: int) -> list[int]:
        """Offsets of the duplicates from `first` on, as one batch."""
        heads = [head_of(value) for value in self.log.read(first, 10_000)]
        times = list(accumulate((head.appended_at_ms for head in heads), max))
        found = seen.duplicates([None if head.is_control else head for head in heads], times, first)
        offsets = sorted(first + place for place in found)
        self.not_counted += offsets
        return offsets


@dataclass
class Kept:
    """What a store has of an index: values by the last offset that they are about."""

    values: dict[int, bytes] = field(default_factory=dict)

    def flush(self, seen: Seen, stream: Stream) -> None:
        block = seen.block()
        if block is not None:
            self.values[stream.log.end() - 1] = block

    def first_version(self, stream: Stream) -> None:
        """As a store of the first release has it: only what did not count."""
        self.values = {stream.log.end() - 1: msgspec.msgpack.encode(stream.not_counted)}

    def since(self, start: int) -> Iterator[tuple[int, bytes]]:
        return ((offset, value) for offset, value in sorted(self.values.items()) if offset >= start)


def lived(seed: int, seen_by: list[Seen], stream: Stream, *, restarts: bool) -> int:
    """Append random batches and ask every index and the naive one; gives how many duplicates there were."""
    random, naive, t, duplicates = Random(seed), Naive(), START, 0
    kept = [Kept() for _ in seen_by]
    for _ in range(60):
        first, expected = stream.log.end(), []
        for _ in range(random.choice([0, 1, 2, 7, 30])):
            t += random.choice([0, 0, 0, 1, DAY, 9 * DAY, 10 * DAY - 1])
            if random.random() < 0.1:
                stream.tick(t)
                continue
            customer, event_id = random.choice("ab"), str(random.randrange(25))
            if naive.is_duplicate(customer, event_id, t):
                expected.append(stream.log.end())
            stream.append(customer, event_id, t)
        duplicates += len(expected)
        before = list(stream.not_counted)
        for place, seen in enumerate(seen_by):
            stream.not_counted = list(before)
            assert stream.asked(seen, first) == expected
            if restarts and random.random() < 0.5:
                kept[place].flush(seen, stream)
            if restarts and random.random() < 0.3 and stream.log.end():
                kept[place].flush(seen, stream)
                if random.random() < 0.2:
                    kept[place].first_version(stream)
                seen_by[place] = Seen(stream.log, key=None if seen.key is key else seen.key, young=seen.most_young)
                seen_by[place].restore(stream.log.end() - 1, t, kept[place].since)
    return duplicates


@pytest.mark.parametrize("seed", range(12))
def test_it_is_exact_with_any_hash_and_any_number_of_tiers(seed: int) -> None:
    stream = Stream()
    indexes = [
        Seen(stream.log, key=hash_of, young=young) for hash_of in (key, few_keys, one_key) for young in (0, 3, 1_000)
    ]
    assert lived(seed, indexes, stream, restarts=False) > 20


@pytest.mark.parametrize("seed", range(12))
def test_a_restart_makes_no_difference(seed: int) -> None:
    stream = Stream()
    indexes = [Seen(stream.log, young=5), Seen(stream.log, key=few_keys, young=5)]
    indexes[0].key = key
    assert lived(seed, indexes, stream, restarts=True) > 20


def test_thirty_days_end_on_the_ms() -> None:
    stream = Stream()
    seen = Seen(stream.log)
    for place, (t, duplicate) in enumerate(
        [(START, False), (START + HORIZON_MS - 1, True), (START + HORIZON_MS, False), (START + HORIZON_MS + 1, True)]
    ):
        stream.append("ann", "e1", t)
        assert stream.asked(seen, place) == ([place] if duplicate else [])


def test_another_customer_may_have_the_same_id() -> None:
    stream = Stream()
    for customer in ("ann", "bea", "ann"):
        stream.append(customer, "e1", START)
    assert stream.asked(Seen(stream.log), 0) == [2]


@pytest.mark.parametrize("blocks", [True, False])
def test_a_copy_that_was_dropped_does_not_shadow_a_later_one(*, blocks: bool) -> None:
    """Ann's second is a duplicate on day 20; on day 31 the first is forgotten, and the second never counted."""
    stream = Stream()
    for day in (0, 20):
        stream.append("ann", "e1", START + day * DAY)
    seen = Seen(stream.log)
    assert stream.asked(seen, 0) == [1]
    kept = seen.block() if blocks else msgspec.msgpack.encode(stream.not_counted)
    assert kept is not None
    restored = Seen(stream.log)
    restored.restore(1, START + 20 * DAY, lambda _: [(1, kept)])
    stream.append("ann", "e1", START + 31 * DAY)
    assert stream.asked(restored, 2) == []


def test_a_restored_index_reads_thirty_days_of_log_and_no_more() -> None:
    stream = Stream()
    for day in range(100):
        stream.append("ann", f"e{day}", START + day * DAY)
    seen = Seen(stream.log)
    seen.restore(99, START + 99 * DAY, lambda _: [])
    assert sorted(seen.young.values()) == list(range(70, 100))


def test_records_that_a_log_has_lost_are_not_taken_for_new_ids() -> None:
    stream = Stream()
    for day in range(3):
        stream.append("ann", f"e{day}", START + day * DAY)
    with pytest.raises(FactsDamaged, match="entry 3 is missing"):
        Seen(stream.log).restore(5, START + 5 * DAY, lambda _: [])


class Unread(MemoryLog):
    """A log of which single records may be asked for, and no range."""

    def read(self, start: int, limit: int) -> list[bytes]:
        raise AssertionError("nothing is read again")


def test_what_blocks_cover_is_not_read_from_the_log_again() -> None:
    stream, kept, seen = Stream(), Kept(), None
    stream.log = Unread()
    for day in range(100):
        stream.append("ann", f"e{day}", START + day * DAY)
    for process in range(3):  # each goes on with the hashes of the first
        seen = Seen(stream.log, young=7)
        if process:
            seen.restore(33 * process, START + 33 * process * DAY, kept.since)
        for day in range(33 * process + 1 if process else 0, 33 * (process + 1) + 1):
            head = head_of(stream.log.get(day))
            assert seen.duplicates([head], [head.appended_at_ms], day) == set()
        block = seen.block()
        assert block is not None
        kept.values[33 * (process + 1)] = block
    assert seen is not None
    head = head_of(stream.log.get(80))
    assert seen.duplicates([head], [START + 99 * DAY], 100) == {0}


def test_a_block_of_another_modulus_is_read_from_the_log() -> None:
    stream, kept = Stream(), Kept()
    for day in range(10):
        stream.append("ann", f"e{day}", START + day * DAY)
    for first, modulus in ((0, 12_345_677), (5, 7_654_321)):
        seen = Seen(stream.log)
        seen.modulus, seen.key = modulus, key_of(modulus)
        heads = [head_of(value) for value in stream.log.read(first, 5)]
        seen.duplicates(heads, [head.appended_at_ms for head in heads], first)
        block = seen.block()
        assert block is not None
        kept.values[first + 4] = block
    restored = Seen(stream.log)
    restored.restore(9, START + 9 * DAY, kept.since)
    assert restored.modulus == 7_654_321
    for day in range(10):
        stream.append("ann", f"e{day}", START + 9 * DAY)
    assert stream.asked(restored, 10) == list(range(10, 20))


@pytest.mark.parametrize("value", [b"", b"\x02", b"\x02\x90", b"\x81\x00\x00", b"\x03\x90"])
def test_other_bytes_are_no_block(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        unpacked(value)


@pytest.mark.parametrize("seed", range(20))
def test_merging_in_parts_is_merging(seed: int) -> None:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 300, 2)
    tiers = [
        Tier(random.integers(0, random.choice([3, 50, 1 << 60]), size), np.arange(size, dtype=np.int64) + at, at)
        for at, size in enumerate(sizes)
    ]
    merging, whole, parts = Merging(tiers[0], tiers[1]), None, 0
    while whole is None:
        whole, parts = merging.go_on(int(random.integers(1, 60))), parts + 1
    assert parts <= sum(sizes)
    assert list(whole.hashes) == sorted([*tiers[0].hashes, *tiers[1].hashes])
    expected = sorted((each, offset) for tier in tiers for each, offset in zip(tier.hashes, tier.offsets, strict=True))
    assert sorted(zip(whole.hashes, whole.offsets, strict=True)) == expected
    assert whole.newest_ms == 1


def test_old_tiers_are_forgotten_and_young_ones_merge() -> None:
    stream = Stream()
    seen = Seen(stream.log, young=10)
    for day in range(300):
        for each in range(5):
            stream.append("ann", f"e{day}-{each}", START + day * DAY)
        assert stream.asked(seen, 5 * day) == []
        assert len(seen.tiers) <= 9
    kept = sum(len(tier.hashes) for tier in seen.tiers) + len(seen.young)
    assert 150 <= kept <= 300  # thirty days are 150 ids; a tier goes as a whole
    assert all(list(tier.hashes) == sorted(tier.hashes) for tier in seen.tiers)


@pytest.mark.parametrize("end", [-1, 0, 9])
def test_the_first_record_within_a_time_is_found_by_bisection(end: int) -> None:
    stream = Stream()
    for place in range(10):
        stream.tick(START + place // 2)
    for after in range(-2, 7):
        expected = next((o for o in range(end + 1) if o // 2 > after), end + 1)
        assert first_within(stream.log, end, START + after) == expected
