"""Sorted arrays of hashes and the offsets they stand for, 16 bytes an id; merged in parts, so that no batch waits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]


class Tier:
    """Ids by hash: sorted hashes, their offsets, and the newest journey time among them."""

    def __init__(self, hashes: Int64s, offsets: Int64s, newest_ms: int) -> None:
        order = np.argsort(hashes, kind="stable")
        self.hashes, self.offsets, self.newest_ms = hashes[order], offsets[order], newest_ms

    @classmethod
    def of(cls, hashes: Iterable[int], offsets: Iterable[int], newest_ms: int) -> Tier:
        """The same of what is no array yet."""
        return cls(np.fromiter(hashes, np.int64), np.fromiter(offsets, np.int64), newest_ms)

    def among(self, asked: Int64s) -> Int64s:
        """Those of the hashes asked for that are here; they are quicker looked up in order."""
        places = np.searchsorted(self.hashes, asked)
        places[places == len(self.hashes)] = 0
        found: Int64s = asked[self.hashes[places] == asked]
        return found

    def offsets_of(self, each: int) -> list[int]:
        """The offsets of one hash."""
        low, high = np.searchsorted(self.hashes, each), np.searchsorted(self.hashes, each, side="right")
        found: list[int] = self.offsets[low:high].tolist()
        return found


class Merging:
    """Two tiers on their way to one."""

    def __init__(self, older: Tier, newer: Tier) -> None:
        self.tiers = (older, newer)
        size = len(older.hashes) + len(newer.hashes)
        self._hashes, self._offsets = np.empty(size, np.int64), np.empty(size, np.int64)
        self._taken = [0, 0]

    def go_on(self, ids: int) -> Tier | None:
        """Merge about so many ids more of each; the tier that both make once that is all."""
        ahead = [
            tier.hashes[min(taken + ids, len(tier.hashes)) - 1]
            for tier, taken in zip(self.tiers, self._taken, strict=True)
            if taken < len(tier.hashes)
        ]
        stops = [int(np.searchsorted(tier.hashes, min(ahead), side="right")) for tier in self.tiers]
        parts = [(tier, slice(*place)) for tier, *place in zip(self.tiers, self._taken, stops, strict=True)]
        hashes = np.concatenate([tier.hashes[part] for tier, part in parts])
        order = np.argsort(hashes, kind="stable")
        made = slice(sum(self._taken), sum(stops))
        self._hashes[made] = hashes[order]
        self._offsets[made] = np.concatenate([tier.offsets[part] for tier, part in parts])[order]
        self._taken = stops
        if made.stop < len(self._hashes):
            return None
        whole = Tier.__new__(Tier)  # in order already
        whole.hashes, whole.offsets = self._hashes, self._offsets
        whole.newest_ms = max(tier.newest_ms for tier in self.tiers)
        return whole
