"""What all lanes of one worker share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import Histogram

from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.embedded.rulebooks import Rulebooks
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.local import Binding
from engine.runtimes.kafka.turn import Bridge
from engine.states import CACHE_STATES

if TYPE_CHECKING:
    from engine.adapters.rocksdb_storage import RocksStorage
    from engine.runtimes.kafka.depot import Depot


def batch_histogram() -> Histogram:
    """How long batches of records took, with sending what they decided."""
    buckets = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 60.0)
    words = "Seconds that a batch of at most 2,000 records took, its outputs acknowledged"
    return Histogram("strand_batch_seconds", words, buckets=buckets, registry=None)


STATES = 4 * CACHE_STATES
"""States that all lanes of a worker keep in memory together: as many as four partitions embedded."""


@dataclass(slots=True, kw_only=True)
class Workplace:
    """`folder` holds a folder for each partition that the worker has, of the log's `partitions`; `name` is the worker's
    in its claims; `room` is set when a lane has room for another slice, or ends."""

    connection: Connection
    clients: Clients
    bridge: Bridge
    folder: Path
    storage: RocksStorage
    binding: Binding
    partitions: int
    depot: Depot | None = None
    name: str
    release: str
    live: bool
    catch_up: bool = False
    states_each: int = STATES  # of `STATES`, for each lane there is
    clock: Clock = wall_clock_ms
    announced: dict[int, bytes] = field(default_factory=dict)  # the topic of activations, as far as it was read
    rulebooks: Rulebooks = field(default_factory=Rulebooks)
    batches: Histogram = field(default_factory=batch_histogram)
    broken_checkpoints: int = 0  # that were found when a partition was to be taken from them
    room: asyncio.Event = field(default_factory=asyncio.Event)
