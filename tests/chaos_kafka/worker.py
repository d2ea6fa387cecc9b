"""One worker in a process of its own, which a trial may kill, stop and start again."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import kafka.admin  # noqa: F401 -- what a worker loads when it starts is loaded once, before it is forked

import engine.adapters.rocksdb_storage
import engine.runtimes.embedded.rulebooks
import engine.runtimes.kafka.lane
import engine.runtimes.kafka.reader
import engine.runtimes.kafka.restoring
import engine.states
from engine.kill_points import arm
from engine.runtimes.kafka import app
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.serving import serve
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.worker import Worker
from tests.chaos_kafka.planted import PLANTED
from tests.simulation.protocol.builds import compiler_of, fold_version_of, watch_decisions

BEAT_S = 0.1
FINE_BATCH, FINE_SLICE, FINE_FLUSH = 100, 400, 500
CHECKPOINT_S = 2.0
GAIN_RECORDS = 1
"""A checkpoint that is one record further is taken, so that trials take many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What one worker is to be: `kill_at` is a place to die or to stop at, `build` which code runs.

    A `fine` one takes few records at a time, so that it comes to each place often. `most_bytes` is what a file may
    have, as on a full disk; 0 for no limit.
    """

    bootstrap: str
    prefix: str
    folder: str
    log: str
    name: str
    instance: str | None
    session_ms: int
    kill_at: str = ""
    planted: str | None = None
    build: int = 0
    fine: bool = False
    depot: str | None = None
    web_port: int | None = None
    most_bytes: int = 0


def install(build: int) -> None:
    """Be another build of the engine: another fold version, one fold that differs."""
    if build == 0:
        return
    watch_decisions()
    vars(engine.runtimes.embedded.rulebooks)["compile_rulebook"] = compiler_of(build)
    defaults = ClaimedShard.__init__.__kwdefaults__
    assert defaults is not None
    defaults["fold_version"] = fold_version_of(build)


def take_few() -> None:
    """Take few records at a time."""
    vars(engine.runtimes.kafka.lane)["BATCH_RECORDS"] = FINE_BATCH
    vars(engine.runtimes.kafka.reader)["SLICE_RECORDS"] = FINE_SLICE
    vars(engine.states)["FLUSH_EVENTS"] = FINE_FLUSH


def work(spec: Spec, tell: Pipe) -> None:
    """Run until told to end; what its lanes have done is told ten times a second."""
    _say_into(Path(spec.log))
    arm(spec.kill_at)
    install(spec.build)
    if spec.planted:
        PLANTED[spec.planted]()
    if spec.fine:
        take_few()
    if spec.most_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (spec.most_bytes, spec.most_bytes))
    vars(app)["CHECKPOINT_S"] = CHECKPOINT_S
    vars(engine.runtimes.kafka.restoring)["GAIN_RECORDS"] = GAIN_RECORDS
    beats: list[asyncio.Task[None]] = []
    asyncio.run(
        serve(
            Connection(bootstrap=spec.bootstrap, prefix=spec.prefix),
            Path(spec.folder),
            name=spec.name,
            instance=spec.instance,
            live=False,
            session_ms=spec.session_ms,
            depot=spec.depot,
            web_port=spec.web_port,
            ready=lambda worker: beats.append(asyncio.get_running_loop().create_task(beat(worker, tell))),
        )
    )


def _say_into(path: Path) -> None:
    """Have what it says stand in a file."""
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s", force=True)


async def beat(worker: Worker, tell: Pipe) -> None:
    """Tell where the lanes are and under which claim, for ever; end with who listens."""
    while True:
        lanes = {lane.partition: (lane.done, _claim(lane)) for lane in worker.lanes.values()}
        try:
            tell.send(lanes)
        except OSError:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(BEAT_S)


def _claim(lane: Any) -> int:
    return -1 if lane.shard is None else int(lane.shard._decisions.claim)
