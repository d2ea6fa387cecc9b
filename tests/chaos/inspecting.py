"""What a workspace holds once everything is done: hashes, counts, and every check that needs no undisturbed run."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from traceback import format_tb
from typing import Any

import msgspec

from engine.adapters.memory_generations import MemoryGenerations
from engine.hashes import decisions_hash, state_hash
from engine.outputs import frontier, kept
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.shard import Shard
from events.codec import head_of
from tests.chaos.driver import install
from tests.chaos.workload import workload
from tests.simulation.protocol.oracle import Range, decide_again, need_same
from tests.simulation.protocol.partition import Library, need_equal
from tests.simulation.protocol.recount import check_lives, check_overdue, check_policy


@dataclass(slots=True)
class Found:
    """What must be equal to that of an undisturbed run; `ids` are all records by partition."""

    decisions_hash: int = 0
    state_hash: int = 0
    events: int = 0
    outbox: dict[str, str] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    broken: str = ""
    ids: list[list[str]] = field(default_factory=list)


def inspect(seed: int, folder: str, build: int, one_build: bool, pipe: Connection) -> None:
    """Look, and send what was found."""
    install(build)
    try:
        found = look(seed, Path(folder), build, one_build)
    except AssertionError as broken:
        found = Found(broken=repr(broken) + "".join(format_tb(broken.__traceback__)[-2:]))
    pipe.send_bytes(msgspec.json.encode({**asdict(found), "decisions_hash": f"{found.decisions_hash:x}",
                                         "state_hash": f"{found.state_hash:x}"}))  # fmt: skip


def look(seed: int, folder: Path, build: int, one_build: bool) -> Found:
    found = Found()
    load, counted = workload(seed), Counter[str]()
    books = load.hashes()
    with EmbeddedEngine.open(folder) as owner:
        owner.drive.open()
        for shard in owner.shards:
            look_at(shard, found, build, one_build)
            outputs = [output for output in kept(shard.stream.read()) if output.decisions]
            check_overdue(check_lives(outputs, counted), load.end_ms)
            check_policy(outputs, books)
        assert owner.waiting() == 0, "records are waiting"
    outbox = folder / "outbox"
    found.outbox = {path.name: sha256(path.read_bytes()).hexdigest() for path in outbox.glob("[!.]*")}
    sent = counted["send"]
    assert sent == len(found.outbox), f"{sent} messages sent, {len(found.outbox)} files in the outbox"
    found.counted = dict(counted)
    return found


def look_at(shard: Shard, found: Found, build: int, one_build: bool) -> None:
    world = shard.world
    assert world is not None
    found.decisions_hash += decisions_hash(kept(shard.stream.read()))
    found.state_hash += state_hash(world)
    found.events += world.meta.events - world.meta.duplicates
    values = [shard.log.get(offset) for offset in range(shard.log.end())]
    found.ids.append([head_of(value).id for value in values])
    library = Library()
    beside = Shard(
        shard.log, shard.stream, MemoryGenerations(), library.load, library.compiler(build),
        partition=shard.partition, fold_version=shard.fold_version,
    )  # fmt: skip
    beside.past.frontier = frontier(shard.stream)
    folded = beside.refold()
    assert folded is not None
    need_equal(world, folded)
    if one_build:
        again = decide_again(shard.log, [Range(shard.position, build)], library)
        need_same(again, [output for output in kept(shard.stream.read()) if output.decisions])


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """What is compared with an undisturbed run."""
    return {name: found[name] for name in ("decisions_hash", "state_hash", "events", "outbox")}
