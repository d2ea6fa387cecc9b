from __future__ import annotations

import os

import pytest

from engine.adapters.memory import MemoryLog
from engine.replay.partition_jobs import Advance, WatchedLog, each_partition, in_order, jobs_for
from events.errors import OperatorError


def square(number: int, advance: Advance) -> tuple[int, int]:
    advance(number)
    return number * number, os.getpid()


def fail(number: int, advance: Advance) -> int:
    if number == 1:
        raise OperatorError(f"partition {number} is damaged", "restore it")
    return number


def test_results_come_in_order_from_processes_of_their_own() -> None:
    told: list[int] = []
    found = each_partition(square, [(1,), (2,), (3,)], jobs=2, advance=told.append)
    assert [result for result, _ in found] == [1, 4, 9]
    assert os.getpid() not in {process for _, process in found}
    assert sum(told) == 6


def test_one_job_stays_in_this_process() -> None:
    assert [process for _, process in each_partition(square, [(1,), (2,)], jobs=1)] == [os.getpid()] * 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_child_raises_is_raised_whole(jobs: int) -> None:
    with pytest.raises(OperatorError, match="partition 1 is damaged"):
        each_partition(fail, [(0,), (1,)], jobs=jobs)


def test_a_watched_log_tells_what_was_read() -> None:
    told: list[int] = []
    below = MemoryLog()
    below.append([b"a", b"b", b"c"], {"k": b"v"})
    log = WatchedLog(below, told.append)
    assert (log.read(1, 5), log.get(0), log.end(), log.meta("k")) == ([b"b", b"c"], b"a", 3, b"v")
    assert told == [2]


def test_short_logs_are_not_worth_a_process() -> None:
    assert jobs_for(100) == 1
    assert jobs_for(100, 3) == 3
    assert jobs_for(10**6) >= 1


def test_findings_are_cut_over_all_partitions() -> None:
    assert list(in_order([[1, 2], [3], [4, 5]], 4)) == [1, 2, 3, 4]
