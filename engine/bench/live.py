"""Live: append, step, durable; against the floor of append, read, decode and one small put an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.bench.figures import Figure
from engine.bench.stand import BATCH, Cost, Scale, Stages, Stand, Watch, apart, groups, open_facts, open_store, ratio
from engine.bench.tuning import Tuned, tuned, usual
from engine.outputs import kept
from engine.ports import Flush
from engine.runtimes.collector import calm_collector
from engine.shard import Shard
from events.codec import read_record

if TYPE_CHECKING:
    from engine.adapters.rocksdb_derived import RocksDerived
    from engine.adapters.rocksdb_facts import RocksFacts

PUT_BYTES = 200
WITHIN_ADVANCE = ("duplicates", "load", "due steps")
SEGMENTS = 100
CUSTOMERS, EVENTS = 8_000, 80_000


@dataclass(frozen=True, slots=True)
class Run:
    """An event's time, and what happened at it, in the second half of a run."""

    cost: Cost
    transitions: float
    decisions: float
    compile_s: float
    stages: Mapping[str, float]


def bench(scale: Scale) -> list[Figure]:
    """Live against its floor, in turn: where every event makes two transitions, and over usual traffic."""
    return [
        _against_floor(scale, "events/s to the floor's", tuned(SEGMENTS)),
        _against_floor(scale, "events/s to the floor's, usual traffic", usual(SEGMENTS)),
    ]


def _against_floor(scale: Scale, name: str, rulebook: Tuned) -> Figure:
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    floors: list[Cost] = []
    runs: list[Run] = []
    for _ in scale.rounds:
        floors.append(apart(floor, rulebook, customers, events))
        runs.append(apart(live, rulebook, customers, events))
    staged = apart(live, rulebook, customers, events, True)
    costs = [run.cost for run in runs]
    note = (
        f"{shown(costs)} an event, floor {shown(floors)}; {in_cpu(floors, costs)}; "
        f"{runs[0].transitions:.2f} transitions and {runs[0].decisions:.2f} decisions an event"
    )
    value = ratio((each.us for each in floors), (run.cost.us for run in runs))
    return Figure(
        bench="live", name=name, value=value, threshold=0.12, aim=0.25, at_least=True, note=note, stages=staged.stages
    )


def shown(costs: Sequence[Cost]) -> str:
    """The median time."""
    return f"{median(cost.us for cost in costs):.1f} us ({median(cost.cpu_us for cost in costs):.1f} of CPU)"


def in_cpu(above: Sequence[Cost], below: Sequence[Cost]) -> str:
    """The ratio where only the processor's time counts."""
    return f"by CPU alone {ratio((each.cpu_us for each in above), (each.cpu_us for each in below)):.3g}x"


def floor(rulebook: Tuned, customers: int, events: int) -> Cost:
    """An event's cost of the floor, in the second half: the same log adapter, batch, fsync and process; append,
    read, decode to the engine's own Event; 200 bytes put an event in one write a batch."""
    with TemporaryDirectory() as folder:
        facts, store = open_facts(Path(folder)), open_store(Path(folder), "floor")
        value = bytes(PUT_BYTES)
        batches = list(groups(rulebook.records(customers, events)))
        half = len(batches) // 2
        with calm_collector():
            _at_floor(facts, store, batches[:half], value)
            with Watch() as watch:
                _at_floor(facts, store, batches[half:], value)
        store.close()
        facts.close()
    return Cost.of(watch, sum(map(len, batches[half:])))


def _at_floor(facts: RocksFacts, store: RocksDerived, batches: Iterable[list[bytes]], value: bytes) -> None:
    for batch in batches:
        first = facts.log.append(batch)
        decoded = [read_record(record)[0] for record in facts.log.read(first, BATCH)]
        store.write(Flush(states={event.id: value for event in decoded}))


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
        batches = list(groups(rulebook.records(customers, events)))
        half = len(batches) // 2
        stages = Stages()
        if with_stages:
            staged(shard, stages)
        with calm_collector():
            drive(shard, batches[:half])
            stages.seconds.clear()
            transitions, decided = meta.transitions, shard.stream.count()
            with Watch() as watch:
                drive(shard, batches[half:])
                shard.flush()
        counted = sum(map(len, batches[half:]))
        decisions = sum(len(output.decisions) for output in kept(shard.stream.read(decided)))
    cost = Cost.of(watch, counted)
    return Run(
        cost=cost,
        transitions=(meta.transitions - transitions) / counted,
        decisions=decisions / counted,
        compile_s=stand.compile_s,
        stages=_by_stage({name: spent / counted * 1e6 for name, spent in stages.seconds.items()}, cost.us),
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
    stages["own steps"] = stages.pop("advance") - sum(stages.get(each, 0.0) for each in WITHIN_ADVANCE)
    stages["encode"] = stages.pop("flush") - stages.get("write", 0.0)
    stages["decode"] = total_us - sum(stages.values())
    return stages
