"""Latency: from an event's arrival to its decisions durable, at half load; against a bare append of the same arrivals.

Arrivals are open-loop: drawn beforehand as a Poisson process at half of the rate measured just before, and counted from
the instant they were due, however late they are taken. What has arrived is appended together by one fsync.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Self

from engine.bench.figures import Figure
from engine.bench.live import SEGMENTS, drive, live
from engine.bench.stand import BATCH, Scale, Stand, apart, groups, open_facts, ratio
from engine.bench.tuning import Tuned, tuned
from engine.runtimes.clock import Every
from engine.runtimes.collector import calm_collector
from engine.runtimes.embedded.engine import FLUSH_S

CUSTOMERS, EVENTS = 8_000, 80_000


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds from arrival to durable."""

    p50_ms: float
    p99_ms: float
    worst_ms: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """What so many waits come to."""
        waits = sorted(seconds)
        return cls(*(waits[int(share * (len(waits) - 1))] * 1e3 for share in (0.5, 0.99, 1.0)))


def bench(scale: Scale) -> list[Figure]:
    """Half of the live rate: bare and whole, in turn."""
    rulebook = tuned(SEGMENTS)
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    bares: list[Waits] = []
    wholes: list[Waits] = []
    rates: list[float] = []
    for number in scale.rounds:
        rates.append(0.5e6 / apart(live, rulebook, customers, events).cost.us)
        bares.append(apart(bare, rulebook, customers, events, rates[-1], number))
        wholes.append(apart(whole, rulebook, customers, events, rates[-1], number))
    value = ratio((each.p99_ms for each in wholes), (each.p99_ms for each in bares))
    note = (
        f"{median(rates):,.0f} events/s; p50 / p99 / worst: {_shown(wholes)} ms to decisions durable, "
        f"{_shown(bares)} ms bare"
    )
    return [Figure(bench="latency", name="p99 to a bare append's", value=value, aim=5.0, note=note)]


def _shown(rounds: list[Waits]) -> str:
    parts = zip(*((each.p50_ms, each.p99_ms, each.worst_ms) for each in rounds), strict=True)
    return " / ".join(f"{median(part):.1f}" for part in parts)


def whole(rulebook: Tuned, customers: int, events: int, rate: float, seed: int) -> Waits:
    """Append and process; what a shard decided is durable when it returns."""
    with TemporaryDirectory() as folder, Stand(Path(folder), rulebook.packed) as stand:
        shard = stand.on_disk()
        records = list(rulebook.records(customers, events))
        with calm_collector():
            drive(shard, groups(iter(records[: events // 2])))
            flush = Every(FLUSH_S)
            shard.begin_flush()  # as the runtime does now and then: one is in what is measured, however short that is

            def take(group: list[bytes]) -> None:
                drive(shard, [group])
                if flush.over():
                    shard.begin_flush()

            return _open_loop(records[events // 2 :], rate, seed, take)


def bare(rulebook: Tuned, customers: int, events: int, rate: float, seed: int) -> Waits:
    """Append only."""
    with TemporaryDirectory() as folder:
        facts = open_facts(Path(folder))
        records = list(rulebook.records(customers, events))
        with calm_collector():
            for group in groups(iter(records[: events // 2])):
                facts.log.append(group)
            waits = _open_loop(records[events // 2 :], rate, seed, facts.log.append)
        facts.close()
        return waits


def _open_loop(records: list[bytes], rate: float, seed: int, take: Callable[[list[bytes]], object]) -> Waits:
    """Take what has arrived, again and again, until all is taken."""
    arrivals = arrivals_at(rate, len(records), seed)
    waits: list[float] = []
    began = time.perf_counter()
    while len(waits) < len(records):
        first = last = len(waits)
        now = time.perf_counter() - began
        if arrivals[first] > now:
            time.sleep(arrivals[first] - now)
            continue
        while last < len(records) and arrivals[last] <= now and last - first < BATCH:
            last += 1
        take(records[first:last])
        done = time.perf_counter() - began
        waits += [done - arrival for arrival in arrivals[first:last]]
    return Waits.of(waits)


def arrivals_at(rate: float, count: int, seed: int) -> list[float]:
    """When so many events arrive, in seconds from the start: a Poisson process of so many a second."""
    draw = random.Random(seed)
    due, arrivals = 0.0, []
    for _ in range(count):
        due += draw.expovariate(rate)
        arrivals.append(due)
    return arrivals
