"""Whether a worker moves, and whether it does its share; `pages.py` tells who asks.

It is healthy while every thread moves, and ready once each of its partitions is open, under a rulebook, none stands
before a record, and brokers answer.
"""

from __future__ import annotations

import time

from engine.runtimes.kafka.app import Group
from engine.runtimes.kafka.worker import Worker

STALLED_S = 120.0
ENDING_S = 5.0
"""For a worker that ends in order."""


def illness(worker: Worker, group: Group) -> list[str]:
    """What is wrong, and a start from new would mend: not brokers that are away, which a thread may wait for."""
    found = ["the worker has failed and ends"] if worker.failed.done() else []
    now_s = time.monotonic()
    if worker.told_s is not None and now_s - worker.told_s > ENDING_S:
        found.append(f"it was told to end {now_s - worker.told_s:.0f} s ago and waits")
    if group.hearing.away:
        return found
    return found + [
        f"partition {lane.partition} has not moved for {now_s - lane.beat_s:.0f} s"
        for lane in worker.lanes.values()
        if now_s - lane.beat_s > STALLED_S
    ]


def unready(worker: Worker, group: Group) -> list[str]:
    """What is yet to come before the worker does its share."""
    if worker.told_s is not None:
        return ["it is being ended"]
    found = group.hearing.wrong()
    if group.changing:
        return [*found, "the group is being changed"]
    for partition in sorted(worker.assigned):
        lane = worker.lanes.get(partition)
        if partition in worker.standing:
            found.append(worker.standing[partition].message)
        elif lane is None or lane.shard is None:
            found.append(f"partition {partition} is being opened")
        elif lane.shard.world is None:
            found.append(f"partition {partition} has no rulebook: `strand apply` activates one")
    return found
