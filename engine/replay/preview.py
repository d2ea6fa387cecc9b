"""What activating a rulebook would do: the engine itself does it, over the facts, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.activations import append_activation
from engine.compiled import Compiled
from engine.outputs import kept
from engine.replay.folding import rulebooks
from engine.replay.overlay import OverlayDecisions, OverlayLog
from engine.replay.partition_jobs import Advance, WatchedLog, each_partition
from engine.replay.recorded import Recorded, recorded_in
from engine.replay.scratch import scratch
from engine.rulebook.rulebook import Rulebook
from engine.shard import Shard
from engine.world import World
from events.codec import Activation, appended_at_of
from triggers.decisions import OWN

Sizes = dict[str, dict[str, int]]
"""Segment -> {'in': customers}, dimension -> value -> customers."""


@dataclass(slots=True)
class Preview:
    """What an activation at `at_ms` would do, over one partition or all.

    `first` says that none is active yet, `folds_again` whether the log is folded again under the new rulebook, `before`
    what is decided by then under the old one (everything due, and records not processed yet), `by_activation` what the
    activation itself decides, `by_trigger` the same by trigger. `sizes_before` and `sizes_after` count customers.
    """

    at_ms: int
    first: bool = False
    folds_again: bool = False
    records: int = 0
    before: Recorded = field(default_factory=Recorded)
    by_activation: Recorded = field(default_factory=Recorded)
    by_trigger: dict[str, dict[str, int]] = field(default_factory=dict)
    sizes_before: Sizes = field(default_factory=dict)
    sizes_after: Sizes = field(default_factory=dict)

    def add(self, other: Preview) -> None:
        """Add another partition's."""
        self.first |= other.first
        self.folds_again |= other.folds_again
        self.records += other.records
        self.before.add(other.before)
        self.by_activation.add(other.by_activation)
        for mine, theirs in (
            (self.by_trigger, other.by_trigger),
            (self.sizes_before, other.sizes_before),
            (self.sizes_after, other.sizes_after),
        ):
            for name, found in theirs.items():
                for value, number in found.items():
                    mine.setdefault(name, {})[value] = mine.get(name, {}).get(value, 0) + number

    def changed_sizes(self) -> list[dict[str, Any]]:
        """Each segment, and each value of each dimension, whose number of customers changes or that comes or goes."""
        rows = []
        for name in sorted(self.sizes_before.keys() | self.sizes_after.keys()):
            was, now = self.sizes_before.get(name), self.sizes_after.get(name)
            for value in sorted({*(was or {}), *(now or {})}):
                left = None if was is None else was.get(value, 0)
                right = None if now is None else now.get(value, 0)
                if left != right:
                    rows.append({"name": name, "value": value, "before": left, "after": right})
        return rows


def preview(
    folder: Path,
    partitions: int,
    rulebook: Rulebook,
    at_ms: int,
    *,
    jobs: int,
    advance: Advance = lambda _: None,
) -> Preview:
    """What activating `rulebook` at `at_ms` would do in all partitions, each in its own process."""
    activation = Activation(id="preview", at_ms=at_ms, hash=rulebook.hash, rulebook=rulebook.packed())
    arguments = [(folder, partition, activation) for partition in range(partitions)]
    found: Sequence[Preview] = each_partition(_preview_partition, arguments, jobs=jobs, advance=advance)
    total = Preview(at_ms)
    for each in found:
        total.add(each)
    return total


def _preview_partition(folder: Path, partition: int, activation: Activation, advance: Advance) -> Preview:
    from engine.workspace.workspace import Workspace

    with Workspace.open(folder, owner=False) as workspace, scratch() as generations:
        facts = workspace.facts[partition]
        log = OverlayLog(WatchedLog(facts.log, advance))
        stream = OverlayDecisions(facts.decisions)
        recorded = stream.count()
        books = rulebooks()
        shard = Shard(log, stream, generations, books.load, books.compile, partition=partition)
        shard.open()
        edge = log.end()
        newest_ms = appended_at_of(log.get(edge - 1)) if edge else 0
        result = Preview(activation.at_ms, first=not shard.activations.offsets(), records=edge)
        while not result.first and shard.position[0] < edge - 1 and shard.process():
            pass
        old = shard.world
        if old is not None:
            result.sizes_before = sizes(old)
        new = books.compile(books.load(activation.rulebook))
        result.folds_again = old is None or _differ(old.compiled, new)
        offset = append_activation(log, activation, max(activation.at_ms, newest_ms))
        while shard.process():
            pass
        assert shard.world is not None
        result.sizes_after = sizes(shard.world)
        outputs = [output for output in kept(stream.read(recorded)) if output.decisions]
        own = [output for output in outputs if output.position[:2] == (offset, OWN)]
        result.by_activation = recorded_in(own)
        result.before = recorded_in(output for output in outputs if output.position[:2] != (offset, OWN))
        for output in own:
            for decision in output.decisions:
                counts = result.by_trigger.setdefault(decision.trigger, {})
                word = decision.kind if not decision.reason else f"{decision.kind} ({decision.reason})"
                counts[word] = counts.get(word, 0) + 1
        return result


def _differ(old: Compiled, new: Compiled) -> bool:
    return old.rulebook.world_hash != new.rulebook.world_hash or old.fingerprint != new.fingerprint


def sizes(world: World) -> Sizes:
    """How many customers are in each segment and have each value of each dimension."""
    program = world.program
    found: Sizes = {name: {"in": 0} for name in program.names[: program.segments]}
    found |= {name: {} for name in program.names[program.segments :]}
    for _, state in world.all_states():
        for name in program.memberships(state):
            found[name]["in"] += 1
        for name, value in zip(program.names[program.segments :], state.dims, strict=True):
            found[name][str(value)] = found[name].get(str(value), 0) + 1
    return found
