"""From a step of the world to decisions: gathers what `decide` asks and keeps the outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from engine.compiled import Compiled
from engine.customer_view import CustomerView, plain
from engine.ledgers import read_ledger, write_ledger
from engine.ports import Log
from engine.world import Step
from events.errors import InputRefused
from projections.program import Program
from triggers.decide import decide
from triggers.decisions import Output
from triggers.occasion import IN, OUT, Activation, Evidence, Occasion

CHUNK_OUTPUTS = 2_000
"""Outputs that gather: everyone may be due at once, when quiet hours end, and each output holds a message."""


class Decider:
    """Decides steps under one rulebook, in order of position; `keep` takes the outputs from time to time.

    `outputs` are those since.
    """

    def __init__(self, compiled: Compiled, log: Log, keep: Callable[[list[Output]], None]) -> None:
        self.compiled, self.log, self._keep = compiled, log, keep
        self.outputs: list[Output] = []

    def __call__(self, step: Step, activation: Activation | None = None) -> None:
        """Decide one step, of an activation or not; its decisions go to the outputs and into the state's ledger."""
        compiled, program, state = self.compiled, self.compiled.program, step.state
        names, segments = program.names, program.segments
        transitions = [
            (names[number], IN if before else OUT, IN if after else OUT)
            if number < segments
            else (names[number], before, after)
            for number, before, after in step.changes
        ]
        occasion = Occasion(
            customer=step.customer,
            t_ms=step.t_ms,
            position=step.position,
            cause=step.cause,
            rulebook=compiled.rulebook.hash,
            cause_offset=step.cause_offset,
            event_type=step.event_type,
            event=step.event,
            transitions=transitions,
            activation=activation,
            evidence=TransitionEvidence(program, step),
            cause_event=self._event_at,
        )
        view = CustomerView(compiled, step.customer, state, step.t_ms, self.log.get)
        ledger = read_ledger(state)
        decisions = decide(occasion, view, ledger, compiled.rules)
        if decisions:
            write_ledger(state, ledger)
            self.outputs.append(Output(step.position, decisions))
            if len(self.outputs) >= CHUNK_OUTPUTS:
                self._keep(self.outputs)
                self.outputs = []
        elif state.pending < 0:
            state.pending = -state.pending  # they were judged, and all of them stay

    def _event_at(self, offset: int) -> Any:
        """The event of the record at an offset; None where to this rulebook the record is none, though it was one to
        the rulebook under which it made the match."""
        raw, program = self.log.get(offset), self.compiled.program
        try:
            event = program.decode_event(raw)
            check = program.checks.get(event.__class__)
            if check is not None:
                check(event)
        except (msgspec.MsgspecError, InputRefused, ValueError):
            return None
        return event


class TransitionEvidence(Mapping[str, Evidence]):
    """Transition's name -> the traits that made it, before and after; made when it is asked for."""

    def __init__(self, program: Program, step: Step) -> None:
        self.program, self.step = program, step

    def __getitem__(self, name: str) -> Evidence:
        program, step = self.program, self.step
        entity = program.number_of.get(name)
        if entity is None or all(change[0] != entity for change in step.changes):
            raise KeyError(name)
        after = program.snapshot(entity)(step.state)
        found = program.evidence(entity, step.event_type, step.before, after)
        return {trait: [plain(each) for each in pair] for trait, pair in found.items()}

    def __iter__(self) -> Iterator[str]:
        return (self.program.names[change[0]] for change in self.step.changes)

    def __len__(self) -> int:
        return len(self.step.changes)
