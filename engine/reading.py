"""From a log's values to typed events, and what does not fit to dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.compiled import Compiled
from engine.ports import Log
from events.admission import judge_record
from events.codec import head_of, read_record, refusal_of
from events.dead_letters import Door, dead_letter, encode_dead_letter
from events.envelope import RECORD_REFUSED
from events.errors import FactsDamaged, InputRefused
from projections.decoding import Activated, Tick


@dataclass(slots=True)
class Batch:
    """Decoded records: `events[i]` is None where nothing is folded (control, unknown type, dead letter).

    `unknown` has the type of each record that is of none.
    """

    first: int
    events: list[Any] = field(default_factory=list)
    clocks: list[int] = field(default_factory=list)
    control: int = 0
    unknown: list[str] = field(default_factory=list)
    letters: list[tuple[int, bytes]] = field(default_factory=list)


def values_of(log: Log, first: int, stop: int, limit: int) -> list[bytes]:
    """Up to `limit` values of records that are known to be in a log, at least one; first < stop.

    Raises FactsDamaged where there is none: who asks until it has all would ask for ever.
    """
    return log.read(first, min(limit, stop - first)) or [log.get(first)]


class Reader:
    """Decodes records for one rulebook."""

    def __init__(self, compiled: Compiled, partition: int) -> None:
        self.compiled, self.partition = compiled, partition
        self.decode = compiled.program.decode_event
        self.checks = compiled.program.checks
        self.uncommon = {Tick, Activated, *self.checks}

    def read(self, values: Sequence[bytes], first: int, *, through_activations: bool) -> Batch:
        """Decode values from offset `first` on, up to the first activation unless told to pass through."""
        decoded: list[Any] | None
        try:
            decoded = [self.decode(value) for value in values]
        except (msgspec.MsgspecError, ValueError):
            decoded = None
        if decoded is not None and self.uncommon.isdisjoint(map(type, decoded)):
            return Batch(first, decoded, [event.appended_at_ms for event in decoded])
        return self._one_by_one(values, decoded, first, through_activations=through_activations)

    def _one_by_one(
        self, values: Sequence[bytes], decoded: list[Any] | None, first: int, *, through_activations: bool
    ) -> Batch:
        """The same where some are no usual events, or cannot be decoded (`decoded` is None)."""
        batch = Batch(first)
        decode, checks = self.decode, self.checks
        events, clocks = batch.events, batch.clocks
        for place, value in enumerate(values):
            try:
                event = decode(value) if decoded is None else decoded[place]
                if checks and event.__class__ in checks:
                    checks[event.__class__](event)
            except (msgspec.MsgspecError, InputRefused, ValueError):
                self._misfit(batch, value)
                continue
            kind = event.__class__
            if kind is Activated and not through_activations:
                break
            clocks.append(event.appended_at_ms)
            if kind is Tick or kind is Activated:
                batch.control += 1
                events.append(None)
            else:
                events.append(event)
        return batch

    def _misfit(self, batch: Batch, value: bytes) -> None:
        """A record that no type of the rulebook reads: of an unknown type, or one to refuse."""
        offset = batch.first + len(batch.events)
        try:
            head = head_of(value)
        except InputRefused as error:
            action = "restore facts/ from a backup; nothing was skipped or changed"
            raise FactsDamaged(f"partition {self.partition}, offset {offset}: {error}", action) from None
        batch.events.append(None)
        clock = head.appended_at_ms
        batch.clocks.append(clock)
        try:
            if head.type == RECORD_REFUSED:  # judged where it came in
                refusal = refusal_of(read_record(value)[0])
                value = refusal.raw
                raise InputRefused(refusal.reason, refusal.detail)
            judge_record(value, self.compiled.declared)
            batch.unknown.append(head.type)
        except InputRefused as refused:
            letter = dead_letter(refused, value, door=Door.FOLD, at_ms=clock, partition=self.partition, offset=offset)
            batch.letters.append((offset, encode_dead_letter(letter)))
