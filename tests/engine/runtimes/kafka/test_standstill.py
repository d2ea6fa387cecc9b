"""A record that our own code fails at stops its partition, and nothing else; a release that can fold it goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.runtimes.kafka.claims import ForeignEntry, Rule
from engine.runtimes.kafka.connection import DECISIONS, INTERACTIONS, Connection
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.standstill import RecordFailed
from engine.runtimes.kafka.until_idle import run_until_idle
from engine.world import World
from tests.engine.runtimes.kafka.reading import in_log, in_topic
from tests.engine.runtimes.kafka.test_pages import until
from tests.engine.runtimes.kafka.test_topics import append_to
from tests.engine.runtimes.kafka.test_until_idle import embedded, lasting
from tests.engine.runtimes.kafka.workers import free_port, make_shop_on
from tests.engine.runtimes.shop import ROOT
from triggers.decisions import MARK, Position

POISON = "o-c3-2"
OWN_STEP = World._own_step


def plant() -> None:
    """A build of this release that fails at one event."""

    def own_step(self: World, event: Any, *rest: Any) -> None:
        if event.id == POISON:
            raise KeyError("planted")
        OWN_STEP(self, event, *rest)

    setattr(World, OWN_STEP.__name__, own_step)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "_own_step", OWN_STEP)  # put back at the end
    plant()


def frontiers(connection: Connection) -> dict[int, Position]:
    """The highest position that readers keep of each partition's decisions."""
    found = {}
    for partition, records in in_topic(connection, DECISIONS).items():
        rule = Rule()
        for record in records:
            rule.take(record.offset, record.value)
        found[partition] = rule.highest
    return found


def last_of(connection: Connection) -> dict[int, Position]:
    """The mark of each partition's last record."""
    return {
        partition: (len(records) - 1, MARK, "") for partition, records in in_topic(connection, INTERACTIONS).items()
    }


def poison_in(connection: Connection) -> tuple[int, int]:
    """Partition and offset."""
    (found,) = ((record.partition, record.offset) for record in in_log(connection) if record.event.id == POISON)
    return found


def run(connection: Connection, folder: Path) -> Any:
    return asyncio.run(run_until_idle(connection, folder, name="w"))


@pytest.mark.usefixtures("planted")
def test_everything_but_the_record_and_what_follows_it_is_done(
    tmp_path: Path, bootstrap: str, prefix: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    _, connection = connect(shop)
    partition, offset = poison_in(connection)
    place = f"partition {partition} stands before offset {offset}"
    words = f"{place}, order_completed {POISON} of customer c3: KeyError: 'planted'"
    for _ in range(2):  # again after a restart: nothing was skipped
        with pytest.raises(RecordFailed, match=words) as stopped:
            run(connection, tmp_path / "w")
        assert "Operator action: " in str(stopped.value)
        assert frontiers(connection) == {**last_of(connection), partition: (offset - 1, MARK, "")}
    assert "Traceback" in caplog.text

    with monkeypatch.context() as mended:
        mended.setattr(World, "_own_step", OWN_STEP)
        expected = lasting(embedded(tmp_path / "embedded"))
        assert lasting(run(connection, tmp_path / "w")) == expected
    decided = frontiers(connection)

    with pytest.raises(RecordFailed, match=f"partition {partition} stands before .*, while it is folded up to offset"):
        run(connection, tmp_path / "new")  # below the frontier
    assert frontiers(connection) == decided
    with monkeypatch.context() as mended:
        mended.setattr(World, "_own_step", OWN_STEP)
        assert lasting(run(connection, tmp_path / "new")) == expected


def test_a_foreign_entry_among_decisions_stops_its_partition_alone(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    _, connection = connect(shop)
    append_to(connection, DECISIONS)  # to partition 0
    words = f"at offset 0 of partition 0 of {prefix}decisions cannot be read: (.*\n)*Operator action: have nobody but"
    for _ in range(2):
        with pytest.raises(ForeignEntry, match=words):
            run(connection, tmp_path / "w")
        with pytest.raises(ForeignEntry):
            frontiers(connection)
        stream = in_topic(connection, DECISIONS)
        assert len(stream[0]) == 1  # it is not even claimed
        assert all(len(stream[partition]) > 1 for partition in (1, 2, 3))


SERVE = """
import asyncio, sys
from pathlib import Path
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.serving import serve
from tests.engine.runtimes.kafka.test_standstill import plant
plant()
connection = connect(Path(sys.argv[1]))[1]
asyncio.run(serve(connection, Path(sys.argv[2]), name="w", live=False, web_port=int(sys.argv[3])))
"""


def test_a_worker_says_so_and_serves_the_other_partitions(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    _, connection = connect(shop)
    partition, offset = poison_in(connection)
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(shop), str(tmp_path / "w"), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as running:
        try:
            until(port, "/readyz", 503, f"partition {partition} stands before offset {offset}")
            until(port, "/healthz", 200, "true")
            figures = until(port, "/metrics", 200, f'strand_standing{{partition="{partition}"}} 1.0')
            assert figures.count("strand_standing{") == 4
            others = {**last_of(connection), partition: (offset - 1, MARK, "")}
            until(port, "/metrics", 200, f'strand_lag_records{{partition="{(partition + 1) % 4}"}} 0.0')
            assert frontiers(connection) == others
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        said = running.stderr.read()
        assert running.wait(20) == 0, said
    assert "KeyError: 'planted'" in said
