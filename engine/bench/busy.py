"""One busy customer: a million events in 30 days under a window of 90, against an event's usual time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from engine.bench.figures import Figure
from engine.bench.live import CUSTOMERS, EVENTS, SEGMENTS, drive, live
from engine.bench.machine import resident_mb
from engine.bench.stand import Scale, Stand, apart, groups
from engine.bench.tuning import Tuned, tuned
from engine.bench.workload import Workload, cities_for
from engine.runtimes.collector import calm_collector

BUSY_EVENTS = 1_000_000
DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Busy:
    """Microseconds an event over all, and over the last tenth; the process's peak in MB."""

    us: float
    last_us: float
    peak_mb: float
    encode_ms: float
    state_bytes: int


def bench(scale: Scale) -> list[Figure]:
    """Once, between two live runs of many customers."""
    rulebook = tuned(SEGMENTS)
    usual = [apart(live, rulebook, scale.of(CUSTOMERS), scale.of(EVENTS)).cost.us]
    busy = apart(taken, rulebook, scale.of(BUSY_EVENTS))
    usual.append(apart(live, rulebook, scale.of(CUSTOMERS), scale.of(EVENTS)).cost.us)
    us = mean(usual)
    note = (
        f"last tenth {busy.last_us:.1f} us an event, all {busy.us:.1f}, usual {us:.1f}; the state ends at "
        f"{busy.state_bytes / 1e3:,.0f} kB, encoded in {busy.encode_ms:.1f} ms; peak {busy.peak_mb:.0f} MB"
    )
    events = scale.of(BUSY_EVENTS)
    return [
        Figure(
            bench="busy", name=f"one customer's last of {events:,}", value=busy.last_us / us, threshold=3.0, note=note
        )
    ]


def taken(rulebook: Tuned, events: int) -> Busy:
    """All events of one customer, batch by batch."""
    with TemporaryDirectory() as folder, Stand(Path(folder), rulebook.packed) as stand, calm_collector():
        shard = stand.on_disk()
        seconds: list[float] = []
        for batch in groups(Workload(customers=1, events=events, days=DAYS).records(cities_for(SEGMENTS))):
            began = time.perf_counter()
            drive(shard, [batch])
            seconds.append((time.perf_counter() - began) / len(batch))
        last = seconds[-max(len(seconds) // 10, 1) :]
        assert shard.world is not None
        began = time.perf_counter()
        encoded = shard.world.program.codec.encode(shard.world.state("c0000000"))
        encode_ms = (time.perf_counter() - began) * 1e3
        return Busy(mean(seconds) * 1e6, mean(last) * 1e6, resident_mb()[1], encode_ms, len(encoded))
