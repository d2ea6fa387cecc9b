"""Duplicates: which ids a customer had within 30 days, exactly.

Hashes of (customer, id) point to offsets: the newest in a dict, older ones in sorted arrays (`seen_tiers.py`). A hit is
confirmed against the log itself, so a collision of hashes costs a read and never an event. The hashes are kept beside
the states (`seen_blocks.py`), without those that did not count, since a copy that was dropped must not shadow a later
one; after a restart only what no block covers is read from the log again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import numpy as np

from engine.ports import Log
from engine.reading import values_of
from engine.seen_blocks import HASH_BYTES, HASHES, Block, gaps, packed, unpacked
from engine.seen_tiers import Merging, Tier
from events.codec import head_of
from events.durations import DAY_MS

HORIZON_MS = 30 * DAY_MS
YOUNG = 32_768
"""Ids kept in the dict before they move to an array, which takes some 5 ms."""

MERGED_AT_ONCE = 4_096
MERGED_AN_EVENT = 16
"""Ids merged with a batch, at least: each is merged some ten times before it is forgotten."""

APART = 4
"""Parts of the horizon whose ids are kept apart, so that they can be forgotten; `MOST_APART` tiers at most."""

MOST_APART = 8
MODULUS = hash("modulus") % (1 << 61) | 1 << 61 | 1
"""Of this process, so that nobody can make ids that collide."""

Key = Callable[[str, str], int]


def key_of(modulus: int) -> Key:
    """A hash for one customer's id: what stays of it modulo a number of 62 bits."""
    number = int.from_bytes
    return lambda customer, event_id: number(f"{customer}\n{event_id}".encode()) % modulus


class Seen:
    """The ids of the last 30 days of a partition."""

    def __init__(self, log: Log, *, key: Key | None = None, young: int = YOUNG) -> None:
        self.log, self.most_young = log, young
        self.modulus, self._own_key = MODULUS, key
        self.key = key or key_of(self.modulus)
        self.young: dict[int, int] = {}
        self.more: dict[int, list[int]] = {}  # further offsets of a hash that two ids share
        self.tiers: list[Tier] = []
        self.newest_ms = 0
        self._merging: Merging | None = None
        self._first = 0  # from here on: the hashes since the last block, and at which offsets none counts
        self._hashes = bytearray()
        self._passed: list[int] = []

    def duplicates(self, events: Sequence[Any], times: Sequence[int], first: int) -> set[int]:
        """The places of events that their customer already had; the others are noted. None is passed over; `times` is
        the journey time at each."""
        key = self.key
        keys = [None if event is None else key(event.customer_id, event.id) for event in events]
        present = [each for each in keys if each is not None] if None in keys else cast("list[int]", keys)
        self._write_down(keys, first)
        if not present:
            return set()
        young, new = self.young, set(present)
        suspects = young.keys() & new
        suspects |= self._in_tiers(present)
        if len(new) < len(present):
            suspects.update(each for each, count in Counter(present).items() if count > 1)
        known = [(each, young[each]) for each in suspects if each in young]
        young.update(zip(keys, range(first, first + len(keys)), strict=True))  # type: ignore[arg-type]  # None goes
        found: set[int] = set()
        if suspects:  # those are looked at one by one, as if none of them had been noted
            for each in suspects:
                del young[each]
            young.update(known)
            found = self._one_by_one(events, keys, times, first, suspects)
            self._passed += [first + place for place in sorted(found)]
        young.pop(None, None)  # type: ignore[call-overload]  # of what was passed over
        self.newest_ms = max(self.newest_ms, times[-1])
        self._tidy(len(events))
        return found

    def _write_down(self, keys: list[int | None], first: int) -> None:
        """Have a batch's hashes in the next block, which has no gaps."""
        if not self._hashes:
            self._first = first
        end = self._first + len(self._hashes) // HASH_BYTES
        keys = [*([None] * (first - end)), *keys] if first > end else keys
        if None in keys:
            self._passed += [offset for offset, each in enumerate(keys, end) if each is None]
            keys = [each or 0 for each in keys]
        self._hashes += np.array(keys, dtype=HASHES).tobytes()

    def block(self) -> bytes | None:
        """What was noted since the last time, for `restore`; None if that is nothing."""
        if not self._hashes:
            return None
        made = Block(self.modulus, self._first, self.newest_ms, bytes(self._hashes), self._passed)
        self._hashes, self._passed = bytearray(), []
        return packed(made)

    def _in_tiers(self, keys: list[int]) -> set[int]:
        hits: set[int] = set()
        if self.tiers:
            asked = np.array(keys, dtype=np.int64)
            asked.sort()
            for tier in self.tiers:
                hits.update(tier.among(asked).tolist())
        return hits

    def _one_by_one(
        self, events: Sequence[Any], keys: Sequence[int | None], times: Sequence[int], first: int, suspects: set[int]
    ) -> set[int]:
        """The duplicates among the events whose hash is known or comes twice; the others of these are noted."""
        found: set[int] = set()
        for place in [place for place, each in enumerate(keys) if each in suspects]:
            each = keys[place]
            assert each is not None
            if self._had(events[place], each, times[place], events, first):
                found.add(place)
                continue
            if each in self.young:
                self.more.setdefault(each, []).append(self.young[each])
            self.young[each] = first + place
        return found

    def _had(self, event: Any, each: int, clock: int, events: Sequence[Any], first: int) -> bool:
        offsets = list(self.more.get(each, ()))
        if each in self.young:
            offsets.append(self.young[each])
        for tier in self.tiers:
            offsets += tier.offsets_of(each)
        for offset in offsets:
            if offset >= first:
                known: Any = events[offset - first]
            else:
                known = head_of(self.log.get(offset))
            same = known.id == event.id and known.customer_id == event.customer_id
            if same and clock - known.appended_at_ms < HORIZON_MS:
                return True
        return False

    # ------------------------------------------------------------ growing old
    def _tidy(self, events: int) -> None:
        """After so many events, move the dict to an array if it is large, and go on merging."""
        if len(self.young) > self.most_young:
            self._age()
        elif self._merging is None:
            self._merging = self._next_merge()
        else:
            tier = self._merging.go_on(max(MERGED_AT_ONCE, MERGED_AN_EVENT * events))
            if tier is not None:
                place = self.tiers.index(self._merging.tiers[0])
                self.tiers[place : place + 2] = [tier]
                self._merging = self._next_merge()

    def _age(self) -> None:
        """Move the dict to an array, forget arrays beyond the horizon."""
        more = [(each, offset) for each, offsets in self.more.items() for offset in offsets]
        hashes = [*self.young, *(each for each, _ in more)]
        tier = Tier.of(hashes, [*self.young.values(), *(offset for _, offset in more)], self.newest_ms)
        self.young, self.more = {}, {}
        self.tiers = [tier for tier in self.tiers if tier.newest_ms > self.newest_ms - HORIZON_MS]
        self.tiers.append(tier)
        if self._merging is None or not all(tier in self.tiers for tier in self._merging.tiers):
            self._merging = self._next_merge()

    def _next_merge(self) -> Merging | None:
        """The newest two neighbours of like size, if they need not be apart."""
        tiers = self.tiers
        for place in range(len(tiers) - 1, 0, -1):
            older, newer = tiers[place - 1], tiers[place]
            apart = older.newest_ms <= self.newest_ms - HORIZON_MS // APART and len(tiers) < MOST_APART
            if len(older.hashes) <= 2 * len(newer.hashes) and not apart:
                return Merging(older, newer)
        return None

    # ------------------------------------------------------------ after a restart
    def restore(self, applied: int, journey_ms: int, kept: Callable[[int], Iterable[tuple[int, bytes]]]) -> None:
        """Have the ids of the last 30 days up to offset `applied` again; `kept` gives what a store has from an offset
        on. Raises msgspec.MsgspecError for bytes that are no block."""
        start = first_within(self.log, applied, journey_ms - HORIZON_MS)
        found = [unpacked(value) for _, value in kept(start)]
        blocks = [each for each in found if isinstance(each, Block)]
        if blocks and self._own_key is None:
            self.modulus = blocks[-1].modulus
            self.key = key_of(self.modulus)
        blocks = [block for block in blocks if block.modulus == self.modulus]
        passed = {offset for each in found for offset in (each if isinstance(each, list) else each.passed)}
        for first, stop in gaps(blocks, start, applied + 1):
            self._read_again(first, stop, passed)
        by_age: dict[int, list[Block]] = {}
        for block in blocks:
            by_age.setdefault(block.newest_ms * APART // HORIZON_MS, []).append(block)
        tiers = [_tier_of(by_age[age]) for age in sorted(by_age)]
        self.tiers = [tier for tier in tiers if len(tier.hashes)] + self.tiers
        self.newest_ms = max([self.newest_ms, *(tier.newest_ms for tier in self.tiers)])

    def _read_again(self, start: int, stop: int, passed: set[int]) -> None:
        while start < stop:
            values = values_of(self.log, start, stop, 5_000)
            heads: list[Any] = []
            for place, value in enumerate(values):
                head = None if start + place in passed else head_of(value)
                heads.append(None if head is None or head.is_control else head)
            self._note(heads, start)
            start += len(values)

    def _note(self, heads: Sequence[Any], first: int) -> None:
        for place, head in enumerate(heads):
            if head is None:
                continue
            each = self.key(head.customer_id, head.id)
            if each in self.young:
                self.more.setdefault(each, []).append(self.young[each])
            self.young[each] = first + place
            self.newest_ms = max(self.newest_ms, head.appended_at_ms)
        self._tidy(len(heads))


def _tier_of(blocks: Sequence[Block]) -> Tier:
    hashes, offsets = zip(*(block.ids() for block in blocks), strict=True)
    return Tier(np.concatenate(hashes), np.concatenate(offsets), max(block.newest_ms for block in blocks))


def first_within(log: Log, end: int, from_ms: int) -> int:
    """The first offset up to `end` whose record was appended after `from_ms`, by bisection."""
    low, high = 0, end + 1
    while low < high:
        middle = (low + high) // 2
        if head_of(log.get(middle)).appended_at_ms <= from_ms:
            low = middle + 1
        else:
            high = middle
    return low
