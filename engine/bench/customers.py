"""Customers: what an event costs, and what memory it takes, when a thousand to a million of them are hit uniformly.

A small shop is taken live for 120 days; its customers' encoded states are then written, with their timers, under as
many names as are wanted, and the index of duplicates is given as many ids as so many customers make in 30 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from engine.bench.figures import Figure
from engine.bench.live import SEGMENTS, drive, in_cpu, shown
from engine.bench.machine import resident_mb
from engine.bench.stand import Cost, Scale, Stand, Watch, apart, groups, open_store, ratio
from engine.bench.tuning import Tuned, tuned
from engine.bench.workload import GAP_DAYS, Workload, cities_for
from engine.ports import Flush
from engine.runtimes.collector import calm_collector
from engine.seen import HORIZON_MS
from engine.seen_tiers import Tier
from engine.shard import Shard
from engine.states import CACHE_STATES
from events.durations import DAY_MS
from projections.expressions.runtime import NEVER

COUNTS = (1_000, 100_000, 1_000_000)
POOL, POOL_EVENTS = 2_000, 40_000
EVENTS = 40_000
CHUNK = 20_000
RSS_MB = 500


@dataclass(frozen=True, slots=True)
class Hit:
    """An event's time with the cache as full as it gets, and the process's memory in MB: at the end, and its peak."""

    cost: Cost
    loaded: float
    transitions: float
    resident_mb: float
    peak_mb: float


def bench(scale: Scale) -> list[Figure]:
    """Each number of customers, in turn."""
    rulebook = tuned(SEGMENTS)
    counts = [scale.of(count) for count in COUNTS]
    hits: dict[int, list[Hit]] = {count: [] for count in counts}
    with TemporaryDirectory() as folder:
        for count in counts:
            apart(populate, rulebook, Path(folder) / str(count), count)
        for number in scale.rounds:
            for count in counts:
                hits[count].append(apart(hit, rulebook, Path(folder) / str(count), count, scale.of(EVENTS), number))
    fewest, most = counts[0], counts[-1]
    figures = [
        Figure(
            bench="customers", name=f"{count:,} to {fewest:,}",
            value=ratio((each.cost.us for each in hits[count]), (each.cost.us for each in hits[fewest])),
            threshold=2.0 if count == most else None,
            note=f"{in_cpu([each.cost for each in hits[count]], [each.cost for each in hits[fewest]])}; "
            f"{_note(count, hits[count])}; {_note(fewest, hits[fewest])}",
        )
        for count in counts[1:]
    ]  # fmt: skip
    peak = max(each.peak_mb for each in hits[most])
    note = f"peak; {max(each.resident_mb for each in hits[most]):.0f} MB at the end"
    name = f"memory with {most:,}"
    return [*figures, Figure(bench="customers", name=name, value=peak, unit="MB", threshold=RSS_MB, note=note)]


def _note(count: int, hits: list[Hit]) -> str:
    loaded = median(each.loaded for each in hits)
    cost = shown([each.cost for each in hits])
    return f"{count:,}: {cost} an event, {loaded:.2f} loads and {hits[0].transitions:.2f} transitions"


def populate(rulebook: Tuned, folder: Path, count: int) -> None:
    """A workspace of so many customers."""
    folder.mkdir()
    with Stand(folder, rulebook.packed) as stand, calm_collector():
        shard = stand.on_disk()
        drive(shard, groups(Workload(customers=POOL, events=POOL_EVENTS).records(cities_for(SEGMENTS))))
        shard.flush()
        world = shard.world
        assert world is not None
        pool = [(world.program.codec.encode(state), state.queued) for _, state in world.all_states()]
        world.meta.customers = count
        store = open_store(folder, "clones", stand.memory)
        for start in range(0, count, CHUNK):
            names = [(f"c{who:07d}", pool[who % len(pool)]) for who in range(start, min(start + CHUNK, count))]
            timers = [(queued, name) for name, (_, queued) in names if queued < NEVER]
            store.write(Flush(states={name: state for name, (state, _) in names}, timers_put=timers))
        store.write(Flush(meta=msgspec.msgpack.encode(world.meta)))
        store.compact()  # else that goes on while events are measured
        store.close()


def hit(rulebook: Tuned, folder: Path, count: int, events: int, seed: int) -> Hit:
    """Go on where the last round ended, with events of customers drawn uniformly."""
    with Stand(folder, rulebook.packed) as stand:
        store = stand.generations.store = open_store(folder, "clones", stand.memory)
        shard = stand.shard()
        shard.open()
        world = shard.world
        assert world is not None
        assert world.store is store
        _fill_duplicates(shard, count)
        warm = min(count, CACHE_STATES)
        days = GAP_DAYS * (warm + events) / count
        workload = Workload(
            customers=count,
            events=warm + events,
            seed=100 + seed,
            start_ms=world.meta.journey_ms,
            days=days,
            known=True,
        )
        loads = Loads(store)
        world.store = loads
        watch, counted, transitions, seen = Watch(), 0, world.meta.transitions, 0
        with calm_collector():
            for batch in groups(workload.records(cities_for(SEGMENTS))):
                if seen < warm:
                    loads.count, transitions = 0, world.meta.transitions
                    drive(shard, [batch])
                else:
                    with watch:
                        drive(shard, [batch])
                    counted += len(batch)
                seen += len(batch)
            with watch:
                shard.flush()
        memory = resident_mb()
        return Hit(
            Cost.of(watch, counted), loads.count / counted, (world.meta.transitions - transitions) / counted, *memory
        )


class Loads:
    """A store that counts the states read from it."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get_many(self, customers: Sequence[str]) -> list[bytes | None]:
        """Counted, and passed on."""
        self.count += len(customers)
        found: list[bytes | None] = self._store.get_many(customers)
        return found


def _fill_duplicates(shard: Shard, count: int) -> None:
    """As many ids as so many customers make in 30 days, beside those of the log."""
    assert shard.world is not None
    ids = int(count * HORIZON_MS / DAY_MS / GAP_DAYS)
    hashes = np.random.default_rng(1).integers(0, (1 << 63) - 1, ids, dtype=np.int64)
    shard.world.seen.tiers.insert(0, Tier(hashes, np.arange(ids, dtype=np.int64), shard.world.meta.journey_ms))
