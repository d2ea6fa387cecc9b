"""A live engine under kills: `strand run` dies and is started again while publishers go on at its socket.

Nobody waits for anybody: a publisher that got no answer asks again, with the same ids, until it has one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from engine.outputs import kept
from engine.publisher import Publisher
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.embedded.client import Client, NobodyListens
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.workspace.workspace import Workspace
from events.errors import OperatorError
from tests.chaos.watching import databases
from tests.contract.power_cut import cut
from tests.engine.runtimes.shop import ROOT, event, line, logged, make_shop, outbox, wait_for, write_rulebook
from triggers.decisions import Decision

T = TypeVar("T")
PUBLISHERS, GROUPS, GROUP_EVENTS, CUSTOMERS = 3, 16, 4, 10
ORDERS = PUBLISHERS * GROUPS * GROUP_EVENTS
PATIENCE_S = 60.0
POINTS = {
    "before-log-append": 20, "after-log-append": 20, "before-log-fsync": 20, "after-log-fsync": 20,
    "before-decisions": 20, "after-decisions": 20, "before-outbox-rename": 12, "after-outbox-rename": 12,
    "before-state": 3, "after-state": 3, "mid-activation": 2, "before-swap": 1, "mid-swap": 1, "after-swap": 1,
}  # fmt: skip
"""Points that a live run reaches, and how often at least it does so in a trial that is not cut short."""

RUN = """
import os, sys
from engine import kill_points
from engine.cli.main import main
kill_points.arm(os.environ.get(kill_points.VARIABLE))
main()
"""


@dataclass(slots=True)
class Lives:
    """The lives of `strand run` in one workspace."""

    shop: Path
    rng: Random
    points: list[str] = field(default_factory=list)
    bytes_cut: int = 0

    def start(self, kill_at: str = "") -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "STRAND_KILL_AT": kill_at}
        command = [sys.executable, "-c", RUN, "run", "-w", str(self.shop)]
        with (self.shop / "said").open("ab") as said:
            return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=said, stderr=said)

    def ended(self, process: subprocess.Popen[bytes], code: int) -> None:
        found = process.wait(timeout=PATIENCE_S)
        assert found == code, f"run ended with {found}, must be {code}: {(self.shop / 'said').read_text()}"

    def die(self, finished: Callable[[], bool]) -> None:
        """One life that ends early: at a point, or at a random instant, also where the point is not reached in time."""
        point = self.rng.choice(["", *POINTS])
        process = self.start(f"{point}:{self.rng.randint(1, POINTS[point])}" if point else "")
        deadline = time.monotonic() + (5 if point else self.rng.uniform(0.3, 3))
        while process.poll() is None and time.monotonic() < deadline and not finished():
            time.sleep(0.005)
        reached = process.poll() is not None
        process.kill()
        self.ended(process, -signal.SIGKILL)
        self.points.append(point if reached else "random")

    def cut_derived(self) -> None:
        """What is derived is never synced: a power cut takes some of it."""
        for database in databases(self.shop, "derived"):
            self.bytes_cut += cut(database, {}, self.rng)


def trial(number: int, folder: Path) -> Lives:
    """Run one trial; raises AssertionError where something is not as it must be."""
    rng = Random(number)
    shop = make_shop(folder / f"live{number}", after="1s", partitions=rng.choice([1, 2, 4]))
    lives = Lives(shop, rng)
    first = lives.start()
    wait_for(lambda: (shop / "socket").exists() or first.poll() is not None, PATIENCE_S)
    publishers = [Publisher(shop) for _ in range(PUBLISHERS)]
    publishers[0].publish_group([profile(f"c{each}") for each in range(CUSTOMERS)])
    with ThreadPoolExecutor(PUBLISHERS + 1) as threads:
        asked = [threads.submit(publish, each, name) for name, each in enumerate(publishers)]
        applied = threads.submit(apply, shop, rng.uniform(0, 2))
        time.sleep(rng.uniform(0, 0.5))
        first.kill()
        lives.ended(first, -signal.SIGKILL)
        for _ in range(rng.choice([1, 2, 2])):
            lives.die(lambda: all(each.done() for each in asked) and applied.done())
            if number % 2:
                lives.cut_derived()
        last = lives.start()
        acknowledged = [each.result(timeout=PATIENCE_S) for each in asked]
        applied.result(timeout=PATIENCE_S)
    wait_for(lambda: notes(shop) >= ORDERS or last.poll() is not None, PATIENCE_S)
    last.send_signal(signal.SIGTERM)
    lives.ended(last, 0)
    check(shop, acknowledged)
    shutil.rmtree(shop)
    return lives


def profile(customer: str) -> bytes:
    return now(
        event(f"profile-{customer}", customer, wall_clock_ms(), "profile_updated", email=f"{customer}@a.example")
    )


def now(value: dict[str, Any]) -> bytes:
    """The event as a line that leaves its time of appending to the door."""
    del value["appended_at"]
    return line(value)


def insist(ask: Callable[[], T]) -> T:
    """Ask until there is an answer, as a careful client does."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except (OperatorError, NobodyListens):
            assert time.monotonic() < deadline, "nobody answered"
            time.sleep(0.01)


def publish(publisher: Publisher, name: int) -> list[Answer]:
    """Publish a group after the other; everything that was acknowledged, in order."""
    rng, acknowledged = Random(name), []
    with publisher:
        for group in range(GROUPS):
            ids = [f"o-{name}-{group * GROUP_EVENTS + each:03}" for each in range(GROUP_EVENTS)]
            lines = [now(event(each, f"c{rng.randrange(CUSTOMERS)}", wall_clock_ms())) for each in ids]
            answers = insist(partial(publisher.publish_group, lines))
            assert [each.id for each in answers] == ids and not any(each.reason for each in answers)
            acknowledged += answers
            time.sleep(rng.uniform(0, 0.2))
    return acknowledged


def apply(shop: Path, after_s: float) -> None:
    """Have another rulebook activated amid all this."""
    time.sleep(after_s)
    write_rulebook(shop, after="2s")
    rulebook = load_rulebook(shop / "rulebook")

    def ask() -> None:
        with Client(shop / "socket") as client:
            client.activate(rulebook, None)

    insist(ask)


def sends(shop: Path) -> list[Decision]:
    """Every message that was decided on, once or more."""
    with Workspace.open(shop, owner=False) as workspace:
        outputs = [each for facts in workspace.facts for each in kept(facts.decisions.read())]
    return [each for output in outputs for each in output.decisions if each.kind == "send"]


def notes(shop: Path) -> int:
    """How many orders were answered by a message in the outbox."""
    return sum(b"X-Strand-Trigger: note" in data for data in outbox(shop).values())


def check(shop: Path, acknowledged: list[list[Answer]]) -> None:
    """Nothing acknowledged is lost, nothing is doubled, each publisher's order is kept, and deciding again agrees."""
    log = [[each.id for each, _ in part] for part in logged(shop)]
    for answer in chain.from_iterable(acknowledged):
        assert answer.offset is not None
        assert log[answer.partition][answer.offset] == answer.id, f"{answer} was acknowledged"
    first = [list(dict.fromkeys(each for each in part if each.startswith("o-"))) for part in log]
    assert len(set(chain.from_iterable(first))) == sum(map(len, first)) == ORDERS
    for part in first:
        for name in range(PUBLISHERS):
            mine = [each for each in part if each.startswith(f"o-{name}-")]
            assert mine == sorted(mine), f"publisher {name}'s events changed places: {mine}"
    sent = sends(shop)
    answered = Counter(each.cause for each in sent if each.trigger == "note")
    assert sorted(answered) == sorted(f"event:{each}" for part in first for each in part), "an order was not answered"
    assert set(answered.values()) == {1}, f"answered twice: {answered.most_common(3)}"
    assert sorted(Path(each).stem for each in outbox(shop)) == sorted(each.message_id for each in sent)
    command = [sys.executable, "-m", "engine.cli", "verify", "--redecide", "--json", "-w", str(shop)]
    verified = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    found = json.loads(verified.stdout)
    counted = found["events"] - found["duplicates"]
    assert counted == ORDERS + CUSTOMERS, f"{counted} events were counted, must be {ORDERS + CUSTOMERS}"
