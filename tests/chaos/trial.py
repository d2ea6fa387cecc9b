"""One trial: a process is driven, killed, perhaps bereft of its newest bytes, restarted until done, and looked at."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.chaos.driver import STEPS, Orders, drive
from tests.chaos.inspecting import inspect, summary
from tests.chaos.watching import databases
from tests.chaos.workload import prepare, workload
from tests.contract.power_cut import cut
from tests.in_memory import folder_in_memory
from tests.simulation.protocol.builds import OTHER_MATCHES, OTHER_TRAITS, SCHEDULES_LATER

WORKLOADS = 4
CHILD_SECONDS = 120
RANDOM_SHARE = 0.2
OTHERS = (OTHER_MATCHES, OTHER_TRAITS, SCHEDULES_LATER)


@cache
def processes() -> Any:
    """Where children come from: a server that has imported everything and opened nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.driver", "tests.chaos.inspecting"])
    return context


@dataclass(slots=True)
class Life:
    """What the harness knows of a workspace's processes."""

    step: int = 0
    groups: int = 0
    acknowledged: list[tuple[int, int, str]] = field(default_factory=list)
    durable: dict[str, dict[str, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.step == len(STEPS)

    def hear(self, said: dict[str, Any]) -> None:
        self.step = said.get("step", self.step)
        self.groups = said.get("groups", self.groups)
        self.acknowledged += [tuple(each) for each in said.get("acknowledged", ())]
        self.durable |= said.get("durable", {})
        self.counts = said.get("counts", self.counts)


def child(target: Callable[..., None], *arguments: Any, heard: Callable[[bytes], None], kill_after_s: float) -> int:
    """Run a function in a process of its own and hear what it says; returns its exit code."""
    ours, theirs = processes().Pipe(duplex=False)
    process = processes().Process(target=target, args=(*arguments, theirs))
    process.start()
    theirs.close()
    deadline = time.monotonic() + kill_after_s
    while listen(ours, heard, deadline):
        if time.monotonic() >= deadline:
            os.kill(process.pid, signal.SIGKILL)
            deadline = float("inf")
    process.join()
    ours.close()
    return int(process.exitcode)


def listen(pipe: Connection, heard: Callable[[bytes], None], deadline: float) -> bool:
    """Hear one message, or wait until the deadline; False once nothing more can come."""
    try:
        if pipe.poll(max(0.0, min(deadline - time.monotonic(), CHILD_SECONDS))):
            heard(pipe.recv_bytes())
    except (EOFError, ConnectionResetError):
        return False
    return True


def run_driver(life: Life, orders: Orders, kill_after_s: float = CHILD_SECONDS) -> int:
    orders = replace(orders, step=life.step, groups=life.groups)
    return child(drive, orders, heard=lambda data: life.hear(json.loads(data)), kill_after_s=kill_after_s)


def look(folder: Path, seed: int, build: int, one_build: bool) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []
    code = child(
        inspect, seed, str(folder), build, one_build,
        heard=lambda data: answers.append(json.loads(data)), kill_after_s=CHILD_SECONDS,
    )  # fmt: skip
    assert code == 0 and answers, f"looking at the workspace failed with {code}"
    assert not answers[0]["broken"], answers[0]["broken"]
    return answers[0]


@dataclass(slots=True, kw_only=True)
class Ran:
    """What a trial was: where its process died (a second point is '' if it was not reached any more)."""

    cut: bool
    other_build: bool
    bytes_cut: int = 0
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A workload's run without a crash, how often it reached each point, and how long it took."""

    found: dict[str, Any]
    counts: dict[str, int]
    seconds: float


def quick_folder() -> TemporaryDirectory[str]:
    """A folder in memory where there is one: a killed process's files live on there as on a disk."""
    return TemporaryDirectory(prefix="strand-chaos-", dir=folder_in_memory())


class Trials:
    """Trials in a folder; each workload's undisturbed run is done once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._undisturbed: dict[int, Undisturbed] = {}

    def workspace(self, seed: int, name: str) -> Path:
        template = self.folder / f"template{seed}"
        if not template.exists():
            prepare(workload(seed), template)
        return Path(shutil.copytree(template, self.folder / name))

    def undisturbed(self, seed: int) -> Undisturbed:
        if seed not in self._undisturbed:
            folder, life = self.workspace(seed, f"undisturbed{seed}"), Life()
            began = time.monotonic()
            code = run_driver(life, Orders(seed=seed, folder=str(folder)))
            seconds = time.monotonic() - began
            assert code == 0 and life.done, f"the undisturbed run ended with {code} at step {life.step}"
            self._undisturbed[seed] = Undisturbed(look(folder, seed, 0, True), life.counts, seconds)
        return self._undisturbed[seed]

    def trial(self, number: int) -> Ran:
        """Run one trial; raises AssertionError where something is not as it was."""
        rng = Random(number)
        seed = rng.randrange(WORKLOADS)
        right = self.undisturbed(seed)
        folder, life = self.workspace(seed, f"trial{number}"), Life()
        ran = Ran(cut=number % 2 == 0, other_build=number % 3 == 2)
        orders = Orders(seed=seed, folder=str(folder))
        if rng.random() < RANDOM_SHARE and self.killed_somewhere(rng, life, right, orders):
            ran.points.append("random")
        else:
            if life.done:  # the process was quicker than the kill: begin again
                shutil.rmtree(folder)
                folder, life = self.workspace(seed, f"trial{number}"), Life()
            point = rng.choice(sorted(right.counts))
            ran.points.append(self.killed_at(f"{point}:{rng.randint(1, right.counts[point])}", life, orders))
            assert ran.points[0] == point, f"{point} was not reached"
        for again in range(rng.choice([1, 1, 2])):
            if again:
                ran.points.append(self.killed_at(f"{rng.choice(sorted(right.counts))}:1", life, orders))
            if ran.cut and not life.done:
                ran.bytes_cut += power_cut(folder, life, rng)
            if ran.other_build:
                orders = replace(orders, build=rng.choice(OTHERS))
        if not life.done:
            code = run_driver(life, orders)
            assert code == 0 and life.done, f"restarted, it ended with {code} at step {life.step}"
        compare(life, right, look(folder, seed, orders.build, not ran.other_build), same=not ran.other_build)
        shutil.rmtree(folder)
        return ran

    def killed_somewhere(self, rng: Random, life: Life, right: Undisturbed, orders: Orders) -> bool:
        """Kill the process at a random instant; whether it died with work left."""
        code = run_driver(life, orders, kill_after_s=rng.uniform(0.02, 0.8) * right.seconds)
        assert code == -signal.SIGKILL or life.done, f"a run ended with {code} at step {life.step}"
        return not life.done

    def killed_at(self, target: str, life: Life, orders: Orders) -> str:
        """Drive with a kill point armed: its name if it was reached with work left, '' if the run came to its end."""
        code = run_driver(life, replace(orders, target=target))
        assert (code == -signal.SIGKILL) != life.done, f"{target} was armed; the run ended with {code}"
        return "" if life.done else target.partition(":")[0]


def power_cut(folder: Path, life: Life, rng: Random) -> int:
    """Shorten the newest write-ahead file of every database past what is known to be on the disk; gives the bytes."""
    found = [*databases(folder, "facts"), *databases(folder, "derived")]
    return sum(cut(database, life.durable.get(str(database), {}), rng) for database in found)


def compare(life: Life, right: Undisturbed, found: dict[str, Any], *, same: bool) -> None:
    """Nothing lost, doubled or reordered."""
    for partition, offset, id_ in life.acknowledged:
        here = found["ids"][partition][offset]
        assert here == id_, f"partition {partition}, offset {offset}: {id_} was acknowledged, {here} is there"
    appended = Counter(id_ for ids in found["ids"] for id_ in ids)
    twice = [id_ for id_, count in appended.items() if id_[0] in "pg" and count > 1]
    assert not twice, f"imported twice: {twice[:3]}"  # profiles and grants are all imported, each once
    assert found["events"] == right.found["events"], f"{found['events']} events, must be {right.found['events']}"
    if same:
        ours, theirs = summary(found), summary(right.found)
        wrong = [name for name in ours if ours[name] != theirs[name]]
        assert not wrong, f"differs from the undisturbed run in {', '.join(wrong)}"
