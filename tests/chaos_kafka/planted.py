"""Faults that are planted in a worker, by name: trials must find each of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from engine.kill_points import reach
from engine.meta import Meta
from engine.runtimes.kafka import claims, decisions
from engine.runtimes.kafka.claims import Claimed, Owned, Rule, decode, encode
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.reader import Reader
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.values import Fetched
from triggers.decisions import Output

BOTH = frozenset({"no-claims"})
"""Planted in readers too: what is kept is for them to say."""


def put(place: Any, name: str, planted: object) -> None:
    """Have a class or module use something else."""
    setattr(place, name, planted)


def state_first() -> None:
    """State is written before the outputs are durable."""
    durable = ClaimedShard.make_durable

    def make_durable(self: ClaimedShard, outputs: list[Output], *, whole: int | None = None) -> None:
        if self.world is not None and whole is not None:
            self.world.flush()
        durable(self, outputs, whole=whole)

    put(ClaimedShard, "make_durable", make_durable)
    put(ClaimedShard, "_usable", lambda *_: True)  # its guard would throw such a state away


def last_decision() -> None:
    """The frontier is the last decision: records that decided nothing leave no mark."""
    durable = ClaimedShard.make_durable

    def make_durable(self: ClaimedShard, outputs: list[Output], *, whole: int | None = None) -> None:
        quiet = whole is not None and whole not in self.activations.offsets()
        durable(self, outputs, whole=None if quiet else whole)

    def usable(self: ClaimedShard, meta: Meta, active: int) -> bool:
        return meta.fold_version == self.fold_version and meta.activation_offset == active

    put(ClaimedShard, "make_durable", make_durable)
    put(ClaimedShard, "_usable", usable)  # its guard would have all folded again


def committed_offset() -> None:
    """A partition is read on where the group's committed offset is."""

    async def stand(self: Reader, place: Any, lane: Lane) -> None: ...

    put(Reader, "_stand", stand)


def dropped_slice() -> None:
    """Now and then a slice is lost between the client and the copy."""
    offer, number = Lane.offer, itertools.count(1)

    def losing(self: Lane, records: Sequence[Fetched], upto: int) -> None:
        offer(self, [] if next(number) % 20 == 0 else records, upto)

    put(Lane, "offer", losing)


def no_claims() -> None:
    """Readers and owners go by positions alone."""

    class AnyClaim(Rule):
        def take(self, offset: int, value: bytes) -> Claimed | bytes | None:
            entry = decode(value)
            if isinstance(entry, Owned):
                self.claim = entry.claim
            return super().take(offset, value)

    def append(self: KafkaDecisions, batch: bytes) -> None:
        reach("before-decisions")
        offset = self._topic.append(encode(Owned(claim=self.claim, batch=batch)))
        reach("after-decisions")
        tail = self._copy.stream_tail
        self._copy.add(type(tail)(end=offset + 1, claim=self.claim, last=offset), [(offset, batch)], [])

    put(claims, "Rule", AnyClaim)
    put(decisions, "Rule", AnyClaim)
    put(KafkaDecisions, "append", append)


PLANTED: dict[str, Callable[[], None]] = {
    "state-first": state_first,
    "last-decision": last_decision,
    "committed-offset": committed_offset,
    "dropped-slice": dropped_slice,
    "no-claims": no_claims,
}
