"""The process under attack: imports, publishes in groups, runs until idle, applies rulebooks midway.

It is told which step to begin at and how many groups were acknowledged, as a careful operator and client would know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import engine.runtimes.embedded.rulebooks
from engine.importing.importer import import_files
from engine.publisher import Publisher
from engine.runtimes.embedded.applying import apply_rulebook
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.shard import Shard
from tests.chaos.watching import Watch
from tests.chaos.workload import GROUPS, Workload, workload
from tests.simulation.protocol.builds import compiler_of, fold_version_of, watch_decisions

Step = tuple[str, int]
HALF = GROUPS // 3
STEPS: tuple[Step, ...] = (
    ("import", 0),
    ("publish", HALF),
    ("run", 0),
    ("apply", 1),
    ("publish", HALF + 1),
    ("publish", 2 * HALF),
    ("run", 0),
    ("apply", 2),
    ("run", 0),
    ("publish", GROUPS),
    ("finish", 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a driver is to do; `target` is `STRAND_KILL_AT`'s value, `build` which code runs."""

    seed: int
    folder: str
    step: int = 0
    groups: int = 0
    target: str | None = None
    build: int = 0


def install(build: int) -> None:
    """Be another build of the engine: another fold version, one fold that differs."""
    watch_decisions()
    vars(engine.runtimes.embedded.rulebooks)["compile_rulebook"] = compiler_of(build)
    defaults = Shard.__init__.__kwdefaults__
    assert defaults is not None
    defaults["fold_version"] = fold_version_of(build)


def drive(orders: Orders, pipe: Connection) -> None:
    """Do the steps from the one given on, and say so after each."""
    install(orders.build)
    folder, load = Path(orders.folder), workload(orders.seed)
    watch = Watch(pipe, folder, orders.target)
    groups = orders.groups
    for number, (what, which) in enumerate(STEPS[orders.step :], orders.step):
        if what == "import":
            import_files(folder, [folder / "history.jsonl"], live_from=load.live_from)
        elif what == "publish":
            groups = publish(folder, load, groups, which, watch)
        elif what == "apply":
            apply_once(folder, which)
        else:
            run(folder, load.end_ms if what == "finish" else None)
        watch.say(step=number + 1)
    watch.say(counts=watch.counts)


def publish(folder: Path, load: Workload, begin: int, end: int, watch: Watch) -> int:
    with Publisher(folder, catch_up=True) as publisher:
        for group in range(begin, end):
            answers = publisher.publish_group([json.dumps(each).encode() for each in load.groups[group]])
            acknowledged = [[each.partition, each.offset, each.id] for each in answers]
            watch.say(groups=group + 1, acknowledged=acknowledged)
    return max(begin, end)


def apply_once(folder: Path, number: int) -> None:
    """Apply a rulebook unless it is the active one: what was cut off among the partitions is completed by opening."""
    wanted = load_rulebook(folder / f"rulebook{number}")
    with EmbeddedEngine.open(folder) as owner:
        active = owner.active()
    if active is None or active.hash != wanted.hash:
        apply_rulebook(folder, wanted)


def run(folder: Path, as_of_ms: int | None) -> None:
    with EmbeddedEngine.open(folder, batch=20) as owner:  # several batches, so that there are points between them
        owner.activate_first()
        owner.run_until_idle(as_of_ms)
