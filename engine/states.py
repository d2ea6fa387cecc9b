"""The states of a partition's customers in memory, and what the next flush writes."""

from __future__ import annotations

from collections.abc import Iterator, Set
from heapq import merge
from itertools import islice
from typing import Any, cast

import msgspec

from engine.compiled import Compiled
from engine.flushing import Flushing, postpone
from engine.meta import ADVICE, Meta, encode_meta
from engine.ports import DerivedStore, Flush, Log
from engine.seen import Seen
from engine.steps import StepRecord, encode_steps
from engine.timers import Timers
from events.errors import DerivedDamaged
from projections.expressions.runtime import NEVER

CACHE_STATES = 10_000
"""A state with a hundred segments takes about 4.5 kB in memory (`strand bench customers`)."""

FLUSH_EVENTS = 100_000
"""What a kill leaves to be folded again: some seconds' worth."""

LAGGING_BATCH = 1_500
"""Records in a batch of a shard that lags: it flushes at once. One that keeps up takes fewer, and flushes bit by bit,
since the states of ten thousand customers would keep events waiting for 0.1 s (`strand bench latency`)."""

STATES_AT_ONCE = 64
"""States that are encoded after a batch of fewer records, while a flush is in the making."""

STATES_PREPARED = 500
"""States that a store is given at once while a flush is in the making."""


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
        self.early: set[str] = set()  # whose timer may fire before anything is due
        self.seen = Seen(log)
        self.steps: list[StepRecord] = []
        self.packed_steps: list[tuple[int, bytes]] = []
        self.letters: list[tuple[int, bytes]] = []
        self.unflushed = 0  # records since the last flush that is written
        self.states_at_once = STATES_AT_ONCE
        self._begun: Flushing | None = None

    def resume(self) -> None:
        """Read again the ids of the last 30 days, without which no record may follow; who only looks needs none."""
        if self.meta.applied >= 0:
            try:
                self.seen.restore(self.meta.applied, self.meta.journey_ms, self.store.seen)
            except msgspec.MsgspecError as error:
                raise DerivedDamaged(f"the index of ids cannot be read: {error}", ADVICE) from None

    def prefetch(self, customers: Set[str]) -> None:
        """Bring customers into memory with one read; strangers get a new state."""
        hot, cold = self.hot, self.cold
        begun = self._begun
        if begun is not None and begun.waiting:
            begun.encode([customer for customer in customers if customer in begun.waiting], self.meta.journey_ms)
        missing: list[str] = []
        cool = [customer for customer in customers if customer not in hot]  # a set's `-` would look at all of `hot`
        for customer in cool:
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
        self._write_begun()  # of what is in memory
        program, now_ms = self.program, self.meta.journey_ms
        self.cold.clear()
        for customer in self.hot.keys() - needed:
            del self.hot[customer]
            state = self.dirty.pop(customer, None)
            if state is not None:
                if customer in self.early:
                    postpone(customer, state, now_ms, program=program, timers=self.timers, filed=self.filed)
                self.packed[customer] = program.codec.encode(state), state.queued

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
        """The customer's state, which may be changed; a new one for a stranger."""
        state = self.hot.get(customer)
        begun = self._begun
        if state is None or (begun is not None and customer in begun.waiting):
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
        """Every known customer's state in order of id, as of now, which may be changed."""
        self._write_begun()
        dirty = {customer: data for customer, (data, _) in self.packed.items()} | self.dirty
        stored = (pair for pair in self.store.customers() if pair[0] not in dirty)
        mine = sorted(dirty.items(), key=lambda pair: pair[0])
        for customer, found in merge(stored, mine, key=lambda pair: pair[0]):
            state = self.decode(found) if isinstance(found, bytes) else found
            if state.known_since__at is not None:
                yield customer, state

    # ------------------------------------------------------------ flushing
    def full(self) -> bool:
        """Whether enough has gathered for a flush."""
        return self.unflushed >= FLUSH_EVENTS or bool(self.packed) or self._crowded()

    def _crowded(self) -> bool:
        """Whether memory holds as many states as it shall."""
        return len(self.hot) + len(self.cold) >= self.cache and len(self.hot) >= self.cache // 2

    def flush_some(self, taken: int) -> None:
        """After a batch of so many records, begin a flush if enough has gathered, and go on with it: by so many states,
        or, where a shard lags, to its end."""
        if self._begun is None:
            if not self.full():
                return
            self.begin_flush()
        if taken >= LAGGING_BATCH:
            self._write_begun()
        elif self._begun is not None:  # else it had to be written at once
            self._go_on(max(taken, self.states_at_once))
        if self._begun is None:
            self._rotate()

    def pack_steps(self, at_least: int = 1) -> None:
        """Make bytes of the step records up to the applied offset, if there are so many."""
        if len(self.steps) >= at_least:
            self.packed_steps.append((self.meta.applied, encode_steps(self.steps)))
            self.steps = []

    def flush(self) -> None:
        """Write everything since the last flush, the applied offset with it."""
        self._write_begun()
        self.begin_flush()
        self._write_begun()
        self._rotate()

    def begin_flush(self) -> None:
        """Have a flush write everything as of now, bit by bit; does nothing while one is begun."""
        if self._begun is not None:
            return
        self.pack_steps()
        flush = Flush(letters=self.letters, transitions=self.packed_steps, meta=encode_meta(self.meta))
        ids = self.seen.block()
        if ids is not None:
            flush.seen.append((self.meta.applied, ids))
        self.timers.begin_flush()
        early: set[str] = set()
        if self.packed or self._crowded():  # else all stay in memory, and their timers may be early
            early, self.early = self.early, early
        self._begun = begun = Flushing(
            flush, self.program, self.timers,
            records=self.unflushed, waiting=self.dirty, filed=self.filed, early=early,
        )  # fmt: skip
        for customer, (data, due_ms) in self.packed.items():
            begun.take(customer, data, due_ms)
        self.dirty, self.filed, self.packed_steps, self.letters = {}, {}, [], []
        if self.packed:  # they are not in memory, so they must be in the store
            self.packed = {}
            self._write_begun()

    def _queued(self, customer: str) -> int:
        """When a changed customer's timer fires."""
        state = self.dirty.get(customer)
        return self.packed[customer][1] if state is None else cast("int", state.queued)

    def _go_on(self, states: int) -> None:
        """Encode so many states more of the flush that is begun; write it once that is done."""
        begun = self._begun
        assert begun is not None
        begun.encode(list(islice(begun.waiting, states)), self.meta.journey_ms)
        if not begun.waiting:
            self._write_begun()
        elif len(begun.flush.states) >= STATES_PREPARED:
            self.store.prepare(begun.flush)

    def _write_begun(self) -> None:
        """Write the flush that is begun, if one is, in one batch."""
        begun = self._begun
        if begun is None:
            return
        begun.encode(list(begun.waiting), self.meta.journey_ms)
        self.store.write(begun.flush)
        self._begun = None
        self.unflushed -= begun.records
        self.timers.flushed((self._queued(customer), customer) for customer in self.filed)

    def _rotate(self) -> None:
        """Once a flush is written, keep what was not in use since the one before in memory no longer."""
        if self._crowded():
            self.cold, self.hot = (self.hot if len(self.hot) <= 2 * self.cache else {}), dict(self.dirty)
