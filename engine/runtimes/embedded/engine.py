"""The embedded engine: every partition's shard in one process that owns its workspace.

    run_until_idle:  each shard processes batches in turn -> a tick moves each partition to one time -> again -> report
    run_live:        the same in a loop, ticks by the wall clock, and a socket at which other processes hand events over

Whatever happens to the process, whoever owns the workspace next goes on from the facts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from engine.delivery.outbox import Outbox
from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock, Every, wall_clock_ms
from engine.runtimes.collector import calm_collector
from engine.runtimes.embedded.bell import Bell
from engine.runtimes.embedded.drive import Drive, Progress
from engine.runtimes.embedded.due import next_due_ms
from engine.runtimes.embedded.generations import PartitionGenerations
from engine.runtimes.embedded.intake import Intake
from engine.runtimes.embedded.report import RunReport, report_of
from engine.runtimes.embedded.rulebooks import Rulebooks, load_rulebook
from engine.runtimes.embedded.server import Server
from engine.self_closing import SelfClosing, closed_on_failure
from engine.shard import Shard
from engine.workspace.workspace import Workspace
from events.codec import Activation
from events.errors import CalledWrongly
from events.times import instant_text

BATCH_RECORDS = 2_000
FLUSH_IDLE_S = 2.0
DELIVER_S = 0.25
"""How long messages may gather while events keep coming: what is written together costs few fsyncs, and no event waits
for those of each batch."""

FLUSH_S = 5.0
"""How old states that others read may be while events keep coming; more often costs each event more."""

WAIT_S = 1.0


class EmbeddedEngine(SelfClosing):
    """All partitions of a workspace that this process owns; use as a context manager or `close` it.

    Attributes: `workspace`, `intake` (appends), `rulebooks`, `shards`, `drive` (processes what is in the log).
    """

    def __init__(self, workspace: Workspace, *, clock: Clock = wall_clock_ms, batch: int = BATCH_RECORDS) -> None:
        self.workspace = workspace
        self.clock = clock
        self.rulebooks = Rulebooks()
        self.intake = Intake(workspace.facts, self.rulebooks, clock=clock)
        self.shards = [
            Shard(
                facts.log,
                facts.decisions,
                PartitionGenerations(workspace, facts.partition),
                self.rulebooks.load,
                self.rulebooks.compile,
                partition=facts.partition,
            )
            for facts in workspace.facts
        ]
        folder = workspace.outbox_folder
        outbox = Outbox(folder, self._recorded_rulebook) if folder is not None else None
        self.drive = Drive(self.shards, outbox, batch=batch)
        self._bell = Bell()
        self._stopping = False

    @classmethod
    def open(cls, folder: Path, *, clock: Clock = wall_clock_ms, batch: int = BATCH_RECORDS) -> EmbeddedEngine:
        """Own the workspace in a folder.

        `batch` is how many records of a partition are processed together. Raises what `Workspace.open` does.
        """
        workspace = Workspace.open(folder, owner=True)
        with closed_on_failure(workspace.close):
            return cls(workspace, clock=clock, batch=batch)

    # ------------------------------------------------------------ rulebooks
    def active(self) -> Rulebook | None:
        """The rulebook that was activated last, None if none was."""
        return self.intake.active()

    def activate_first(self, *, live: bool = False) -> Activation | None:
        """Activate the folder's rulebook if none is active yet, else do nothing and return None.

        Raises RulebookInvalid for a broken one.
        """
        if self.active() is not None:
            return None
        return self.activate(load_rulebook(self.workspace.rulebook_folder), live=live)

    def activate(self, rulebook: Rulebook, at_ms: int | None = None, *, live: bool = False) -> Activation:
        """Append an activation to every partition; it takes effect when it is processed."""
        return self.intake.activate(rulebook, at_ms, live=live)

    def _recorded_rulebook(self, rulebook_hash: str) -> Rulebook | None:
        return self.rulebooks.by_hash(self.workspace.facts[0].log, rulebook_hash)

    # ------------------------------------------------------------ figures
    @property
    def journey_ms(self) -> int:
        """The largest journey time of any partition: the largest `appended_at_ms` in the log."""
        return self.intake.latest_ms

    def empty(self) -> bool:
        """Whether the log has no record at all."""
        return not any(facts.log.end() for facts in self.workspace.facts)

    def waiting(self) -> int:
        """How many records are not processed yet."""
        self.drive.open()
        return sum(shard.waiting() for shard in self.shards)

    def events_before_activation(self) -> int:
        """How many events lie before the first activation: they are folded and make no matches."""
        firsts = [shard.activations.offsets()[:1] for shard in self.shards]
        return sum(first[0] for first in firsts if first)

    # ------------------------------------------------------------ until idle
    def run_until_idle(self, as_of_ms: int | None = None, progress: Progress | None = None) -> RunReport:
        """Process every record, let time pass to `as_of_ms` in every partition, write what gathered, and report.

        `as_of_ms` is the log's largest time unless given; raises CalledWrongly for an earlier one, or one later than
        the wall clock. `progress` is told of records as they are processed.
        """
        as_of_ms = self.journey_ms if as_of_ms is None else self.checked_as_of(as_of_ms)
        began = time.perf_counter()
        with calm_collector():
            self.drive.open()
            processed = self.drive.drain(progress)
            for shard in self.shards:
                if shard.world is not None and (self._behind(shard, as_of_ms) or shard.world.overdue):
                    self.intake.tick(shard.partition, as_of_ms)
            processed += self.drive.drain(progress)
            self.drive.deliver()
            self.drive.flush()
            seconds = time.perf_counter() - began
            return report_of(self.shards, as_of_ms=as_of_ms, processed=processed, seconds=seconds)

    def checked_as_of(self, as_of_ms: int) -> int:
        """The instant, if a run can end there; raises CalledWrongly if the log is past it, or the clock before it."""
        latest_ms = self.journey_ms
        if as_of_ms < latest_ms:
            there = f"the log holds records up to {instant_text(latest_ms)}"
            raise CalledWrongly(f"a run cannot end at {instant_text(as_of_ms)}: {there}")
        if as_of_ms > self.clock():
            raise CalledWrongly(f"a run cannot end at {instant_text(as_of_ms)}: that is in the future")
        return as_of_ms

    def _behind(self, shard: Shard, at_ms: int) -> bool:
        return self.intake.journey_ms[shard.partition] < at_ms

    # ------------------------------------------------------------ live
    def run_live(self, *, catch_up: bool = False, ready: Callable[[], None] | None = None) -> None:
        """Process what comes, and what becomes due by the wall clock, until `stop` is called.

        `ready` is called once the socket listens and every partition is open. Raises OperatorError if journey time
        would move by more than 7 days at once, unless `catch_up`.
        """
        if not catch_up:
            self.intake.check_leap(self.clock())
        with Server(self.workspace.socket_path, self.intake, self._bell, catch_up=catch_up) as server, calm_collector():
            self.drive.open()  # events are taken meanwhile
            if ready is not None:
                ready()
            flush, deliver = Every(FLUSH_S), Every(DELIVER_S)
            while not self._stopping:
                server.check()
                if self.drive.round():
                    if deliver.over():
                        self.drive.deliver()
                    if flush.over():
                        self.drive.begin_flush()
                    continue
                self.drive.deliver()
                now_ms = self.clock()
                if not catch_up:
                    self.intake.check_leap(now_ms)
                self.intake.watch(now_ms)
                if not self._tick_due(now_ms):
                    self._rest(now_ms)
        self.drive.deliver()
        self.drive.flush()

    def stop(self) -> None:
        """End `run_live` after the batch at hand; a signal handler or another thread may call this."""
        self._stopping = True
        self._bell.ring()

    def _tick_due(self, now_ms: int) -> bool:
        """Append a tick to each partition in which something is due; whether there was one."""
        due = [shard for shard in self.shards if shard.world is not None and next_due_ms(shard.world) <= now_ms]
        for shard in due:
            self.intake.tick(shard.partition, now_ms)
        return bool(due)

    def _rest(self, now_ms: int) -> None:
        """Wait for what comes or becomes due; write what gathered if nothing does for a while."""
        if self._bell.wait(self._seconds_left(now_ms, FLUSH_IDLE_S)):
            return
        self.drive.flush_changed()
        self._bell.wait(self._seconds_left(self.clock(), WAIT_S))

    def _seconds_left(self, now_ms: int, at_most_s: float) -> float:
        worlds = (shard.world for shard in self.shards if shard.world is not None)
        left_ms = min((next_due_ms(world) for world in worlds), default=now_ms + 1_000_000) - now_ms
        return min(max(left_ms, 0) / 1000, at_most_s)

    # ------------------------------------------------------------ closing
    def close(self) -> None:
        """Let go of the workspace. What was not flushed is processed again, to the same effect, by the next owner."""
        self._bell.close()
        self.workspace.close()
