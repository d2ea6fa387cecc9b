"""The grocer's history through one worker, two and three is what the embedded engine makes of it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.hashes import MODULUS, as_text
from engine.outputs import decode_batch
from engine.runtimes.embedded.report import RunReport
from engine.runtimes.kafka.applying import tick
from engine.runtimes.kafka.asking import Workers
from engine.runtimes.kafka.claims import Rule
from engine.runtimes.kafka.connection import DECISIONS, Connection
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.until_idle import run_until_idle
from engine.views.partition import Views
from engine.views.rows import message_row, message_rows
from engine.workspace.workspace import Workspace
from tests.engine.cli.shell import strand
from tests.engine.replay import grocers
from tests.engine.runtimes.kafka.clusters import make_topics, publish_facts, write_settings
from tests.engine.runtimes.kafka.reading import in_topic
from tests.engine.runtimes.kafka.test_until_idle import lasting
from tests.engine.runtimes.kafka.workers import all_done, serving
from tests.engine.runtimes.shop import wait_for
from triggers.reasons import Kind

PARTITIONS = 4
PATIENCE_S = 600.0
TRIES = 5
FIGURES = ("events", "duplicates", "dead_letters", "customers", "transitions", "decisions", "messages")
HASHES = ("state_hash", "decisions_hash", "as_of_ms")


@dataclass(frozen=True, slots=True)
class Grocer:
    """An embedded workspace in which everything is done."""

    folder: Path
    expected: RunReport
    messages: list[str]


def grocer(folder: Path, households: int | None) -> Grocer:
    """The history of so many households, processed by the embedded engine."""
    grocers.make(folder, partitions=PARTITIONS)
    grocers.bring(folder, grocers.history(households), live_from=grocers.LIVE_FROM)
    expected = grocers.run(folder)
    with Workspace.open(folder, owner=False) as workspace:
        messages = [as_line(row) for view in Views(workspace).partitions for row in message_rows(view)]
    return Grocer(folder, expected, sorted(messages))


def as_line(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def sent(connection: Connection) -> Iterator[str]:
    """Every message that readers of the decisions keep."""
    for records in in_topic(connection, DECISIONS).values():
        rule = Rule()
        for record in records:
            kept = rule.take(record.offset, record.value)
            for output in decode_batch(kept) if isinstance(kept, bytes) else []:
                for decision in output.decisions:
                    if decision.kind == Kind.SEND:
                        yield as_line(message_row(output.position[2], decision))


def asked_until_done(
    workers: Workers, named: list[str], shop: Path, connection: Connection, events: int
) -> tuple[dict[str, Any], list[LiveState]]:
    """What `verify --live` says, and what the workers hold, of all events: on a machine that is too busy the group
    changes, and a state is one on its way."""
    for _ in range(TRIES):
        live = strand("verify", "--live", *named, "--jobs", 1, "--json", "-w", shop)
        held = list(workers.states(range(PARTITIONS)).values())
        assert (live.code, live.json()["differences"], live.json()["incomparable"]) == (0, [], {})
        if sum(state.counters["events"] for state in held) == live.json()["events"] == events:
            return live.json(), held
        wait_for(lambda: all_done(workers, connection, len(workers.urls)), PATIENCE_S)
    raise AssertionError("the group changes again and again")


def check(there: Grocer, folder: Path, bootstrap: str, prefix: str, *, workers: int) -> None:
    """Workers do what the embedded engine did; what they hold is what the log folds to."""
    expected = there.expected
    connection = make_topics(bootstrap, prefix, PARTITIONS)
    asyncio.run(publish_facts(connection, there.folder))
    asyncio.run(tick(connection))
    shop = folder / "shop"
    shop.mkdir()
    shutil.copytree(there.folder / "rulebook", shop / "rulebook")
    write_settings(shop, bootstrap, prefix, partitions=PARTITIONS)
    with serving(shop, workers, patience_s=PATIENCE_S) as urls:
        named = [each for url in urls for each in ("--worker", url)]
        live, held = asked_until_done(Workers(urls), named, shop, connection, expected.events)
    for name in FIGURES + HASHES:
        assert live[name] == getattr(expected, name), name
    assert as_text(sum(int(state.state_hash, 16) for state in held) % MODULUS) == expected.state_hash
    assert sorted(sent(connection)) == there.messages
    if workers == 1:  # the other ways to fold the topics have tests of their own
        folded = strand("verify", "--jobs", 1, "--json", "-w", shop).json()
        assert {name: folded[name] for name in HASHES} == {name: live[name] for name in HASHES}
        assert lasting(asyncio.run(run_until_idle(connection, folder / "idle", name="idle"))) == lasting(expected)


@pytest.fixture(scope="module")
def some_households(tmp_path_factory: pytest.TempPathFactory) -> Grocer:
    return grocer(tmp_path_factory.mktemp("grocer") / "embedded", 60)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_on_some_households(some_households: Grocer, tmp_path: Path, bootstrap: str, prefix: str, workers: int) -> None:
    assert some_households.expected.messages > 300
    check(some_households, tmp_path, bootstrap, prefix, workers=workers)


@pytest.fixture(scope="module")
def all_households(tmp_path_factory: pytest.TempPathFactory) -> Grocer:
    return grocer(tmp_path_factory.mktemp("grocer") / "embedded", None)


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_on_all_households(all_households: Grocer, tmp_path: Path, bootstrap: str, prefix: str, workers: int) -> None:
    check(all_households, tmp_path, bootstrap, prefix, workers=workers)
