"""What an owner announces: each step beyond the frontier that changed memberships, durable before its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.activating import Activated
from engine.kill_points import reach
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.transitions import Announced, Moved, encode
from engine.steps import StepRecord
from engine.views.rows import readable
from projections.program import Program
from triggers.decisions import OWN, START, Position
from triggers.occasion import IN, OUT

MOST_BYTES = 900 * 1024
"""Of one record; what would be larger goes without its evidence."""

CHUNK_STEPS = 2_000
KEPT_MOVES = 10_000


class Announcements(Protocol):
    """One partition of the topic of transitions, to a thread that waits."""

    def append_all(self, records: Sequence[Outgoing]) -> None:
        """Append records in order, and return once all are durable."""
        ...


class Announcer:
    """Appends to the topic under the claim of its owner; `evidence`: with the traits that made each transition.

    A step that another owner announced already, whose decisions are not durable, is announced again: readers drop it.
    """

    def __init__(self, topic: Announcements, *, evidence: bool = False) -> None:
        self._topic, self._evidence = topic, evidence
        self.claim = -1
        self._upto: Position = START
        self._waiting: list[Outgoing] = []
        self._program: Program | None = None
        self._moves: dict[tuple[int, object, object], Moved] = {}  # of that program; they come again and again

    def take(self, program: Program, steps: Sequence[StepRecord], frontier: Position) -> None:
        """The newest of these steps, which are in order: those beyond the frontier that were not announced."""
        edge = max(frontier, self._upto)
        first = len(steps)
        while first and steps[first - 1].position > edge:
            first -= 1
        for step in steps[first:]:
            self._add(program, step)

    def take_activated(self, activated: Activated) -> None:
        """What an activation made of a customer."""
        world, state = activated.world, activated.state
        program = world.program
        changes = [(*change, *program.snapshot(change[0])(state)) for change in activated.changes]
        offset, _, customer = activated.position
        self._add(program, StepRecord(offset, activated.t_ms, customer, activated.cause, None, (), changes))
        if len(self._waiting) >= CHUNK_STEPS:
            self.send()

    def send(self) -> None:
        """Append what was taken; returns once it is durable."""
        if self._waiting:
            reach("before-transitions")
            self._topic.append_all(self._waiting)
            self._waiting = []
            reach("after-transitions")

    def _add(self, program: Program, step: StepRecord) -> None:
        value = encode(self._announced(program, step, evidence=self._evidence))
        if self._evidence and len(value) > MOST_BYTES:
            value = encode(self._announced(program, step, evidence=False))
        self._waiting.append(Outgoing(step.customer.encode(), value, step.at_ms))
        self._upto = step.position

    def _announced(self, program: Program, step: StepRecord, *, evidence: bool) -> Announced:
        offset, due_ms, customer = step.position
        if evidence:
            moves = [self._proved(program, step, change) for change in step.changes]
        else:
            moves = [self._plain(program, entity, before, after) for entity, before, after, *_ in step.changes]
        return Announced(
            claim=self.claim,
            offset=offset,
            due_ms=None if due_ms == OWN else due_ms,
            customer=customer,
            at_ms=step.at_ms,
            cause=step.cause,
            transitions=moves,
        )

    def _plain(self, program: Program, entity: int, before: object, after: object) -> Moved:
        if program is not self._program or len(self._moves) >= KEPT_MOVES:
            self._program, self._moves = program, {}
        key = entity, before, after
        found = self._moves.get(key)
        if found is None:
            found = self._moves[key] = moved(program, entity, before, after)
        return found

    def _proved(self, program: Program, step: StepRecord, change: tuple[object, ...]) -> Moved:
        entity, before, after, *now = change
        assert isinstance(entity, int)
        evidence = readable(program.world, program.evidence(entity, step.event_type, step.before, tuple(now)))
        return moved(program, entity, before, after, evidence)


def moved(
    program: Program, entity: int, before: object, after: object, evidence: dict[str, object] | None = None
) -> Moved:
    """A membership that changed, by name."""
    segment = entity < program.segments
    return Moved(
        name=program.names[entity],
        of="segment" if segment else "dimension",
        before=(IN if before else OUT) if segment else before,  # type: ignore[arg-type]  # a dimension's values are text
        after=(IN if after else OUT) if segment else after,  # type: ignore[arg-type]  # likewise
        evidence=evidence,
    )
