"""Live: append, step, durable; against the floor of append, read, decode and one small put an event."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from engine.bench.figures import Figure
from engine.bench.stand import BATCH, Scale, Stages, Stand, apart, groups, open_facts, open_store, ratio
from engine.bench.tuning import Tuned, tuned
from engine.bench.workload import Workload, cities_for
from engine.outputs import kept
from engine.ports import Flush
from engine.runtimes.embedded.collector import calm_collector
from engine.shard import Shard
from events.codec import read_record

PUT_BYTES = 200
SEGMENTS = 100
CUSTOMERS, EVENTS = 8_000, 80_000


@dataclass(frozen=True, slots=True)
class Run:
    """An event's time, and what happened at it, in the second half of a run."""

    us: float
    cpu_us: float
    transitions: float
    decisions: float
    compile_s: float
    stages: Mapping[str, float]


def bench(scale: Scale) -> list[Figure]:
    """Live against its floor, in turn."""
    rulebook = tuned(SEGMENTS)
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    floors: list[float] = []
    runs: list[Run] = []
    for _ in scale.rounds:
        floors.append(apart(floor, customers, events))
        runs.append(apart(live, rulebook, customers, events))
    staged = apart(live, rulebook, customers, events, True)
    us = median(run.us for run in runs)
    note = (
        f"{us:.1f} us an event ({median(run.cpu_us for run in runs):.1f} of CPU), floor {median(floors):.2f}; "
        f"{runs[0].transitions:.2f} transitions and {runs[0].decisions:.2f} decisions an event"
    )
    value = ratio(floors, (run.us for run in runs))
    return [
        Figure(
            bench="live", name="events/s to the floor's", value=value, threshold=0.12, aim=0.25, at_least=True,
            note=note, stages=staged.stages,
        )
    ]  # fmt: skip


def floor(customers: int, events: int) -> float:
    """Microseconds an event of the floor, in the second half: the same log adapter, batch, fsync and process; append,
    read, decode to the engine's own Event; 200 bytes put an event in one write a batch."""
    with TemporaryDirectory() as folder:
        facts, store = open_facts(Path(folder)), open_store(Path(folder), "floor")
        value = bytes(PUT_BYTES)
        batches = list(groups(Workload(customers=customers, events=events).records(cities_for(SEGMENTS))))
        half = len(batches) // 2
        with calm_collector():
            began = 0.0
            for number, batch in enumerate(batches):
                if number == half:
                    began = time.perf_counter()
                first = facts.log.append(batch)
                decoded = [read_record(record)[0] for record in facts.log.read(first, BATCH)]
                store.write(Flush(states={event.customer_id: value for event in decoded}))
            seconds = time.perf_counter() - began
        store.close()
        facts.close()
    return seconds / sum(map(len, batches[half:])) * 1e6


def staged(shard: Shard, stages: Stages) -> None:
    """Time the parts of a batch; what is left of `advance` is the steps."""
    world = shard.world
    assert world is not None
    stages.time(shard.log, "append", "append")
    stages.time(shard.log, "read", "read")
    stages.time(world.seen, "duplicates", "duplicates")
    stages.time(world, "prefetch", "load")
    stages.time(world, "pass_time", "due steps")
    stages.time(world, "advance", "advance")
    stages.time(world, "flush", "flush")
    stages.time(world.store, "write", "write")
    stages.time(shard.stream, "append", "decisions")


def live(rulebook: Tuned, customers: int, events: int, with_stages: bool = False) -> Run:
    """A shard over a shop's events, batch by batch as they come."""
    with TemporaryDirectory() as folder, Stand(Path(folder), rulebook.packed) as stand:
        shard = stand.on_disk()
        assert shard.world is not None
        meta = shard.world.meta
        batches = list(groups(Workload(customers=customers, events=events).records(cities_for(rulebook.segments))))
        half = len(batches) // 2
        stages = Stages()
        if with_stages:
            staged(shard, stages)
        with calm_collector():
            drive(shard, batches[:half])
            stages.seconds.clear()
            transitions, decided = meta.transitions, shard.stream.count()
            began, cpu_began = time.perf_counter(), time.process_time()
            drive(shard, batches[half:])
            shard.flush()
            seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        counted = sum(map(len, batches[half:]))
        decisions = sum(len(output.decisions) for output in kept(shard.stream.read(decided)))
    us = seconds / counted * 1e6
    return Run(
        us=us,
        cpu_us=cpu_s / counted * 1e6,
        transitions=(meta.transitions - transitions) / counted,
        decisions=decisions / counted,
        compile_s=stand.compile_s,
        stages=_by_stage({name: spent / counted * 1e6 for name, spent in stages.seconds.items()}, us),
    )


def drive(shard: Shard, batches: Iterable[list[bytes]]) -> None:
    """Append and process, a batch at a time."""
    for batch in batches:
        shard.log.append(batch)
        shard.process(BATCH)


def _by_stage(nested: Mapping[str, float], total_us: float) -> Mapping[str, float]:
    """Stages without what is counted within them; what no stage holds is decoding."""
    if not nested:
        return {}
    stages = dict(nested)
    stages["own steps"] = stages.pop("advance") - stages.get("load", 0.0) - stages.get("due steps", 0.0)
    stages["encode"] = stages.pop("flush") - stages.get("write", 0.0)
    stages["decode"] = total_us - sum(stages.values())
    return stages
