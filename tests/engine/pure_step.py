"""Runs the step where nothing but its arguments can be reached; prints what it reached for, one thing a line.

    python -m tests.engine.pure_step             histories in memory: petshop's, and generated ones
    python -m tests.engine.pure_step temptation  everything forbidden, to see that each is noticed

Clock, lots, environment and interpreter-wide I/O are replaced or audited after everything is loaded and compiled.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import secrets
import socket  # noqa: F401  for TEMPTATIONS
import subprocess  # noqa: F401  for TEMPTATIONS
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from engine.activations import append_activation
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import Compiled, compile_rulebook
from engine.outputs import kept
from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook, unpack
from engine.shard import Shard
from events.admission import admit
from events.codec import Activation, encode_record, encode_tick
from templates.catalogue import stock
from tests.evaluator.generate import generate
from tests.memory_facts import MemoryFacts
from tests.simulation.agreement.engine_side import check, fill
from tests.simulation.journey import append, checked, consented, order_completed, profile, rules

PETSHOP = Path(__file__).resolve().parents[2] / "examples/petshop"
OWN_PACKAGES = ("events", "projections", "triggers", "templates", "engine")
# What an interpreter says of itself that is no I/O: reading a frame of a traceback, compiling a snapshot's source.
HARMLESS = frozenset({"object.__getattr__", "compile", "exec", "code.__new__"})
FORBIDDEN: dict[ModuleType, Iterable[str]] = {
    time: (
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "localtime",
        "gmtime", "sleep", "ctime", "strftime",
    ),
    random: (
        "random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform", "getrandbits", "seed",
    ),
    secrets: ("token_bytes", "token_hex", "token_urlsafe", "randbelow", "choice"),
    uuid: ("uuid1", "uuid4", "getnode"),
    os: ("urandom", "getenv", "getpid", "cpu_count", "uname", "getcwd"),
}  # fmt: skip

reached: list[str] = []
watching = False


class Reached(Exception):
    """The step reached for something that is not its own."""


def reach_for(what: str) -> NoReturn:
    """Note it, since whoever catches the error must not hide it."""
    reached.append(what)
    raise Reached(what)


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    if watching and event not in HARMLESS:
        reach_for(f"{event} {arguments!r:.100}")


class NoEnvironment:
    """Stands where the environment was."""

    def __getattr__(self, name: str) -> NoReturn:
        reach_for(f"os.environ.{name}")

    def __getitem__(self, name: str) -> NoReturn:
        reach_for(f"os.environ[{name!r}]")

    def __contains__(self, name: object) -> NoReturn:
        reach_for(f"{name!r} in os.environ")

    def __iter__(self) -> NoReturn:
        reach_for("iter(os.environ)")


class NoNow(dt.datetime):
    """A datetime without a clock."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> NoReturn:
        reach_for(f"datetime.now({tz})")

    @classmethod
    def utcnow(cls) -> NoReturn:
        reach_for("datetime.utcnow")

    @classmethod
    def today(cls) -> NoReturn:
        reach_for("datetime.today")


class NoToday(dt.date):
    """A date without a clock."""

    @classmethod
    def today(cls) -> NoReturn:
        reach_for("date.today")


def instead(what: str) -> Callable[..., NoReturn]:
    def raises(*arguments: object, **named: object) -> NoReturn:
        reach_for(what)

    return raises


def replacements() -> Iterator[tuple[ModuleType, str, object]]:
    """(module, name, what stands there instead): where it is defined, and wherever our own modules hold it."""
    put: dict[int, object] = {id(dt.datetime): NoNow, id(dt.date): NoToday, id(os.environ): NoEnvironment()}
    for module, names in FORBIDDEN.items():
        for name in names:
            put[id(getattr(module, name))] = instead(f"{module.__name__}.{name}")
            yield module, name, put[id(getattr(module, name))]
    yield os, "environ", put[id(os.environ)]
    yield dt, "datetime", NoNow
    yield dt, "date", NoToday
    for module in [each for name, each in sys.modules.items() if name.partition(".")[0] in OWN_PACKAGES]:
        for name, value in list(vars(module).items()):
            if id(value) in put:
                yield module, name, put[id(value)]


@contextmanager
def nothing_else() -> Iterator[None]:
    """Within, nothing is reachable but what is passed."""
    global watching  # noqa: PLW0603  a hook cannot be removed, only told to rest
    before = []
    for module, name, value in list(replacements()):
        before.append((module, name, getattr(module, name)))
        setattr(module, name, value)
    watching = True
    try:
        yield
    finally:
        watching = False
        for module, name, value in before:
            setattr(module, name, value)


# ---------------------------------------------------------------- histories
def petshop() -> tuple[MemoryFacts, list[Rulebook]]:
    """The petshop's year, its rulebook active from February on."""
    rulebook, facts = load_folder(PETSHOP / "rulebook", stock=stock()), MemoryFacts()
    live_ms = int(dt.datetime(2025, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))).timestamp() * 1000)
    at_ms, live = 0, False
    for line in (PETSHOP / "events.jsonl").read_bytes().splitlines():
        admitted = admit(line, now_ms=None, declared=rulebook.declared)
        at_ms = admitted.event.occurred_at_ms if admitted.appended_at_ms is None else admitted.appended_at_ms
        if at_ms >= live_ms and not live:
            live = True
            activation = Activation(id="a", at_ms=live_ms, hash=rulebook.hash, rulebook=rulebook.packed())
            append_activation(facts.log, activation, live_ms)
        facts.log.append([encode_record(admitted.event, at_ms)])
    facts.log.append([encode_tick(at_ms)])
    return facts, [rulebook]


FAILING = """
triggers:
  thanks:
    on: {event: order_completed}
    message: {template: note, channels: [email]}
"""


def failing() -> tuple[MemoryFacts, list[Rulebook]]:
    """A message whose template fails on what the customer is called."""
    facts, at = MemoryFacts(), "2026-02-01T00:00+00:00"
    named = profile("ann", first_name="Broken", at=at)
    for record in (*rules(FAILING), *consented("ann"), *named, *order_completed("ann", at=at)):
        append(facts.log, record)
    return facts, [checked(FAILING)]


def generated(seed: int) -> tuple[MemoryFacts, list[Rulebook]]:
    """A history of the evaluator's."""
    case, facts = generate(seed), MemoryFacts()
    fill(case, [facts])
    return facts, [check(rulebook) for rulebook in case.rulebooks]


def opened(facts: MemoryFacts, rulebooks: list[Rulebook]) -> Shard:
    """A shard whose rulebooks are compiled already."""
    ready: dict[str, Compiled] = {rulebook.hash: compile_rulebook(rulebook) for rulebook in rulebooks}
    known = {rulebook.packed(): rulebook for rulebook in map(unpack, (each.packed() for each in rulebooks))}
    shard = Shard(
        facts.log, facts.decisions, MemoryGenerations(), known.__getitem__, lambda rulebook: ready[rulebook.hash]
    )
    shard.open()
    return shard


def run() -> None:
    """Live through the histories with nothing else in reach; prints what was decided."""
    histories = [petshop(), failing(), *(generated(seed) for seed in range(4))]
    shards = [opened(*history) for history in histories]
    with nothing_else():
        for shard in shards:
            while shard.process(7):
                pass
            shard.flush()
    reasons = [
        decision.reason or decision.kind
        for facts, _ in histories
        for output in kept(facts.decisions.read())
        for decision in output.decisions
    ]
    print(*sorted(set(reasons)), sep="\n", file=sys.stderr)


TEMPTATIONS = {
    "time.time": "time.time()",
    "time.monotonic": "time.monotonic()",
    "datetime.now": "dt.datetime.now(dt.UTC)",
    "date.today": "dt.date.today()",
    "random.random": "random.random()",
    "secrets.token_hex": "secrets.token_hex()",
    "uuid.uuid4": "uuid.uuid4()",
    "os.urandom": "os.urandom(1)",
    "os.environ": "os.environ['HOME']",
    "os.getenv": "os.getenv('HOME')",
    "open": "Path(__file__).read_text()",
    "os.listdir": "os.listdir('.')",
    "socket.__new__": "socket.socket()",
    "subprocess.Popen": "subprocess.run(['true'])",
    "import": "__import__('wave')",
}
"""One act of every sort, by what it must be noticed as."""


def tempt() -> None:
    """Do all that is forbidden; prints what went unnoticed."""
    for what, act in TEMPTATIONS.items():
        reached.clear()
        with nothing_else(), suppress(Reached):
            eval(act)
        if not any(each.startswith(what) for each in reached):
            print(f"{what} went unnoticed: {reached}")
    reached.clear()


if __name__ == "__main__":
    sys.addaudithook(audit)
    (tempt if sys.argv[1:] == ["temptation"] else run)()
    print(*reached, sep="\n", end="")
