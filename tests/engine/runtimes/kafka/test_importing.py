"""History into topics: the same records as in an embedded log, once, however often the import dies."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.importing.importer import import_files
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka import importing
from engine.runtimes.kafka.appending import Appender
from engine.runtimes.kafka.applying import announce
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.topics import create_topics
from events.codec import Activation
from events.dead_letters import Door, decode_dead_letter
from events.envelope import RULEBOOK_ACTIVATED, TICK, Event
from events.errors import CalledWrongly
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import write_settings
from tests.engine.runtimes.kafka.reading import in_log, in_topic
from tests.engine.runtimes.shop import DAY_MS, HOUR_MS, START_MS, event, history, logged, make_shop, python, write_lines

PARTITIONS = 2
LIVE_FROM_MS = START_MS + 2 * DAY_MS - 2 * HOUR_MS  # 2025-01-03 00:00 in Riga

IMPORT = """
import sys
from pathlib import Path
from engine.importing import importer
importer.BATCH_ROWS = 7
importer.import_files(Path(sys.argv[1]), [Path(sys.argv[2])], live_from="2025-01-03")
"""


@pytest.fixture
def shop(bootstrap: str, prefix: str, tmp_path: Path) -> Path:
    """A workspace whose log is a cluster's."""
    folder = make_shop(tmp_path / "shop", partitions=PARTITIONS)
    write_settings(folder, bootstrap, prefix, partitions=PARTITIONS)
    create_topics(connect(folder)[1], partitions=PARTITIONS, replication=1)
    return folder


@pytest.fixture
def connection(shop: Path) -> Connection:
    return connect(shop)[1]


def shuffled() -> list[dict[str, Any]]:
    events = history()
    random.Random(1).shuffle(events)
    return events


def records(connection: Connection) -> list[list[tuple[Event, int]]]:
    """Each partition's (event, appended_at_ms) without ticks, activations by their hash."""
    parts: list[list[tuple[Event, int]]] = [[] for _ in range(PARTITIONS)]
    for record in in_log(connection):
        if record.event.type != TICK:
            parts[record.partition].append((named(record.event), record.appended_at_ms))
    return parts


def named(event: Event) -> Event:
    """An activation without its number, which an embedded log has none of."""
    return (
        Event(**{**struct(event), "id": event.data["hash"], "data": {}}) if event.type == RULEBOOK_ACTIVATED else event
    )


def struct(event: Event) -> dict[str, Any]:
    return {field: getattr(event, field) for field in event.__struct_fields__}


def embedded(folder: Path, file: Path) -> list[list[tuple[Event, int]]]:
    """The same import into an embedded log."""
    whole = make_shop(folder, partitions=PARTITIONS)
    import_files(whole, [file], live_from="2025-01-03")
    return [[(named(event), at_ms) for event, at_ms in part] for part in logged(whole)]


def test_the_log_is_that_of_an_embedded_import(shop: Path, connection: Connection, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "h.jsonl", shuffled())
    report = import_files(shop, [file], live_from="2025-01-03")
    assert (report.events, report.imported, report.refused) == (len(history()), len(history()), 0)
    assert report.activation is not None
    assert records(connection) == embedded(tmp_path / "whole", file)
    for found in in_topic(connection, "interactions").values():
        times = [each.timestamp for each in found]
        assert times == sorted(times)


@pytest.mark.parametrize("kill_at", ["before-send:1", "after-send:1", "before-send:9", "after-send:9", "after-send:5"])
def test_an_import_goes_on_after_a_death(shop: Path, connection: Connection, tmp_path: Path, kill_at: str) -> None:
    events = history()
    file = write_lines(tmp_path / "h.jsonl", events)
    died = python(IMPORT, shop, file, kill_at=kill_at)
    assert died.returncode == -signal.SIGKILL, died.stderr
    there = sum(1 for part in records(connection) for each, _ in part if each.customer_id)
    assert there < len(events)
    report = import_files(shop, [file], live_from="2025-01-03")
    assert (report.already_imported, report.imported) == (False, len(events) - there)
    assert records(connection) == embedded(tmp_path / "whole", file)


def test_an_activation_that_was_only_announced_is_completed_in_its_place(
    shop: Path, connection: Connection, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "h.jsonl", history())
    rulebook = load_rulebook(shop / "rulebook")
    activation = Activation(id="a", at_ms=LIVE_FROM_MS, hash=rulebook.hash, rulebook=rulebook.packed())
    with Appender(connection, [connection.topic("activations")]) as appender:
        appender.with_clients(lambda clients: announce(clients, activation))
    import_files(shop, [file], live_from="2025-01-03")
    assert records(connection) == embedded(tmp_path / "whole", file)


def test_the_same_input_is_imported_once(
    shop: Path, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_OFFSETS", 10)
    file = write_lines(tmp_path / "h.jsonl", history())
    first = import_files(shop, [file])
    other = write_lines(tmp_path / "more.jsonl", [event(f"m{n}", "c1", START_MS + 40 * DAY_MS) for n in range(25)])
    assert import_files(shop, [other]).imported == 25
    again = import_files(shop, [write_lines(tmp_path / "again.jsonl", shuffled())])
    assert (again.already_imported, again.imported, again.identity) == (True, 0, first.identity)
    assert len(list(in_log(connection))) == len(history()) + 25


def test_what_is_refused_is_kept_once(shop: Path, connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    file.write_bytes(b'{"id": "x", "customer_id": "c1"}\nnonsense\n')
    for _ in range(2):
        assert import_files(shop, [file]).refused == 2
    letters = [
        decode_dead_letter(each.value) for part in in_topic(connection, "dead_letters").values() for each in part
    ]
    assert {(letter.raw, letter.door) for letter in letters} == {
        (b'{"id": "x", "customer_id": "c1"}', Door.IMPORT),
        (b"nonsense", Door.IMPORT),
    }
    assert len(letters) == 2


def test_the_command_exits_1_where_it_refused(shop: Path, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "h.jsonl", history())
    file.write_bytes(file.read_bytes() + b"nonsense\n")
    answer = strand("import", file, "-w", shop)
    assert answer.code == 1
    assert f"imported {len(history())} of {len(history())} events" in answer.out
    assert "refused 1" in answer.out


def test_what_is_older_than_the_log_is_refused_unless_late(shop: Path, connection: Connection, tmp_path: Path) -> None:
    import_files(shop, [write_lines(tmp_path / "h.jsonl", [event("new", "c1", START_MS + DAY_MS)])])
    old = write_lines(tmp_path / "old.jsonl", [event("old", "c1", START_MS)])
    with pytest.raises(CalledWrongly, match=r"the input begins at 2025-01-01T00:00:00Z and .* --late"):
        import_files(shop, [old])
    assert import_files(shop, [old], late=True).imported == 1
    assert [each.appended_at_ms for each in in_log(connection)] == [START_MS + DAY_MS] * 2


def test_live_from_is_for_the_first_activation(shop: Path, tmp_path: Path) -> None:
    import_files(shop, [write_lines(tmp_path / "h.jsonl", history())], live_from="2025-01-03")
    more = write_lines(tmp_path / "more.jsonl", [event("more", "c1", START_MS + 30 * DAY_MS)])
    with pytest.raises(CalledWrongly, match="a rulebook is active since 2025-01-02T22:00:00Z"):
        import_files(shop, [more], live_from="2025-01-20")


def test_the_command_says_what_it_brought_in(shop: Path, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "h.jsonl", history())
    answer = strand("import", file, "--live-from", "2025-01-03", "-w", shop)
    assert (answer.code, answer.err) == (0, "")
    assert f"imported {len(history())} of {len(history())} events" in answer.out
    assert "is active from 2025-01-03 00:00 Europe/Riga on" in answer.out
    assert "already imported" in strand("import", file, "-w", shop).out
