"""One worker in a process of its own, which a trial may kill, stop and start again.

    python -m tests.chaos_kafka.worker '{"bootstrap": ..., "prefix": ..., "folder": ..., "name": ...}'

It writes a line of JSON to its standard output five times a second: what each of its lanes has done.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from engine.kill_points import VARIABLE, arm
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.serving import serve
from engine.runtimes.kafka.worker import Worker
from tests.chaos_kafka.planted import PLANTED

BEAT_S = 0.2


def main(spec: dict[str, Any]) -> None:
    """Run until told to end."""
    arm(os.environ.get(VARIABLE))
    if spec.get("planted"):
        PLANTED[spec["planted"]]()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    beats: list[asyncio.Task[None]] = []
    asyncio.run(
        serve(
            Connection(bootstrap=spec["bootstrap"], prefix=spec["prefix"]),
            Path(spec["folder"]),
            name=spec["name"],
            instance=spec.get("instance"),
            live=False,
            session_ms=spec["session_ms"],
            ready=lambda worker: beats.append(asyncio.get_running_loop().create_task(beat(worker))),
        )
    )


async def beat(worker: Worker) -> None:
    """Say where the lanes are, for ever."""
    while True:
        lanes = {lane.partition: lane.done for lane in worker.lanes.values()}
        print(json.dumps({"done": lanes, "opened": worker.opened}), flush=True)
        await asyncio.sleep(BEAT_S)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
