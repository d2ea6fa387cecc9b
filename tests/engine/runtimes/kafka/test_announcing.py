"""Memberships that change are announced once, in the topic of transitions, whatever happens to the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL
from typing import Any

import msgspec
import pytest

from engine.importing.importer import import_files
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.applying import apply_rulebook, tick
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, TRANSITIONS, Connection
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.transitions import Announced, Heard, encode
from engine.runtimes.kafka.until_idle import run_until_idle
from engine.views.partition import Views
from engine.views.rows import transition_rows
from engine.workspace.workspace import Workspace
from events.errors import FactsDamaged
from events.partitioning import partition_of
from tests.engine.runtimes.kafka.reading import in_topic
from tests.engine.runtimes.kafka.workers import make_shop_on
from tests.engine.runtimes.shop import DAY_MS, START_MS, event, history, line, make_shop, write_lines, write_rulebook
from tests.engine.runtimes.shop import python as process
from tests.engine.runtimes.shop import run as run_embedded

DIMENSION = "dimensions: {pace: {bands: orders, at: [1, 3], names: [none, some, many]}}\n"

WORK = """
import asyncio, sys
from pathlib import Path
from engine.runtimes.kafka import lane
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.until_idle import run_until_idle
lane.BATCH_RECORDS = 7
asyncio.run(run_until_idle(connect(Path(sys.argv[1]))[1], Path(sys.argv[2]), name="w"))
"""


def heard(connection: Connection) -> tuple[list[Announced], int]:
    """What a reader of every partition keeps, without the claims, and how many records it drops."""
    kept, dropped = [], 0
    for records in in_topic(connection, TRANSITIONS).values():
        reader = Heard()
        for record in records:
            step = reader.take(record.value)
            if step is None:
                dropped += 1
            else:
                assert (record.key.decode(), record.timestamp) == (step.customer, step.at_ms)
                kept.append(msgspec.structs.replace(step, claim=0))
    return kept, dropped


def rows(steps: list[Announced]) -> Iterator[dict[str, Any]]:
    """As `strand transitions --json` prints them."""
    for step in steps:
        for each in step.transitions:
            moved = {"customer": step.customer, "name": each.name, "of": each.of, "from": each.before, "to": each.after}
            yield {**moved, "at_ms": step.at_ms, "cause": step.cause, "evidence": each.evidence}


def in_order(found: Any) -> list[str]:
    return sorted(encode(row).decode() for row in found)


def two_rulebooks(bootstrap: str, prefix: str, folder: Path) -> tuple[Path, Connection]:
    """A shop whose second rulebook has a dimension more, and an order after it."""
    shop = make_shop_on(bootstrap, prefix, folder)
    _, connection = connect(shop)
    write_rulebook(shop, extra=DIMENSION)
    asyncio.run(apply_rulebook(connection, load_rulebook(shop / "rulebook"), START_MS + 8 * DAY_MS))

    async def order() -> None:
        clients = Clients(connection)
        await clients.start()
        at_ms, home = START_MS + 9 * DAY_MS, partition_of("c2", 4)
        value = line(event("later", "c2", at_ms))
        await clients.append(connection.topic(INTERACTIONS), home, value, key=b"c2", at_ms=at_ms)
        await clients.stop()

    asyncio.run(order())
    return shop, connection


def test_each_transition_of_the_live_history_is_announced_with_its_evidence(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    _, connection = connect(make_shop_on(bootstrap, prefix, tmp_path / "shop", live_from="2025-01-05"))
    asyncio.run(tick(connection, START_MS + 20 * DAY_MS))
    asyncio.run(run_until_idle(replace(connection, transitions="evidence"), tmp_path / "w", name="w"))
    steps, dropped = heard(connection)
    assert dropped == 0
    found = list(rows(steps))
    (began_ms,) = {row["at_ms"] for row in found if row["cause"] == f"activation:{row['at_ms']}"}

    embedded = make_shop(tmp_path / "embedded")
    import_files(embedded, [write_lines(tmp_path / "history.jsonl", history())], live_from="2025-01-05")
    run_embedded(embedded, START_MS + 20 * DAY_MS)
    with Workspace.open(embedded, owner=False) as workspace:
        derived = [row for view in Views(workspace).partitions for row in transition_rows(view)]
    live = [row for row in found if not row["cause"].startswith("activation:")]
    assert in_order(live) == in_order(row for row in derived if row["at_ms"] > began_ms)
    assert {row["to"] for row in live} == {"in", "out"}
    brought_in = {(row["customer"], row["name"], row["to"]) for row in found if row["at_ms"] == began_ms}
    assert brought_in == {(row["customer"], row["name"], row["to"]) for row in derived if row["at_ms"] <= began_ms}
    assert brought_in


def test_nothing_is_announced_where_nobody_wants_it(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with (shop / "strand.toml").open("a") as file:
        file.write('transitions = "none"\n')
    asyncio.run(run_until_idle(connect(shop)[1], tmp_path / "w", name="w"))
    assert heard(connect(shop)[1]) == ([], 0)


KILLS = ("mid-activation:3", "before-transitions:2", "after-transitions:2", "before-decisions:3", "after-decisions:3")


def test_what_killed_workers_announced_is_heard_once(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop, connection = two_rulebooks(bootstrap, prefix + "alone.", tmp_path / "alone")
    assert process(WORK, shop, shop / "w").returncode == 0
    expected, dropped = heard(connection)
    assert dropped == 0
    causes = {row["cause"].rstrip("0123456789") for row in rows(expected) if row["name"] == "pace"}
    assert causes == {"activation:", "event:later"}

    shop, connection = two_rulebooks(bootstrap, prefix, tmp_path / "killed")
    for number, kill_at in enumerate(KILLS):
        assert process(WORK, shop, shop / f"w{number % 2}", kill_at=kill_at).returncode == -SIGKILL, kill_at
    assert process(WORK, shop, shop / "other").returncode == 0
    steps, dropped = heard(connection)
    assert in_order(rows(steps)) == in_order(rows(expected))
    assert dropped > 0


def test_what_is_no_record_of_ours_is_refused() -> None:
    with pytest.raises(FactsDamaged, match="cannot be read"):
        Heard().take(b"{")
    step = Announced(version=2, claim=0, offset=0, due_ms=None, customer="ann", at_ms=0, cause="", transitions=[])
    with pytest.raises(FactsDamaged, match="is of version 2"):
        Heard().take(encode(step))
