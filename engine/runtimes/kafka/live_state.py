"""What a worker holds of a partition, as it stands on its disk, with the offset up to which that is.

A follower of the partition's store is read beside the lane, which goes on meanwhile: it sees one flush, whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from engine.compiled import Compiled
from engine.hashes import MODULUS, as_text, canonical_under, customer_hash
from engine.meta import ADVICE, Meta, read_meta
from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.sampling import ALL, Sample
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.workplace import Workplace
from engine.workspace.generations import Generations
from events.errors import DerivedDamaged, OperatorError

if TYPE_CHECKING:
    from engine.adapters.rocksdb_derived import RocksDerived

T = TypeVar("T")

AT_ONCE = 200
"""Customers between two turns given to the lanes."""

TRIES = 5


class LiveState(msgspec.Struct, frozen=True, kw_only=True):
    """A partition's state at a stated offset: the sum of its customers' hashes, and each one's if it was asked for.

    Counters are the partition's, also of a sample. Of a partition without a rulebook `applied` is -1.
    """

    partition: int
    applied: int = -1
    activation_offset: int = -1
    journey_ms: int = 0
    fold_version: int = 0
    rulebook: str = ""
    claim: int = -1
    counters: dict[str, int] = {}
    state_hash: str = as_text(0)
    customers: dict[str, str] = {}


COUNTERS = ("events", "duplicates", "dead_letters", "unknown", "customers", "transitions")


class NotHere(Exception):
    """The partition is not open in this worker, or was given away meanwhile."""


async def ask(lane: Lane | None, what: Callable[[ClaimedShard], T]) -> T:
    """Have a lane's thread do something between two batches; raises NotHere where it is not open or ends."""
    if lane is None or lane.shard is None or lane.over.is_set():
        raise NotHere
    answer: asyncio.Future[T] = asyncio.wrap_future(lane.ask(what))
    ended: asyncio.Future[Any] = asyncio.ensure_future(lane.over.wait())
    try:
        await asyncio.wait(set[asyncio.Future[Any]]({answer, ended}), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise NotHere
        return answer.result()
    finally:
        ended.cancel()  # never the answer: its thread would fail at giving it


async def live_state(lane: Lane | None, sample: Sample = ALL, *, each: bool = False) -> LiveState:
    """What the lane's worker holds now, flushed before; raises NotHere, or OperatorError if it cannot be read."""
    for _ in range(TRIES):
        compiled = await ask(lane, _flushed)
        assert lane is not None
        if compiled is None:
            return LiveState(partition=lane.partition)
        found = await asyncio.to_thread(_hashed, lane.place, lane.partition, compiled, sample, each=each)
        if found is not None:
            return found
    raise NotHere  # generations are swapped faster than they are read


def _flushed(shard: ClaimedShard) -> Compiled | None:
    shard.flush()
    return None if shard.world is None else shard.world.compiled


@contextmanager
def followed_store(place: Workplace, partition: int) -> Iterator[RocksDerived | None]:
    """A partition's live store as of its last flush, to read beside its owner; None if it was swapped away meanwhile.

    The body runs with its turn, and passes it on.
    """
    from engine.adapters.rocksdb_derived import RocksDerived  # noqa: PLC0415 -- adapters load when chosen
    from engine.adapters.rocksdb_options import Access  # noqa: PLC0415 -- likewise

    with place.bridge.turn:
        generations = Generations(place.folder / f"p{partition}" / "derived")
        name = generations.live().get(partition)
        store = None
        if name is not None:
            try:
                store = RocksDerived(generations.path(name), access=Access.FOLLOW, memory=place.storage.memory)
            except OperatorError:
                if generations.live().get(partition) == name:
                    raise
        if store is None:
            yield None
            return
        with closing(store):
            yield store


def _hashed(place: Workplace, partition: int, compiled: Compiled, sample: Sample, *, each: bool) -> LiveState | None:
    """The hashes in the live store; None if it is of another rulebook than `compiled`."""
    with followed_store(place, partition) as store:
        meta = None if store is None else read_meta(store)
        if store is None or meta is None or meta.rulebook != compiled.rulebook.hash:
            return None
        total, customers = 0, {}
        for number, (customer, data) in enumerate(store.customers()):
            if number % AT_ONCE == 0:
                place.bridge.turn.pass_on()
            if not sample.holds(customer):
                continue
            state = _decoded(compiled, customer, data)
            if state.known_since__at is None:
                continue
            part = customer_hash(customer, canonical_under(compiled, state, meta.journey_ms))
            total += part
            if each:
                customers[customer] = as_text(part)
        return state_of(partition, meta, total, customers)


def state_of(partition: int, meta: Meta, total: int, customers: dict[str, str]) -> LiveState:
    """A state as it is told."""
    return LiveState(
        partition=partition,
        applied=meta.applied,
        activation_offset=meta.activation_offset,
        journey_ms=meta.journey_ms,
        fold_version=meta.fold_version,
        rulebook=meta.rulebook,
        claim=meta.claim,
        counters={name: getattr(meta, name) for name in COUNTERS},
        state_hash=as_text(total % MODULUS),
        customers=customers,
    )


def _decoded(compiled: Compiled, customer: str, data: bytes) -> Any:
    try:
        return compiled.program.codec.decode(data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise DerivedDamaged(f"the state of {customer!r} cannot be read: {error}", ADVICE) from None
