"""One partition's derived world: folds records and lets time pass, in order.

A world decides nothing. Where a step may decide (its position is beyond the frontier) it hands the step to a decider;
up to the frontier it folds what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import msgspec

from engine.compiled import ENTERS, LEAVES, Compiled
from engine.ledgers import doubt, fold_outputs
from engine.meta import ADVICE, Meta
from engine.ports import DerivedStore, Log
from engine.reading import Batch
from engine.states import CACHE_STATES, States
from engine.steps import StepRecord
from events.errors import DerivedDamaged
from projections.expressions.runtime import NEVER
from triggers.decisions import OWN, Output, Position

Change = tuple[int, Any, Any]

AHEAD = 1_000
"""Due customers that are brought into memory together where not all can be."""


class Step(msgspec.Struct, gc=False):
    """What happened to one customer at one instant, handed to whoever decides."""

    customer: str
    state: Any
    t_ms: int
    position: Position
    cause: str
    cause_offset: int = -1
    event_type: str | None = None
    event: Any = None
    changes: list[Change] = []
    before: tuple[Any, ...] = ()


Decide = Callable[[Step], None]


@dataclass(slots=True)
class Past:
    """What is decided already: positions up to `frontier`, and the outputs by offset."""

    frontier: Position
    outputs: Mapping[int, list[Output]]


class World(States):
    """States that move."""

    def __init__(
        self, compiled: Compiled, store: DerivedStore, log: Log, meta: Meta, *, cache: int = CACHE_STATES
    ) -> None:
        super().__init__(compiled, store, log, meta, cache=cache)
        self.overdue: dict[str, None] = dict.fromkeys(meta.overdue)
        self.rebind(compiled)

    def rebind(self, compiled: Compiled) -> None:
        """Go on under a rulebook with the same world."""
        self.compiled, self.program = compiled, compiled.program
        self.type_of = {struct: name for name, struct in compiled.program.event_types.items()}

    def begin_flush(self) -> None:
        """Have everything as of now written, what is overdue with it."""
        self.meta.overdue = list(self.overdue)
        super().begin_flush()

    # ------------------------------------------------------------ records
    def advance(self, batch: Batch, past: Past, decide: Decide | None) -> None:
        """Take a batch of records; steps beyond the frontier are handed to `decide`."""
        meta, timers, type_of = self.meta, self.timers, self.type_of
        times = list(accumulate(batch.clocks, max, initial=meta.journey_ms))
        duplicates = self.seen.duplicates(batch.events, times[1:], batch.first)
        edge = past.frontier[0]
        offset = batch.first
        customers = {event.customer_id for event in batch.events if event is not None}
        due = timers.due_by(times[-1])
        self.prefetch(customers | due if len(due) <= self.cache // 2 else customers)
        for place, event in enumerate(batch.events):
            before_ms, t = times[place], times[place + 1]
            meta.journey_ms = t
            deciding = decide
            if offset <= edge:
                self.fold_recorded(offset, past)
                deciding = None if offset < edge else decide
            if self.overdue and deciding is not None:
                self.ask_overdue(offset, before_ms, past.frontier)
            if t >= timers.edge:
                timers.reach(t)
            if timers.heap and timers.heap[0][0] <= t:
                self.pass_time(t, before_ms, offset, past.frontier, deciding)
            if event is not None and place not in duplicates:
                if deciding is not None and offset == edge and (offset, OWN, event.customer_id) <= past.frontier:
                    deciding = None
                self._own_step(event, type_of[event.__class__], t, offset, deciding)
            offset += 1
        meta.applied = offset - 1
        self._count(batch, duplicates)

    def _count(self, batch: Batch, duplicates: set[int]) -> None:
        meta = self.meta
        meta.events += len(batch.events) - batch.control
        meta.duplicates += len(duplicates)
        meta.dead_letters += len(batch.letters)
        meta.count_unknown(batch.unknown)
        self.letters += batch.letters
        self.unflushed += len(batch.events)

    def fold_recorded(self, offset: int, past: Past) -> None:
        """Fold the outputs recorded at an offset into their customers' ledgers."""
        for output in past.outputs.get(offset, ()):
            customer = output.position[2]
            state = self.state(customer)
            fold_outputs(state, output.decisions)
            self.dirty[customer] = state
            if state.ask_at < state.queued:
                self.queue(customer, state, state.ask_at)

    def _own_step(self, event: Any, event_type: str, t: int, offset: int, decide: Decide | None) -> None:
        """The step of a record: fold its event, evaluate memberships, decide."""
        customer = event.customer_id
        state = self.hot.get(customer) or self.state(customer)
        program = self.program
        candidates: list[int] = []
        changes: list[Change] | None = None
        first = state.known_since__at is None
        bound, before = program.handlers[event.__class__](state, event, t, offset, candidates)
        if first:
            self.meta.customers += 1
            changes, _ = program.settle_first(state, t, candidates, bound)
            bound = program.bound(state, t)  # the handler's saw no memberships yet
        elif candidates or program.plain:
            changes, bound = program.settle(state, t, candidates, bound)
        if changes is not None:
            record = StepRecord(offset, t, customer, "event:" + event.id, event_type, before, [])
            self._record(record, state, changes)
        if decide is None:
            if changes is not None and state.pending:
                doubt(state)
        elif (
            event_type in self.compiled.watched_types
            or state.pending < 0
            or state.ask_at <= t
            or (changes is not None and self.watches(changes, state))
        ):
            decide(
                Step(
                    customer, state, t, (offset, OWN, customer), "event:" + event.id, offset,
                    event_type, event, changes or [], before,
                )
            )  # fmt: skip
            bound = min(bound, state.ask_at)
        if bound < state.queued:
            self.queue(customer, state, bound)
        else:
            self.early.add(customer)
        self.dirty[customer] = state

    def watches(self, changes: list[Change], state: Any) -> bool:
        """Whether a trigger cares for one of these changes."""
        watched = self.compiled.watched_while_pending if state.pending else self.compiled.watched
        for number, before, after in changes:
            flags = watched[number]
            if not flags:
                continue
            if after is True or after is False:
                if flags & (ENTERS if after else LEAVES):
                    return True
            elif flags & LEAVES or any(
                a in (None, before) and b in (None, after) for a, b in self.compiled.moves.get(number, ())
            ):
                return True
        return False

    # ------------------------------------------------------------ time
    def pass_time(self, t: int, before_ms: int, offset: int, frontier: Position, decide: Decide | None) -> None:
        """Everything due at or before t, in order of (due, customer id)."""
        timers = self.timers
        heap = timers.heap
        while heap and heap[0][0] <= t:
            if heap[0] in timers.moved:
                timers.skip_moved()
                continue
            if heap[0][1] not in self.hot:  # more are due than can be in memory
                self.prefetch({heap[0][1], *timers.first(AHEAD)})
            due, customer = timers.pop()
            state = self.state(customer)
            if state.queued != due:
                continue  # an earlier entry took its place
            if due < before_ms:  # overdue since before this record: not in the past, but in order
                self.queue(customer, state, before_ms)
                self.dirty[customer] = state
                continue
            position = (offset, due, customer)
            self._due_step(customer, state, due, position, decide if position > frontier else None)

    def _due_step(self, customer: str, state: Any, t: int, position: Position, decide: Decide | None) -> None:
        program = self.program
        candidates: list[int] = []
        before = program.due(state, t, candidates)
        changes: list[Change] | None = None
        if candidates or program.plain:
            changes, _ = program.settle(state, t, candidates, NEVER)
        if changes is not None:
            self._record(StepRecord(position[0], t, customer, f"due:{t}", None, before, []), state, changes)
        if decide is None:
            if changes is not None and state.pending:
                doubt(state)
        # A timer may be early, by how much depends on restarts: where nothing changes or is asked, there is no step.
        elif state.ask_at <= t or (changes is not None and (state.pending < 0 or self.watches(changes, state))):
            decide(Step(customer, state, t, position, f"due:{t}", changes=changes or [], before=before))
        if state.ask_at <= t:  # recorded beyond here, or forgotten by other code: asked once the frontier is passed
            self.overdue[customer] = None
            ask_at, state.ask_at = state.ask_at, NEVER
            bound = program.bound(state, t)
            state.ask_at = ask_at
        else:
            bound = program.bound(state, t)
        if bound <= t:  # never of a state that this program folded; it would be asked for ever
            raise DerivedDamaged(f"the state of {customer!r} is due at {bound} after its step at {t}", ADVICE)
        self.queue(customer, state, bound)
        self.dirty[customer] = state

    def ask_overdue(self, offset: int, before_ms: int, frontier: Position) -> None:
        """Queue what the fold found due and not decided, as of the journey time before the record."""
        for customer in list(self.overdue):
            state = self.state(customer)
            due = max(state.ask_at, before_ms)
            if (offset, due, customer) > frontier:
                del self.overdue[customer]
                if due < state.queued:
                    self.queue(customer, state, due)
                    self.dirty[customer] = state

    def _record(self, record: StepRecord, state: Any, changes: list[Change]) -> None:
        program = self.program
        known = program.snapshots
        record.changes = [(*c, *(known.get(c[0]) or program.snapshot(c[0]))(state)) for c in changes]
        self.steps.append(record)
        self.meta.transitions += len(changes)
