"""Brings history in at its own times: read, judge, sort, append.

    files -> Judged (records in order, the refused) -> batches of rows, one append a partition -> ImportReport

How far it came is known to the log, under the input's identity: run again it goes on, or finds it done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.importing.destination import Destination, Row
from engine.importing.embedded import EmbeddedDestination
from engine.importing.judged import Judged
from engine.importing.known import files_hash
from engine.importing.live_from import live_from_ms
from engine.importing.mapping import Mapped, read_mapping
from engine.importing.readers import read
from engine.importing.report import ImportReport
from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.collector import calm_collector
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.workspace.settings import FILE as SETTINGS_FILE
from engine.workspace.settings import load_settings
from events.admission import FUTURE_MS
from events.codec import encode_record, read_record
from events.errors import CalledWrongly
from events.times import instant_text

BATCH_ROWS = 5_000

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class FirstActivation:
    """What --live-from asks: this rulebook, from this instant on."""

    rulebook: Rulebook
    at_ms: int


def _nobody(_done: int) -> None:
    """Nobody is watching."""


def import_files(
    folder: Path,
    files: Sequence[Path],
    *,
    mapping: Path | None = None,
    live_from: str | None = None,
    late: bool = False,
    reading: Advance = _nobody,
    begun: Advance = _nobody,
    appending: Advance = _nobody,
    clock: Clock = wall_clock_ms,
) -> ImportReport:
    """Import the events of some files into the workspace, as its owner, or to the cluster that its log url names.

    `late` takes events that are older than what is in the log already, at the log's time. `reading` is told of bytes,
    `begun` once of how many events there are, `appending` of events. Raises WorkspaceBusy, RulebookInvalid (with
    `live_from`), and CalledWrongly for files, times or a mapping that cannot be.
    """
    began = time.perf_counter()
    with _destination(folder, clock) as to:
        first = None
        if live_from is not None:
            rulebook = load_rulebook(folder / "rulebook")
            first = FirstActivation(rulebook, live_from_ms(live_from, rulebook.rules.policy.time_zone))
        declared = to.declared
        if declared is None and first is not None:
            declared = first.rulebook.declared
        mapped = read_mapping(mapping, declared) if mapping is not None else Mapped.by_header(declared)
        hashed = files_hash(files, mapping)
        if (done := to.known(hashed, began)) is not None:
            return replace(done, active_since_ms=_active_otherwise_ms(to, first))
        with calm_collector(), Judged(folder, len(to.journey_ms), declared, clock()) as judged:
            sources = [read(path, mapped, reading) for path in files]  # all are looked at before any is read
            for source in sources:
                for found in source:
                    judged.take(found)
            begun(len(judged))
            report = _Import(to, judged, first, late=late, clock=clock).run(appending, began)
            to.remember(hashed, report)
            return report


def _destination(folder: Path, clock: Clock) -> Destination:
    """The log of the workspace in a folder."""
    if (folder / SETTINGS_FILE).is_file() and not load_settings(folder).embedded:
        from engine.runtimes.kafka.importing import KafkaDestination  # noqa: PLC0415 -- clients load when chosen

        return KafkaDestination(folder, clock=clock)
    return EmbeddedDestination(folder, clock=clock)


class _Import:
    """One run of the import of one input."""

    def __init__(
        self, to: Destination, judged: Judged, first: FirstActivation | None, *, late: bool, clock: Clock
    ) -> None:
        self.to = to
        self.judged = judged
        self.first = first
        self.late = late
        self.clock = clock
        self.begun, self.next = to.progress(judged)

    def run(self, advance: Advance, began: float) -> ImportReport:
        """Append what is left and say what was done."""
        total = len(self.judged)
        already = self.begun and min(self.next) >= total
        activation, imported, otherwise_ms = None, 0, None
        if already:
            otherwise_ms = _active_otherwise_ms(self.to, self.first)
        else:
            cut = self._place_of_activation()
            self._refuse_the_late()
            if not self.begun:  # the refused are kept once
                self.to.keep(self.judged.letters())
            imported = self._append(0, cut, advance)
            if self.first is not None:
                if self.to.first_active_ms() is None:
                    activation = self.to.activate(self.first.rulebook, self.first.at_ms)
                else:
                    self.to.complete_activation()
            imported += self._append(cut, total, advance)
            self.to.finish(total)
        times = self.judged.times_ms
        return ImportReport(
            identity=self.judged.identity,
            events=total,
            imported=imported,
            refused=self.judged.refused,
            already_imported=already,
            first_ms=int(times[0]) if total else None,
            last_ms=int(times[-1]) if total else None,
            activation=activation,
            seconds=round(time.perf_counter() - began, 3),
            active_since_ms=otherwise_ms,
        )

    def _place_of_activation(self) -> int:
        """The row before which the first activation goes: the first one not before its time; the end without one."""
        if self.first is None:
            return len(self.judged)
        at_ms, active_ms, latest_ms = self.first.at_ms, self.to.first_active_ms(), max(self.to.journey_ms)
        if active_ms is not None:
            if active_ms != at_ms:
                what = f"a rulebook is active since {instant_text(active_ms)}"
                raise CalledWrongly(f"{what}; --live-from is for the first one, `strand apply` for the next")
        elif at_ms < latest_ms:
            what = f"the log holds records up to {instant_text(latest_ms)}"
            raise CalledWrongly(f"--live-from cannot be {instant_text(at_ms)}: {what}")
        elif at_ms > self.clock() + FUTURE_MS:
            raise CalledWrongly(f"--live-from cannot be {instant_text(at_ms)}: that is in the future")
        return int(np.searchsorted(self.judged.times_ms, at_ms, side="left"))

    def _refuse_the_late(self) -> None:
        """Raise CalledWrongly if a partition has records later than the first of its events still to come."""
        if self.late:
            return
        for partition, journey_ms in enumerate(self.to.journey_ms):
            mine = np.flatnonzero(self.judged.partition_of_row[self.next[partition] :] == partition)
            if mine.size and (at_ms := int(self.judged.times_ms[self.next[partition] + mine[0]])) < journey_ms:
                raise CalledWrongly(
                    f"the input begins at {instant_text(at_ms)} and the log holds records up to "
                    f"{instant_text(journey_ms)} (partition {partition}); --late takes such events at the log's time"
                )

    def _append(self, start: int, stop: int, advance: Advance) -> int:
        """Append rows start..stop, but for those that a partition has already; returns how many were appended."""
        appended = 0
        for first in range(start, stop, BATCH_ROWS):
            end = min(first + BATCH_ROWS, stop)
            rows: dict[int, list[Row]] = {}
            for row, partition in enumerate(self.judged.partition_of_row[first:end].tolist(), first):
                if row >= self.next[partition]:
                    rows.setdefault(partition, []).append(self._raised(row, partition))
            self.to.append(rows, end)
            for partition, taken in rows.items():
                self.next[partition] = end
                appended += len(taken)
            advance(end - first)
        return appended

    def _raised(self, row: int, partition: int) -> Row:
        """A row's record at its own time, or at its partition's journey time where that is later."""
        record, at_ms = self.judged.row(row), int(self.judged.times_ms[row])
        journey_ms = self.to.journey_ms[partition]
        if at_ms < journey_ms:
            return Row(row, encode_record(read_record(record)[0], journey_ms), journey_ms)
        self.to.journey_ms[partition] = at_ms
        return Row(row, record, at_ms)


def _active_otherwise_ms(to: Destination, first: FirstActivation | None) -> int | None:
    """Since when a rulebook is active, if --live-from says otherwise; None where it does not.

    Raises CalledWrongly where it comes too late to go between records that are in the log already.
    """
    if first is None:
        return None
    active_ms = to.first_active_ms()
    if active_ms is None:
        what = "these events are imported already, and no rulebook was activated between them"
        raise CalledWrongly(f"{what}; `strand run` activates the first one after them")
    return active_ms if active_ms != first.at_ms else None
