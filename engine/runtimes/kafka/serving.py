"""A worker's life: it joins its group, works until it is told to end or cannot go on, and leaves in order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from engine.runtimes.collector import calm_collector
from engine.runtimes.kafka.app import SESSION_MS, Group, make_app
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.metrics import WorkerFigures
from engine.runtimes.kafka.pages import add_pages
from engine.runtimes.kafka.partition_pages import add_partition_pages
from engine.runtimes.kafka.readiness import illness, unready
from engine.runtimes.kafka.turn import quick_loop
from engine.runtimes.kafka.watchdog import end_within, watched
from engine.runtimes.kafka.worker import Worker


async def serve(
    connection: Connection,
    folder: Path,
    *,
    name: str,
    instance: str | None = None,
    catch_up: bool = False,
    live: bool = True,
    web_host: str = "127.0.0.1",
    web_port: int | None = None,
    session_ms: int = SESSION_MS,
    depot: str | None = None,
    ready: Callable[[Worker], None] | None = None,
) -> list[int]:
    """Run one worker in `folder`, which is its own, until SIGTERM or SIGINT; returns the partitions whose states it had
    to leave unwritten.

    It leaves checkpoints in a `depot`, an fsspec URL, and takes them from there. With a `web_port` it serves
    `pages.py` and `partition_pages.py`. `ready` is called once it has joined. Raises what ended it: OperatorError for
    what a person must mend. The end takes `watchdog.ENDING_S` at most, whatever brokers do.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told_to_end() -> None:
        if not stopping.is_set():
            stopping.set()
            end_within()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_end)
    async with Worker(connection, folder, name=name, live=live, catch_up=catch_up, depot=depot) as worker:
        app = make_app(connection, data=folder / "faust", web_host=web_host, web_port=web_port)
        group = Group(app, worker, instance=instance, session_ms=session_ms, loop=loop, beacon=app.beacon)
        if web_port is not None:
            add_partition_pages(app, worker)
            figures = WorkerFigures(worker, lambda: group.rebalances, group.hearing.silent_s)
            add_pages(app, [figures], illness=partial(illness, worker, group), unready=partial(unready, worker, group))
        told: asyncio.Future[object] = asyncio.ensure_future(stopping.wait())
        ended = [told, cast("asyncio.Future[object]", worker.failed)]
        with watched(loop), calm_collector(), quick_loop():
            try:
                await app.start()
                await app.add_runtime_dependency(group)
                if ready is not None:
                    ready(worker)
                await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            finally:
                worker.told_s = time.monotonic()
                told.cancel()
                await app.stop()
                await group.stop()  # the app does not know it where it could not start
        if worker.failed.done():
            worker.failed.result()
    return worker.left
