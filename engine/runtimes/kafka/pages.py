"""A worker's web pages, for whoever watches over it.

/healthz  200 while every thread moves: what starts workers again looks at this
/readyz   200 once each partition that is ours is open, under a rulebook, and none stands before a record
/metrics  figures for Prometheus

and what commands ask of its partitions, `partition_pages.py`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import faust

from engine.runtimes.kafka.app import Group
from engine.runtimes.kafka.metrics import WorkerFigures, rendered
from engine.runtimes.kafka.partition_pages import add_partition_pages
from engine.runtimes.kafka.worker import Worker

STALLED_S = 120.0


def add_pages(app: faust.App, worker: Worker, group: Group) -> None:
    """Have the app serve them."""
    figures = WorkerFigures(worker, lambda: group.rebalances)
    add_partition_pages(app, worker)

    @app.page("/healthz")
    async def healthz(self: Any, _request: Any) -> Any:
        ill = illness(worker)
        return self.json({"healthy": not ill, "why": ill}, status=503 if ill else 200)

    @app.page("/readyz")
    async def readyz(self: Any, _request: Any) -> Any:
        missing = unready(worker, group)
        return self.json({"ready": not missing, "why": missing}, status=503 if missing else 200)

    @app.page("/metrics")
    async def metrics(self: Any, _request: Any) -> Any:
        page = await asyncio.to_thread(rendered, figures)
        return self.bytes(page, content_type="text/plain")


def illness(worker: Worker) -> list[str]:
    """What is wrong, and a start from new would mend."""
    found = ["the worker has failed and ends"] if worker.failed.done() else []
    now_s = time.monotonic()
    return found + [
        f"partition {lane.partition} has not moved for {now_s - lane.beat_s:.0f} s"
        for lane in worker.lanes.values()
        if now_s - lane.beat_s > STALLED_S
    ]


def unready(worker: Worker, group: Group) -> list[str]:
    """What is yet to come before the worker does its share."""
    if group.changing:
        return ["the group is being changed"]
    found: list[str] = []
    for partition in sorted(worker.assigned):
        lane = worker.lanes.get(partition)
        if partition in worker.standing:
            found.append(worker.standing[partition].message)
        elif lane is None or lane.shard is None:
            found.append(f"partition {partition} is being opened")
        elif lane.shard.world is None:
            found.append(f"partition {partition} has no rulebook: `strand apply` activates one")
    return found
