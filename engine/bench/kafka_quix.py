"""The quicker peer: Quix Streams counting events by customer, with state in RocksDB and its changelog topic.

    PYTHON engine/bench/kafka_quix.py BOOTSTRAP TOPIC FOLDER

It stands alone: quixstreams wants older releases of libraries that the engine uses, so it has an environment of its
own (`make quix`). It decodes nothing: keys and values are bytes. Its settings are Quix's own.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]  # it is not in this environment

EVERY = 250


def main(bootstrap: str, topic: str, folder: str) -> None:
    """Count until killed."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"{topic}-quix",
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="WARNING",
    )
    seen = 0

    def count(value: bytes, state: Any) -> bytes:
        nonlocal seen
        state.set("count", state.get("count", 0) + 1)
        seen += 1
        if seen % EVERY == 0:
            sys.stdout.write(json.dumps({"t": time.monotonic(), "done": {"all": seen}}) + "\n")
            sys.stdout.flush()
        return value

    events = app.dataframe(app.topic(topic, key_deserializer="bytes", value_deserializer="bytes"))
    events = events.filter(_of_a_customer, metadata=True)
    events.apply(count, stateful=True)
    app.run()


def _of_a_customer(_value: bytes, key: bytes | None, _at_ms: int, _headers: Any) -> bool:
    return key is not None  # an activation has none


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
