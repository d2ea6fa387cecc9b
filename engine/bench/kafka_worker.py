"""A worker in its group, as `strand worker` runs it, that says how far it is.

    python -m engine.bench.kafka_worker '{"bootstrap": ..., "prefix": ..., "folder": ..., "name": ...}'

Time is the log's alone: a history's records do not wait for the clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.logs import log_to_stderr
from engine.runtimes.kafka.serving import serve
from engine.runtimes.kafka.worker import Worker

BEAT_S = 0.02


def command(connection: Connection, folder: Path, name: str) -> list[str]:
    """What starts one."""
    spec = {"bootstrap": connection.bootstrap, "prefix": connection.prefix, "folder": str(folder), "name": name}
    return [sys.executable, "-m", "engine.bench.kafka_worker", json.dumps(spec)]


def main(spec: dict[str, Any]) -> None:
    """Run until told to end."""
    log_to_stderr("text")
    beats: list[asyncio.Task[None]] = []
    asyncio.run(
        serve(
            Connection(bootstrap=spec["bootstrap"], prefix=spec["prefix"]),
            Path(spec["folder"]),
            name=spec["name"],
            live=False,
            ready=lambda worker: beats.append(asyncio.get_running_loop().create_task(_beat(worker))),
        )
    )


async def _beat(worker: Worker) -> None:
    before: dict[int, int] = {}
    while True:
        done = {lane.partition: lane.done for lane in worker.lanes.values() if lane.done >= 0}
        if done != before:
            sys.stdout.write(json.dumps({"t": time.monotonic(), "done": done}) + "\n")
            sys.stdout.flush()
            before = done
        await asyncio.sleep(BEAT_S)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
