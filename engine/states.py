"""The states of a partition's customers in memory, and what the next flush writes."""

from __future__ import annotations

from collections.abc import Iterator, Set
from heapq import merge
from typing import Any

import msgspec

from engine.compiled import Compiled
from engine.ports import DerivedStore, Flush, Log
from engine.seen import Seen
from engine.timers import Timers
from events.errors import DerivedDamaged
from events.fold_version import FOLD_VERSION
from projections.expressions.runtime import NEVER
from projections.state import encode_large, integer

META_VERSION = 1
CACHE_STATES = 10_000
"""A state with a hundred segments takes about 4.5 kB in memory (`strand bench customers`)."""

FLUSH_EVENTS = 100_000
"""What a kill leaves to be folded again: some seconds' worth."""

CALM_BATCH = 1_500
"""Records in a batch of a shard that keeps up; one that lags takes more."""

CALM_STATES = 500
"""A shard that keeps up has time for small flushes, which keep no event waiting (`strand bench latency`)."""

ADVICE = "run `strand rebuild`; facts/ are unharmed"


class Meta(msgspec.Struct, kw_only=True):
    """What a world says of itself; a state is a cache, and this tells whether it is one of ours."""

    version: int = META_VERSION
    fold_version: int = FOLD_VERSION
    rulebook: str
    layout: str  # the states' slots, as `Compiled.fingerprint` has them
    activation_offset: int
    applied: int = -1
    journey_ms: int = 0
    batches_read: int = 0
    claim: int = -1  # whose state it is, where several may own a partition one after another
    overdue: list[str] = []  # customers with a match that the fold found due and not decided
    events: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    unknown: int = 0
    customers: int = 0
    transitions: int = 0


class StepRecord(msgspec.Struct, array_like=True, gc=False):
    """One step's transitions as the store keeps them; entities are numbers of the generation's program."""

    offset: int
    at_ms: int
    customer: str
    cause: str
    event_type: str | None
    before: tuple[Any, ...]
    changes: list[tuple[Any, ...]]  # (entity, from, to, *after)


_encode = msgspec.msgpack.Encoder().encode
_decode_meta = msgspec.msgpack.Decoder(Meta).decode
_decode_steps = msgspec.msgpack.Decoder(list[StepRecord], ext_hook=integer).decode
_decode_offsets = msgspec.msgpack.Decoder(list[int]).decode


def read_meta(store: DerivedStore) -> Meta | None:
    """What the store's world says of itself; None for an empty store or one of another layout."""
    data = store.meta()
    if data is None:
        return None
    try:
        meta = _decode_meta(data)
    except msgspec.MsgspecError:
        return None
    return meta if meta.version == META_VERSION else None


def encode_steps(steps: list[StepRecord]) -> bytes:
    """The bytes of step records."""
    try:
        return _encode(steps)
    except OverflowError:  # a sum beyond 64 bits in the evidence
        return encode_large(steps)


def read_steps(data: bytes) -> list[StepRecord]:
    """The step records packed together; raises DerivedDamaged for bytes that are none."""
    try:
        return _decode_steps(data)
    except msgspec.MsgspecError as error:
        raise DerivedDamaged(f"transitions cannot be read: {error}", ADVICE) from None


class States:
    """A cache of states in two halves (what was not used while one half filled is dropped) over the store."""

    def __init__(self, compiled: Compiled, store: DerivedStore, log: Log, meta: Meta, *, cache: int) -> None:
        if meta.layout != compiled.fingerprint:
            raise DerivedDamaged("derived/ was written by another release, which kept its states otherwise", ADVICE)
        self.compiled = compiled
        self.program = compiled.program
        self.store = store
        self.log = log
        self.meta = meta
        self.cache = cache
        self.hot: dict[str, Any] = {}
        self.cold: dict[str, Any] = {}
        self.dirty: dict[str, Any] = {}
        self.packed: dict[str, tuple[bytes, int]] = {}  # dirty states that made room, and when their timers fire
        self.timers = Timers(store)
        self.filed: dict[str, int] = {}  # whose timer changed since the last flush: the one that the store holds
        self.seen = Seen(log)
        self.steps: list[StepRecord] = []
        self.packed_steps: list[tuple[int, bytes]] = []
        self.letters: list[tuple[int, bytes]] = []
        self.not_counted: list[int] = []
        self.unflushed = 0
        self._weighed = 0

    def resume(self) -> None:
        """Read again the ids of the last 30 days, without which no record may follow; who only looks needs none."""
        if self.meta.applied >= 0:
            skipped = (offset for _, data in self.store.seen(0) for offset in _decode_offsets(data))
            self.seen.restore(self.meta.applied, self.meta.journey_ms, skipped)

    def prefetch(self, customers: Set[str]) -> None:
        """Bring customers into memory with one read; strangers get a new state."""
        hot, cold = self.hot, self.cold
        missing: list[str] = []
        for customer in customers - hot.keys():
            state = cold.pop(customer, None)
            if state is None:
                missing.append(customer)
            else:
                hot[customer] = state
        if missing:
            if len(hot) + len(missing) > self.cache:  # many are due at once, in the midst of a record
                self._make_room(customers)
            missing = [customer for customer in missing if not self._unpack(customer)]
            decode, new_state = self.decode, self.program.new_state
            for customer, data in zip(missing, self.store.get_many(missing), strict=True):
                hot[customer] = new_state() if data is None else decode(data)

    def _make_room(self, needed: Set[str]) -> None:
        """Keep in memory what is needed; of the rest only what the next flush writes, as bytes."""
        encode = self.program.codec.encode
        self.cold.clear()
        for customer in self.hot.keys() - needed:
            del self.hot[customer]
            state = self.dirty.pop(customer, None)
            if state is not None:
                self.packed[customer] = encode(state), state.queued

    def _unpack(self, customer: str) -> bool:
        """Have a state again that made room; False if it did not."""
        packed = self.packed.pop(customer, None)
        if packed is not None:
            self.hot[customer] = self.dirty[customer] = self.decode(packed[0])
        return packed is not None

    def decode(self, data: bytes) -> Any:
        """A state of its bytes; raises DerivedDamaged for bytes that are none."""
        try:
            return self.program.codec.decode(data)
        except (msgspec.MsgspecError, ValueError) as error:
            raise DerivedDamaged(f"a state cannot be read: {error}", ADVICE) from None

    def state(self, customer: str) -> Any:
        """The customer's state; a new one for a stranger."""
        state = self.hot.get(customer)
        if state is None:
            self.prefetch({customer})
            state = self.hot[customer]
        return state

    def queue(self, customer: str, state: Any, due_ms: int) -> None:
        """Have the customer's timer fire at `due_ms`; the state is to be written."""
        if customer not in self.filed:
            self.filed[customer] = state.queued
        state.queued = due_ms
        if due_ms < NEVER:
            self.timers.add(due_ms, customer)

    def all_states(self) -> Iterator[tuple[str, Any]]:
        """Every known customer's state in order of id, as of now."""
        dirty = {customer: data for customer, (data, _) in self.packed.items()} | self.dirty
        stored = (pair for pair in self.store.customers() if pair[0] not in dirty)
        mine = sorted(dirty.items(), key=lambda pair: pair[0])
        for customer, found in merge(stored, mine, key=lambda pair: pair[0]):
            state = self.decode(found) if isinstance(found, bytes) else found
            if state.known_since__at is not None:
                yield customer, state

    def full(self) -> bool:
        """Whether enough has gathered for a flush; asked once after each batch."""
        taken, self._weighed = self.unflushed - self._weighed, self.unflushed
        return (
            self.unflushed >= FLUSH_EVENTS
            or (taken < CALM_BATCH and len(self.dirty) >= CALM_STATES)
            or bool(self.packed)
            or (len(self.hot) + len(self.cold) >= self.cache and len(self.hot) >= self.cache // 2)
        )

    def pack_steps(self, at_least: int = 1) -> None:
        """Make bytes of the step records up to the applied offset, if there are so many."""
        if len(self.steps) >= at_least:
            self.packed_steps.append((self.meta.applied, encode_steps(self.steps)))
            self.steps = []

    def flush(self) -> None:
        """Write everything since the last flush in one batch, the applied offset with it."""
        encode = self.program.codec.encode
        flush = Flush(states={customer: data for customer, (data, _) in self.packed.items()})
        flush.states |= {customer: encode(state) for customer, state in self.dirty.items()}
        now = {
            customer: self.dirty[customer].queued if customer in self.dirty else self.packed[customer][1]
            for customer in self.filed
        }
        flush.timers_put = [(due_ms, customer) for customer, due_ms in now.items() if due_ms < NEVER]
        flush.timers_delete = [(due_ms, customer) for customer, due_ms in self.filed.items() if due_ms < NEVER]
        if self.not_counted:
            flush.seen.append((self.meta.applied, _encode(self.not_counted)))
        self.pack_steps()
        flush.transitions = self.packed_steps
        flush.letters = self.letters
        flush.meta = _encode(self.meta)
        self.store.write(flush)
        self.timers.flushed()
        self.filed = {}
        self.dirty, self.packed = {}, {}
        self.packed_steps, self.letters, self.not_counted = [], [], []
        self.unflushed = self._weighed = 0
        if len(self.hot) >= self.cache // 2:
            self.cold, self.hot = (self.hot if len(self.hot) <= 2 * self.cache else {}), {}
