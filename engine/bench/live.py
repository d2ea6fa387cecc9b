"""Live: append, step, durable; against the floor of append, read, decode and one small put an event."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.bench.stand import BATCH, Stages, Stand, groups, quiet_collector
from engine.bench.workload import Workload, cities_for
from engine.outputs import kept
from engine.ports import Flush
from engine.shard import Shard
from events.codec import read_record

PUT_BYTES = 200


def floor(customers: int, events: int) -> float:
    """Seconds an event of the floor: the same log adapter, batch, fsync and process; append, read, decode to the
    engine's own Event; 200 bytes put an event in one write a batch."""
    with TemporaryDirectory() as folder:
        facts = RocksFacts(Path(folder) / "facts", 0, create=True)
        store = RocksDerived(Path(folder) / "store", create=True)
        value = bytes(PUT_BYTES)
        batches = list(groups(Workload(customers=customers, events=events).records(cities_for(100)), BATCH))
        quiet_collector()
        began = time.perf_counter()
        for batch in batches:
            first = facts.log.append(batch)
            decoded = [read_record(record)[0] for record in facts.log.read(first, BATCH)]
            store.write(Flush(states={event.customer_id: value for event in decoded}))
        seconds = time.perf_counter() - began
        store.close()
        facts.close()
    return seconds / events


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
    stages.time(shard.stream, "append", "decisions")


def live(segments: int, customers: int, events: int, knob_days: float, *, with_stages: bool = False) -> dict[str, Any]:
    """Microseconds an event of the second half of a run, with what happened in it."""
    with TemporaryDirectory() as folder:
        stand = Stand(Path(folder), segments, knob_days=knob_days)
        shard = stand.on_disk()
        assert shard.world is not None
        meta = shard.world.meta
        batches = list(groups(Workload(customers=customers, events=events).records(cities_for(segments)), BATCH))
        half = len(batches) // 2
        stages = Stages()
        if with_stages:
            staged(shard, stages)
        for batch in batches[:half]:
            shard.log.append(batch)
            shard.process(BATCH)
        quiet_collector()
        stages.seconds.clear()
        transitions, counted = meta.transitions, sum(map(len, batches[half:]))
        decided = shard.stream.count()
        began = time.perf_counter()
        for batch in batches[half:]:
            shard.log.append(batch)
            shard.process(BATCH)
        shard.flush()
        seconds = time.perf_counter() - began
        decisions = sum(len(output.decisions) for output in kept(shard.stream.read(decided)))
    stage = {name: spent / counted * 1e6 for name, spent in stages.seconds.items()}
    if stage:
        stage["own steps"] = stage.pop("advance") - stage["load"] - stage["due steps"]
        stage["decode"] = seconds / counted * 1e6 - sum(stage.values())
    return {
        "us": seconds / counted * 1e6,
        "transitions": (meta.transitions - transitions) / counted,
        "decisions": decisions / counted,
        "compile_s": stand.compile_s,
        "stages": stage,
    }
