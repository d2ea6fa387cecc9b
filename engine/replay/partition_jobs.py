"""One process a partition: runs a function for each, and tells how far all of them are.

A child opens its own databases, after it was spawned: RocksDB does not survive a fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

from engine.ports import Log
from engine.runtimes.collector import calm_collector

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

POLL_S = 0.2
SMALL_RECORDS = 20_000
"""A log of no more records is replayed sooner than a second process starts and compiles the rulebook."""

Advance = Callable[[int], None]
Result = TypeVar("Result")

_done: Synchronized[int] | None = None


def usable_cores() -> int:
    """How many processes may run at once on this machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def jobs_for(records: int, jobs: int | None = None) -> int:
    """How many processes are worth their start for so many records, unless it was said."""
    return jobs or (usable_cores() if records > SMALL_RECORDS else 1)


def each_partition(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    jobs: int,
    advance: Advance = lambda _: None,
) -> list[Result]:
    """`work(*arguments[i], advance)` for each i, up to `jobs` at a time, each in its own process; results in order.

    `work` is a function of a module; what it raises is raised here. With one job, or one partition, nothing is spawned.
    """
    if min(jobs, len(arguments)) <= 1:
        with calm_collector():
            return [work(*each, advance) for each in arguments]
    context = get_context("spawn")
    done = context.Value("q", 0)
    with ProcessPoolExecutor(min(jobs, len(arguments)), context, initializer=_share, initargs=(done,)) as pool:
        futures: list[Future[Result]] = [pool.submit(_in_child, work, each) for each in arguments]
        told, waiting = 0, True
        while waiting:
            waiting = bool(wait(futures, POLL_S).not_done)
            now = done.value
            advance(now - told)
            told = now
        return [future.result() for future in futures]


def _share(done: Synchronized[int]) -> None:
    global _done  # noqa: PLW0603 -- a pool gives its workers state in no other way
    _done = done


def _in_child(work: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    with calm_collector():
        return work(*arguments, _count)


def _count(records: int) -> None:
    if _done is not None:
        with _done.get_lock():
            _done.value += records


class WatchedLog:
    """A `Log` to read only, that tells how many records were read in order."""

    def __init__(self, log: Log, advance: Advance) -> None:
        self.log, self.advance = log, advance

    def append(self, values: Sequence[bytes], meta: Mapping[str, bytes] | None = None) -> int:
        """Refused: a replay writes no facts."""
        raise AssertionError("a replay writes no facts")

    def read(self, start: int, limit: int) -> list[bytes]:
        """Up to `limit` values from offset `start` on."""
        values = self.log.read(start, limit)
        self.advance(len(values))
        return values

    def get(self, offset: int) -> bytes:
        """The value at one offset."""
        return self.log.get(offset)

    def end(self) -> int:
        """The offset the next record will have."""
        return self.log.end()

    def meta(self, key: str) -> bytes | None:
        """What was last written under `key`, or None."""
        return self.log.meta(key)


def in_order(results: Sequence[Sequence[Result]], limit: int) -> Iterator[Result]:
    """The first `limit` of several partitions' findings, partition by partition."""
    left = limit
    for found in results:
        yield from found[:left]
        left -= len(found[:left])
