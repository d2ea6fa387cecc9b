"""The peer that everybody knows: a stock Faust agent that counts events by customer in a table in RocksDB.

    python -m engine.bench.kafka_faust BOOTSTRAP TOPIC PARTITIONS FOLDER

It decodes nothing: keys and values are bytes. Its settings are Faust's own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import faust
from faust.types import StreamT

BEAT_S = 0.05


def main(bootstrap: str, topic: str, partitions: int, folder: str) -> None:
    """Count until killed."""
    app = faust.App(
        f"{topic}-faust",
        broker=f"kafka://{bootstrap}",
        store="rocksdb://",
        datadir=folder,
        topic_partitions=partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
    )
    counts = app.Table("counts", default=int, key_type=str, value_type=int, partitions=partitions)
    seen = 0

    async def count(stream: StreamT[bytes]) -> None:
        nonlocal seen
        async for event in stream.events():
            if event.key is not None:  # activations have none
                counts[event.key.decode()] += 1
            seen += 1

    app.agent(app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw"))(count)

    async def say() -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            sys.stdout.write(json.dumps({"t": time.monotonic(), "done": {"all": seen}}) + "\n")
            sys.stdout.flush()

    app.task(say)
    faust.Worker(app, loglevel="warning", redirect_stdouts=False, quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
