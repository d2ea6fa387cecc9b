"""What all lanes of one worker share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.embedded.rulebooks import Rulebooks
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.local import Binding
from engine.runtimes.kafka.turn import Bridge

if TYPE_CHECKING:
    from engine.adapters.rocksdb_storage import RocksStorage


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
    name: str
    release: str
    live: bool
    catch_up: bool = False
    clock: Clock = wall_clock_ms
    rulebooks: Rulebooks = field(default_factory=Rulebooks)
    room: asyncio.Event = field(default_factory=asyncio.Event)
