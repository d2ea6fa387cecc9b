"""Duplicates: which ids a customer had within 30 days, exactly.

Hashes of (customer, id) point to offsets: the newest in a dict, older ones in sorted arrays of 16 bytes an id, merged
as they grow. A hit is confirmed against the log itself, so a collision of hashes costs a read and never an event.
After a restart the index is read again from the log; the offsets that did not count (duplicates, dead letters,
unknown types) are kept beside the states, since a copy that was dropped must not shadow a later one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.ports import Log
from events.codec import head_of
from events.durations import DAY_MS

HORIZON_MS = 30 * DAY_MS
YOUNG = 100_000
"""Ids kept in the dict before they move to an array."""


def key(customer: str, event_id: str) -> int:
    """A hash of this process for one customer's id."""
    return hash((customer, event_id))


class Tier:
    """Older ids: sorted hashes, their offsets, and the newest journey time among them."""

    def __init__(self, hashes: NDArray[np.int64], offsets: NDArray[np.int64], newest_ms: int) -> None:
        order = np.argsort(hashes, kind="stable")
        self.hashes, self.offsets, self.newest_ms = hashes[order], offsets[order], newest_ms

    def merged(self, other: Tier) -> Tier:
        """Both in one."""
        hashes = np.concatenate([self.hashes, other.hashes])
        return Tier(hashes, np.concatenate([self.offsets, other.offsets]), max(self.newest_ms, other.newest_ms))


class Seen:
    """The ids of the last 30 days of a partition."""

    def __init__(self, log: Log, *, key: Callable[[str, str], int] = key, young: int = YOUNG) -> None:
        self.log, self.key, self.most_young = log, key, young
        self.young: dict[int, int] = {}
        self.more: dict[int, list[int]] = {}  # further offsets of a hash that two ids share
        self.tiers: list[Tier] = []
        self.newest_ms = 0

    def duplicates(self, events: Sequence[Any], times: Sequence[int], first: int) -> set[int]:
        """The places of events that their customer already had; the others are noted. None is passed over; `times` is
        the journey time at each."""
        key = self.key
        keys = [None if event is None else key(event.customer_id, event.id) for event in events]
        present = [each for each in keys if each is not None] if None in keys else cast("list[int]", keys)
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
        young.pop(None, None)  # type: ignore[call-overload]  # of what was passed over
        self.newest_ms = max(self.newest_ms, times[-1])
        if len(young) > self.most_young:
            self._age()
        return found

    def _in_tiers(self, keys: list[int]) -> set[int]:
        hits: set[int] = set()
        if self.tiers:
            asked = np.array(keys, dtype=np.int64)
            for tier in self.tiers:
                places = np.searchsorted(tier.hashes, asked)
                places[places == len(tier.hashes)] = 0
                hits.update(asked[tier.hashes[places] == asked].tolist())
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
            low, high = np.searchsorted(tier.hashes, each), np.searchsorted(tier.hashes, each, side="right")
            offsets += tier.offsets[low:high].tolist()
        for offset in offsets:
            if offset >= first:
                known: Any = events[offset - first]
            else:
                known = head_of(self.log.get(offset))
            same = known.id == event.id and known.customer_id == event.customer_id
            if same and clock - known.appended_at_ms < HORIZON_MS:
                return True
        return False

    def _age(self) -> None:
        """Move the dict to an array, merge arrays of like size, forget those beyond the horizon."""
        pairs = [*self.young.items(), *((each, offset) for each, more in self.more.items() for offset in more)]
        made = np.array(pairs, dtype=np.int64)
        self.young, self.more = {}, {}
        self.tiers = [tier for tier in self.tiers if tier.newest_ms > self.newest_ms - HORIZON_MS]
        tier = Tier(made[:, 0], made[:, 1], self.newest_ms)
        while self.tiers and len(self.tiers[-1].hashes) <= 2 * len(tier.hashes):
            last = self.tiers[-1]
            if last.newest_ms <= self.newest_ms - HORIZON_MS // 4 and len(self.tiers) < 8:
                break  # kept apart, so that it can be forgotten
            tier = self.tiers.pop().merged(tier)
        self.tiers.append(tier)

    def restore(self, applied: int, journey_ms: int, not_counted: Iterable[int]) -> None:
        """Read the ids of the last 30 days up to offset `applied` from the log again."""
        start = first_within(self.log, applied, journey_ms - HORIZON_MS)
        skipped = set(not_counted)
        while start <= applied:
            values = self.log.read(start, min(5_000, applied + 1 - start))
            if not values:
                return
            heads: list[Any] = []
            for place, value in enumerate(values):
                head = None if start + place in skipped else head_of(value)
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
        if len(self.young) > self.most_young:
            self._age()


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
