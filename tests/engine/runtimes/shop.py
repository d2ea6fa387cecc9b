"""A small workspace with a small rulebook, its events, and what its log holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.report import RunReport
from engine.workspace.workspace import Workspace
from events.codec import read_record
from events.envelope import Event

ROOT = Path(__file__).resolve().parents[3]
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
START_MS = 1_735_689_600_000  # 2025-01-01T00:00Z

RULEBOOK = """
traits:
  orders: {count: order_completed}
  lately: {count: order_completed, within: 7d}
segments:
  regular: {when: orders >= 2}
  busy: {when: lately >= 2}
triggers:
  note:
    on: {event: order_completed}
    after: AFTER
    message: {template: note, channels: [email], purpose: transactional}
  welcome:
    on: {enters: regular}
    message: {template: note, channels: [email], purpose: transactional}
    include_existing: yes
policy:
  time_zone: Europe/Riga
  sender: {name: Shop, email: hello@shop.example}
  links: {unsubscribe: "https://shop.example/stop"}
"""


def make_shop(folder: Path, *, partitions: int = 4, after: str = "1h", extra: str = "") -> Path:
    """A workspace in a new folder."""
    (folder / "rulebook" / "templates" / "note").mkdir(parents=True)
    (folder / "strand.toml").write_text(f"partitions = {partitions}\n")
    write_rulebook(folder, after=after, extra=extra)
    for part, text in {"subject": "Thank you", "txt": "You have {{ traits.orders }} orders."}.items():
        (folder / "rulebook" / "templates" / "note" / f"email.{part}").write_text(text)
    return folder


def write_rulebook(folder: Path, *, after: str = "1h", extra: str = "") -> None:
    """The shop's rulebook, changed or not."""
    (folder / "rulebook" / "shop.yaml").write_text(RULEBOOK.replace("AFTER", after) + extra)


def event(name: str, customer: str, at_ms: int, kind: str = "order_completed", **data: Any) -> dict[str, Any]:
    """An input line's object, appended when it happened."""
    if kind == "order_completed":
        data = {"order_id": name, "total": 10, **data}
    return {
        "id": name,
        "type": kind,
        "customer_id": customer,
        "occurred_at": at_ms,
        "appended_at": at_ms,
        "data": data,
    }


def history(customers: int = 12, days: int = 6) -> list[dict[str, Any]]:
    """A profile for each customer and an order every other day, at different hours."""
    events = []
    for number in range(customers):
        name = f"c{number}"
        at_ms = START_MS + number * HOUR_MS
        events.append(event(f"profile-{name}", name, at_ms, "profile_updated", email=f"{name}@mail.example"))
        events += [event(f"o-{name}-{day}", name, at_ms + day * DAY_MS + number) for day in range(number % 3, days, 2)]
    return sorted(events, key=lambda each: (each["appended_at"], each["id"]))


def line(value: dict[str, Any]) -> bytes:
    """An event as one line of JSON."""
    return json.dumps(value).encode()


def now_line(name: str, customer: str = "ann", kind: str = "order_completed", **data: Any) -> bytes:
    """An event of this moment that leaves its time of appending to the door."""
    value = event(name, customer, wall_clock_ms(), kind, **data)
    del value["appended_at"]
    return line(value)


def profile(customer: str = "ann") -> bytes:
    """A customer's e-mail address, of this moment."""
    return now_line(f"profile-{customer}", customer, "profile_updated", email=f"{customer}@mail.example")


def write_lines(path: Path, events: list[dict[str, Any]]) -> Path:
    """A .jsonl file."""
    path.write_bytes(b"".join(line(each) + b"\n" for each in events))
    return path


def logged(folder: Path) -> list[list[tuple[Event, int]]]:
    """Each partition's (event, appended_at_ms), control records too."""
    with Workspace.open(folder, owner=True) as workspace:
        return [[read_record(raw) for raw in facts.log.read(0, 100_000)] for facts in workspace.facts]


def ids(folder: Path) -> list[str]:
    """The ids of all events in the log, sorted."""
    return sorted(each.id for part in logged(folder) for each, _ in part if each.customer_id)


def outbox(folder: Path) -> dict[str, bytes]:
    """The messages by file name."""
    box = folder / "outbox"
    return (
        {path.name: path.read_bytes() for path in box.iterdir() if path.suffix in {".eml", ".txt"}}
        if box.is_dir()
        else {}
    )


def run(folder: Path, as_of_ms: int | None = None) -> RunReport:
    """Activate the folder's rulebook if none is, and run until idle."""
    with EmbeddedEngine.open(folder) as engine:
        engine.activate_first()
        return engine.run_until_idle(as_of_ms)


CHILD = """
import os
from engine.runtimes.collector import unhurried_collector
unhurried_collector()
from engine import kill_points
kill_points.arm(os.environ.get(kill_points.VARIABLE))
"""


def python(script: str, *arguments: object, kill_at: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which dies at `kill_at` if it gets there."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if kill_at is not None:
        environment["STRAND_KILL_AT"] = kill_at
    command = [sys.executable, "-c", CHILD + script, *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


RUN = """
import sys
from pathlib import Path
from tests.engine.runtimes.shop import run
run(Path(sys.argv[1]))
"""

LIVE = """
import signal, sys
from pathlib import Path
from engine.runtimes.embedded.engine import EmbeddedEngine
with EmbeddedEngine.open(Path(sys.argv[1])) as engine:
    engine.activate_first(live=True)
    signal.signal(signal.SIGTERM, lambda *_: engine.stop())
    engine.run_live(catch_up="catch-up" in sys.argv, ready=lambda: print("ready", flush=True))
"""


@contextmanager
def live(folder: Path, *flags: str, kill_at: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the workspace, once its socket listens; asked to stop at the end if it still runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if kill_at is not None:
        environment["STRAND_KILL_AT"] = kill_at
    command = [sys.executable, "-c", CHILD + LIVE, str(folder), *flags]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so; fail if it does not become so in time."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if condition():
            return
        ended = time.monotonic()
        assert ended < deadline, "it did not happen in time"
        time.sleep(min(max(0.01, 4 * (ended - began)), 0.5))  # so that looking slows little down what is waited for
