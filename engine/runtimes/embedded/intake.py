"""Everything that is appended to an owned workspace goes through here: events, ticks, activations.

Times never fall within a partition: what is appended has at least the time of the record before it. One thread may
append while another reads; appends take their turns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec

from engine.activations import activation_offsets, append_activation
from engine.leaps import check_leap
from engine.ports import Log
from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.embedded.rulebooks import Rulebooks
from engine.workspace.facts import Facts
from events.admission import FUTURE_MS, Admitted, admit
from events.codec import Activation, appended_at_of, encode_record, encode_tick
from events.dead_letters import Door, dead_letter, encode_dead_letter
from events.errors import CalledWrongly, InputRefused, OperatorError
from events.partitioning import partition_of
from events.schema import Fields
from events.times import instant_text


class _Addressed(msgspec.Struct):
    id: Any = None
    customer_id: Any = None


_JSON = msgspec.json.Decoder(_Addressed)
_MSGPACK = msgspec.msgpack.Decoder(_Addressed)


class Intake:
    """Appends to every partition of an owned workspace; completes an activation that was cut off among them.

    `journey_ms` has each partition's journey time, 0 before its first record.
    """

    def __init__(self, facts: Facts, rulebooks: Rulebooks, *, clock: Clock = wall_clock_ms) -> None:
        self.facts = facts
        self.rulebooks = rulebooks
        self.clock = clock
        self.journey_ms = [journey_of(each.log) for each in facts]
        self._lock = RLock()
        self._watched_ms = 0
        self._declared: tuple[int, Mapping[str, Fields]] | None = None
        self._complete_activations()

    @property
    def latest_ms(self) -> int:
        """The largest journey time of any partition."""
        return max(self.journey_ms)

    def partition_of(self, customer: str) -> int:
        """The partition of a customer's events."""
        return partition_of(customer, len(self.facts))

    # ------------------------------------------------------------ time
    def watch(self, now_ms: int) -> None:
        """Say that the engine ran at this instant: time that passed under its eyes is no leap."""
        self._watched_ms = max(self._watched_ms, now_ms)

    def check_leap(self, to_ms: int) -> None:
        """Raise OperatorError if journey time would move to `to_ms` by more than 7 days at once."""
        if self.latest_ms:
            check_leap(max(self.latest_ms, self._watched_ms), to_ms)

    def append(self, partition: int, records: Sequence[bytes], meta: Mapping[str, bytes]) -> None:
        """Append records whose times are not before the partition's journey time, and entries of the log's meta."""
        with self._lock:
            self.facts[partition].log.append(records, meta)
            self.journey_ms[partition] = max(self.journey_ms[partition], appended_at_of(records[-1]))

    def tick(self, partition: int, at_ms: int) -> None:
        """Append the record that moves a partition's journey time and says nothing else."""
        with self._lock:
            at_ms = max(at_ms, self.journey_ms[partition])
            self.journey_ms[partition] = at_ms
            self.facts[partition].log.append([encode_tick(at_ms)])

    # ------------------------------------------------------------ activations
    def active(self) -> Rulebook | None:
        """The rulebook that was activated last, None if none was."""
        return self.rulebooks.newest(self.facts[0].log)

    def activate(self, rulebook: Rulebook, at_ms: int | None = None, *, live: bool = False) -> Activation:
        """Append one activation to every partition and return it; durable on return.

        Its time is the largest journey time of any partition, in a live run the wall clock if that is later, or
        `at_ms`; raises CalledWrongly for an earlier one or one after the wall clock.
        """
        with self._lock:
            now_ms = self.clock()
            latest_ms = self.latest_ms
            if at_ms is None:
                at_ms = max(latest_ms, now_ms) if live else latest_ms
            elif at_ms < latest_ms:
                why = f"events up to {instant_text(latest_ms)} are in the log already"
                raise CalledWrongly(f"a rulebook cannot be activated at {instant_text(at_ms)}: {why}")
            elif at_ms > now_ms + FUTURE_MS:
                raise CalledWrongly(f"a rulebook cannot be activated at {instant_text(at_ms)}: that is in the future")
            count = len(activation_offsets(self.facts[0].log))
            name = hashlib.sha256(f"{rulebook.hash}\n{at_ms}\n{count}".encode()).hexdigest()[:16]
            activation = Activation(id=name, at_ms=at_ms, hash=rulebook.hash, rulebook=rulebook.packed())
            for partition in range(len(self.facts)):
                self._append_activation(partition, activation)
            return activation

    def _append_activation(self, partition: int, activation: Activation) -> None:
        at_ms = max(activation.at_ms, self.journey_ms[partition])
        self.journey_ms[partition] = at_ms
        append_activation(self.facts[partition].log, activation, at_ms)

    def _complete_activations(self) -> None:
        """Append to the partitions that lack it what was being activated when a process ended."""
        counts = [len(activation_offsets(each.log)) for each in self.facts]
        whole = self.facts[counts.index(max(counts))].log
        for number, offset in enumerate(activation_offsets(whole)):
            for partition, count in enumerate(counts):
                if count <= number:
                    self._append_activation(partition, self.rulebooks.of(whole).at(offset))

    def copy_to(self, folder: Path) -> None:
        """Make a copy of facts/ in a new folder: of all that was acknowledged, at one point between two appends."""
        with self._lock:
            self.facts.copy_to(folder)

    # ------------------------------------------------------------ events
    @property
    def declared(self) -> Mapping[str, Fields] | None:
        """The event types of the active rulebook, None without one."""
        log = self.facts[0].log
        offsets = activation_offsets(log)
        if not offsets:
            return None
        if self._declared is None or self._declared[0] != offsets[-1]:
            self._declared = offsets[-1], self.rulebooks.of(log).rulebook(offsets[-1]).declared
        return self._declared[1]

    def publish(self, lines: Sequence[bytes], *, catch_up: bool = False) -> list[Answer]:
        """Judge events and append them, one fsync a partition; the answers are durable.

        There are fewer answers than lines where a line would move journey time by more than 7 days: those before it
        were taken. Raises OperatorError if that is the first one.
        """
        with self._lock:
            now_ms, declared = self.clock(), self.declared
            answers: list[Answer] = []
            values: dict[int, list[bytes]] = {}
            letters: dict[int, list[bytes]] = {}
            for line in lines:
                try:
                    admitted = admit(line, now_ms=now_ms, declared=declared)
                except InputRefused as refused:
                    answers.append(self._refuse(line, refused, now_ms, letters))
                    continue
                at_ms = now_ms if admitted.appended_at_ms is None else admitted.appended_at_ms
                if not catch_up:
                    try:
                        self.check_leap(at_ms)
                    except OperatorError:
                        if not answers:
                            raise
                        break
                answers.append(self._take(admitted, at_ms, values))
            for partition, refusals in letters.items():
                self.facts[partition].dead_letters.put(refusals)
            for partition, records in values.items():
                self.facts[partition].log.append(records)
            return answers

    def _take(self, admitted: Admitted, at_ms: int, values: dict[int, list[bytes]]) -> Answer:
        event = admitted.event
        partition = self.partition_of(event.customer_id)
        at_ms = self.journey_ms[partition] = max(at_ms, self.journey_ms[partition])
        waiting = values.setdefault(partition, [])
        offset = self.facts[partition].log.end() + len(waiting)
        waiting.append(encode_record(event, at_ms))
        return Answer(id=event.id, partition=partition, offset=offset)

    def _refuse(self, line: bytes, refused: InputRefused, now_ms: int, letters: dict[int, list[bytes]]) -> Answer:
        name, customer = names_in(line)
        partition = 0 if customer is None else self.partition_of(customer)
        letter = dead_letter(refused, line, door=Door.PUBLISH, at_ms=now_ms, partition=partition)
        letters.setdefault(partition, []).append(encode_dead_letter(letter))
        return Answer(id=name, partition=partition, reason=letter.reason, detail=letter.detail)


def journey_of(log: Log) -> int:
    """A partition's journey time: that of its last record, 0 without one."""
    return appended_at_of(log.get(log.end() - 1)) if log.end() else 0


def names_in(line: bytes) -> tuple[str | None, str | None]:
    """(event id, customer id) of a refused line, each None where none can be read."""
    for decoder in (_JSON, _MSGPACK):
        try:
            found = decoder.decode(line)
        except (ValueError, RecursionError):
            continue
        named = (name if isinstance(name, str) else None for name in (found.id, found.customer_id))
        return next(named), next(named)
    return None, None
