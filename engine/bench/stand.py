"""Where benchmarks run: real storage in a temporary folder, and the floor on the same adapters beside it.

Each measurement runs in a process of its own, so that nothing of another is warm or in the way.
"""

from __future__ import annotations

import gc
import math
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.activations import append_activation
from engine.adapters.memory import MemoryDecisions, MemoryLog
from engine.adapters.memory_generations import MemoryGenerations
from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.bench.workload import GAP_DAYS, START_MS, Workload, cities_for, write_rulebook
from engine.compiled import Compiled, compile_rulebook
from engine.ports import DerivedStore
from engine.rulebook.rulebook import Rulebook
from engine.shard import Shard
from events.codec import Activation

BATCH = 2_000
TARGET_TRANSITIONS = 2.0
NO_KNOB_DAYS = 100_000.0


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's result, computed in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


class FolderGenerations:
    """Generations of a bench: numbered folders, no manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0
        self.store: DerivedStore | None = None

    def current(self) -> DerivedStore | None:
        """The current generation."""
        return self.store

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """A new one."""
        self.made += 1
        return RocksDerived(self.folder / f"g{self.made}", create=True)

    def swap(self, store: DerivedStore) -> None:
        """Make it the current one."""
        self.store = store


class Stand:
    """One partition with a rulebook of `segments` segments, tuned to two transitions an event."""

    def __init__(self, folder: Path, segments: int, *, knob_days: float) -> None:
        self.folder = folder
        self.rulebook: Rulebook = write_rulebook(folder / "rulebook", segments, knob_days=knob_days)
        began = time.perf_counter()
        self.compiled: Compiled = compile_rulebook(self.rulebook)
        self.compile_s = time.perf_counter() - began
        self.segments = segments

    def activation(self) -> Activation:
        """The activation that everything starts with."""
        return Activation(id="bench", at_ms=START_MS, hash=self.rulebook.hash, rulebook=self.rulebook.packed())

    def in_memory(self) -> Shard:
        """A shard that writes nowhere, with the rulebook active."""
        log = MemoryLog()
        append_activation(log, self.activation(), START_MS)
        return self._opened(Shard(log, MemoryDecisions(), MemoryGenerations(), *self._makers()))

    def on_disk(self) -> Shard:
        """A shard on RocksDB, with the rulebook active."""
        facts = RocksFacts(self.folder / "facts", 0, create=True)
        append_activation(facts.log, self.activation(), START_MS)
        shard = Shard(facts.log, facts.decisions, FolderGenerations(self.folder), *self._makers())
        return self._opened(shard)

    def _makers(self) -> tuple[Callable[[bytes], Rulebook], Callable[[Rulebook], Compiled]]:
        return (lambda _: self.rulebook), (lambda _: self.compiled)

    def _opened(self, shard: Shard) -> Shard:
        shard.open()
        while shard.process(BATCH):
            pass
        return shard


def groups(records: Iterator[tuple[str, bytes]], size: int) -> Iterator[list[bytes]]:
    """Records in lists of `size`."""
    group: list[bytes] = []
    for _, record in records:
        group.append(record)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def tuned_knob(segments: int, *, customers: int = 4_000, events: int = 40_000) -> float:
    """The age, in days, at which the broad tuned segment brings transitions to two an event.

    A customer's events are an exponential gap apart, so a segment of that age is entered and left at exp(-age / gap)
    of them.
    """
    with TemporaryDirectory() as folder:
        stand = Stand(Path(folder), segments, knob_days=NO_KNOB_DAYS)
        without = transitions_an_event(stand, customers=customers, events=events)
    missing = max(TARGET_TRANSITIONS - without, 0.02)
    return -GAP_DAYS * math.log(min(missing / 2, 0.999))


def transitions_an_event(stand: Stand, *, customers: int, events: int) -> float:
    """Transitions an event in the second half of a run in memory."""
    shard = stand.in_memory()
    assert shard.world is not None
    half = 0
    workload = Workload(customers=customers, events=events)
    for number, group in enumerate(groups(workload.records(cities_for(stand.segments)), BATCH)):
        if number * BATCH == events // 2:
            half = shard.world.meta.transitions
        shard.log.append(group)
        shard.process(BATCH)
    return (shard.world.meta.transitions - half) / (events - events // 2)


class Stages:
    """Seconds by stage: wraps methods of one object each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def time(self, owner: Any, method: str, stage: str) -> None:
        """Count the time of a method under a stage."""
        inner = getattr(owner, method)

        def timed(*arguments: Any, **keywords: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*arguments, **keywords)
            finally:
                self.seconds[stage] += time.perf_counter() - began

        setattr(owner, method, timed)


def quiet_collector() -> None:
    """The collector as the runtime has it: what lives is frozen, the young are looked at seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
