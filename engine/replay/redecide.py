"""Decides everything from the log alone, each epoch under its own rulebook, and compares with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Protocol

import msgspec

from engine.outputs import frontier, kept
from engine.ports import DecisionStream, Log
from engine.replay.folding import SHOWN_DIFFERENCES, rulebooks
from engine.replay.partition_jobs import Advance, WatchedLog
from engine.replay.scratch import scratch
from engine.shard import Shard
from events.fold_version import FOLD_VERSION
from triggers.decisions import OWN, Decision, Output, Position


class Facts(Protocol):
    """What was recorded of one partition."""

    @property
    def partition(self) -> int: ...
    @property
    def log(self) -> Log: ...
    @property
    def decisions(self) -> DecisionStream: ...


@dataclass(frozen=True, slots=True)
class Redecision:
    """One step that is decided otherwise: where, and what was recorded and what is decided now, in words."""

    partition: int
    position: Position
    recorded: str
    decided: str

    @property
    def instant(self) -> str:
        """The step within its offset: a due instant, or the record's own."""
        due = self.position[1]
        return "own step" if due >= OWN else f"due {due}"


@dataclass(slots=True)
class Redecided:
    """What deciding one partition again gave: `differences` holds the first of `different` steps."""

    partition: int
    steps: int = 0
    different: int = 0
    differences: list[Redecision] = field(default_factory=list)
    fold_version: int = FOLD_VERSION


def redecide_partition(facts: Facts, advance: Advance) -> Redecided:
    """Decide one partition again, up to the recorded frontier, with a decision stream and a world of its own."""
    from engine.adapters.memory import MemoryDecisions

    edge = frontier(facts.decisions)
    stream = MemoryDecisions()
    log, books = WatchedLog(facts.log, advance), rulebooks()
    with scratch() as generations:
        shard = Shard(log, stream, generations, books.load, books.compile, partition=facts.partition)
        shard.open()
        while shard.position < edge and shard.process():
            pass
    return compare(facts.partition, kept(facts.decisions.read()), kept(stream.read()), edge)


def compare(partition: int, recorded: Iterator[Output], decided: Iterator[Output], edge: Position) -> Redecided:
    """The steps at or before `edge` whose decisions are not the same; marks do not count."""
    result = Redecided(partition)
    ours = {output.position: output.decisions for output in recorded if output.decisions}
    theirs = {output.position: output.decisions for output in decided if output.decisions and output.position <= edge}
    for position in sorted(ours.keys() | theirs.keys()):
        result.steps += 1
        left, right = ours.get(position, []), theirs.get(position, [])
        if left != right:
            result.different += 1
            if len(result.differences) < SHOWN_DIFFERENCES:
                result.differences.append(Redecision(partition, position, *_in_words(left, right)))
    return result


def _in_words(recorded: list[Decision], decided: list[Decision]) -> tuple[str, str]:
    """The first decisions of two steps that differ; where their words are the same, the field that is not."""
    for left, right in zip_longest(recorded, decided):
        if left == right:
            continue
        if left is None or right is None or _words(left) != _words(right):
            return _words(left), _words(right)
        a, b = msgspec.structs.asdict(left), msgspec.structs.asdict(right)
        name = next(name for name in a if a[name] != b[name])
        return f"{_words(left)}, {name} {a[name]!r:.200}", f"{_words(right)}, {name} {b[name]!r:.200}"
    return "nothing", "nothing"


def _words(decision: Decision | None) -> str:
    if decision is None:
        return "nothing"
    return f"{decision.kind} {decision.trigger}" + (f" ({decision.reason})" if decision.reason else "")
