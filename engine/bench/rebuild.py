"""Rebuild: folding a log again against having taken it live; and two partitions against two bare loops."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from engine.bench.figures import Figure
from engine.bench.live import SEGMENTS, drive, in_cpu, shown
from engine.bench.stand import Cost, Scale, Stand, Watch, apart, groups, ratio
from engine.bench.tuning import Tuned, tuned
from engine.outputs import frontier
from engine.runtimes.collector import calm_collector

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Barrier

CUSTOMERS, EVENTS = 6_000, 60_000
TURNS = 12_000_000

_both: Barrier | None = None


def bench(scale: Scale) -> list[Figure]:
    """Live, then one fold, two folds, one bare loop, two bare loops, in turn."""
    rulebook = tuned(SEGMENTS)
    customers, events = scale.of(CUSTOMERS), scale.of(EVENTS)
    lives: list[Cost] = []
    ones: list[Cost] = []
    scaled: list[float] = []
    bare: list[float] = []
    for number in scale.rounds:
        with TemporaryDirectory() as folder:
            halves = [Path(folder) / f"p{partition}" for partition in range(2)]
            lives.append(apart(taken_live, rulebook, halves[0], customers, events))
            apart(taken_live, rulebook, halves[1], customers, events)
            again = f"again{number}"
            (span,) = _spans(folded, [(rulebook, halves[0], again)])
            one = span.ended - span.began
            two = _seconds(folded, [(rulebook, half, again + "both") for half in halves])
            loop, loops = (bare_seconds(scale.of(TURNS), count) for count in (1, 2))
        ones.append(Cost(one / events * 1e6, span.cpu_s / events * 1e6))
        scaled.append(2 * one / two)
        bare.append(2 * loop / loops)
    return [
        Figure(
            bench="rebuild", name="events/s to live", threshold=1.3, at_least=True,
            value=ratio((each.us for each in lives), (each.us for each in ones)),
            note=f"{shown(ones)} an event folded, {shown(lives)} live, over the same whole log; {in_cpu(lives, ones)}",
        ),
        Figure(
            bench="rebuild", name="two processes to two bare loops", value=ratio(scaled, bare), threshold=0.9,
            at_least=True,
            note=f"two partitions at once fold {median(scaled):.2f}x as fast as one, bare loops run "
            f"{median(bare):.2f}x as fast",
        ),
    ]  # fmt: skip


def taken_live(rulebook: Tuned, folder: Path, customers: int, events: int) -> Cost:
    """An event's cost for a log taken live, which stays in the folder."""
    folder.mkdir()
    batches = list(groups(rulebook.records(customers, events)))
    with Stand(folder, rulebook.packed) as stand, calm_collector():
        shard = stand.on_disk()
        with Watch() as watch:
            drive(shard, batches)
            shard.flush()
        return Cost.of(watch, events)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something ran, in seconds of a clock that all processes share, and the CPU it took."""

    began: float
    ended: float
    cpu_s: float


def folded(rulebook: Tuned, folder: Path, name: str) -> Span:
    """Folding a log again in a new generation, to its being on the disk."""
    with Stand(folder, rulebook.packed) as stand:
        stand.generations.folder = folder / name
        shard = stand.shard()
        shard.past.frontier = frontier(shard.stream)
        _start_together()
        with calm_collector():
            began, cpu_began = time.monotonic(), time.process_time()
            world = shard.refold()
            assert world is not None
            world.flush()
            world.store.close()
            return Span(began, time.monotonic(), time.process_time() - cpu_began)


def turned(turns: int) -> Span:
    """A bare loop."""
    _start_together()
    began, cpu_began = time.monotonic(), time.process_time()
    total = 0
    for number in range(turns):
        total += number & 7
    return Span(began, time.monotonic(), time.process_time() - cpu_began)


def bare_seconds(turns: int, count: int) -> float:
    """What so many bare loops take, each in a process of its own, begun together."""
    return _seconds(turned, [(turns,)] * count)


def _seconds(work: Callable[..., Span], arguments: list[tuple[Any, ...]]) -> float:
    """From the first begin to the last end."""
    spans = _spans(work, arguments)
    return max(span.ended for span in spans) - min(span.began for span in spans)


def _spans(work: Callable[..., Span], arguments: list[tuple[Any, ...]]) -> list[Span]:
    """The work, each in a process of its own, begun together."""
    context = get_context("spawn")
    barrier = context.Barrier(len(arguments))
    with ProcessPoolExecutor(len(arguments), context, initializer=_meet, initargs=(barrier,)) as pool:
        return [future.result() for future in [pool.submit(work, *each) for each in arguments]]


def _meet(barrier: Barrier) -> None:
    global _both  # noqa: PLW0603 -- a pool gives its workers state in no other way
    _both = barrier


def _start_together() -> None:
    if _both is not None:
        _both.wait()
