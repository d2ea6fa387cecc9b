"""`strand publish` where the log url names a cluster."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.applying import apply_rulebook
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.door import KafkaDoor
from engine.runtimes.kafka.security import connect
from events.dead_letters import Door, decode_dead_letter
from events.errors import OperatorError, Reason
from events.partitioning import partition_of
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import write_settings
from tests.engine.runtimes.kafka.reading import in_log, in_topic
from tests.engine.runtimes.kafka.test_topics import alter

DAY_MS = 86_400_000


def line(event_id: str, customer: str = "ann", **more: object) -> str:
    data = {"order_id": event_id, "total": 12}
    event = {"id": event_id, "type": "order_completed", "customer_id": customer, "occurred_at": "2025-01-05T10:00:00Z"}
    return json.dumps({**event, "data": data, **more})


@pytest.fixture
def shop(bootstrap: str, prefix: str, tmp_path: Path) -> Path:
    """The starter's workspace, with topics instead of an embedded log."""
    folder = tmp_path / "shop"
    assert strand("init", folder).code == 0
    write_settings(folder, bootstrap, prefix, partitions=3)
    assert strand("topics", "create", "-w", folder).code == 0
    return folder


@pytest.fixture
def connection(shop: Path) -> Connection:
    return connect(shop)[1]


def test_each_line_is_answered_with_where_it_stands(shop: Path, connection: Connection) -> None:
    file = shop / "new.jsonl"
    file.write_text("".join(f"{line(f'a{number}', f'customer-{number % 7}')}\n" for number in range(40)))
    before_ms = wall_clock_ms()
    answer = strand("publish", file, "--json", "-w", shop)
    assert (answer.code, answer.err) == (0, "")
    told = {(each["partition"], each["offset"]): each["id"] for each in answer.json_lines()}
    records = list(in_log(connection))
    assert told == {(each.partition, each.offset): each.event.id for each in records}
    assert all(each.partition == partition_of(each.event.customer_id, 3) for each in records)
    assert all(before_ms <= each.appended_at_ms <= wall_clock_ms() for each in records)


def test_a_refused_line_is_answered_and_kept_and_the_others_are_taken(shop: Path, connection: Connection) -> None:
    file = shop / "new.jsonl"
    file.write_text(f"{line('a1')}\n{line('a2', data={'total': 1})}\nnonsense\n{line('a3')}\n")
    answer = strand("publish", file, "--json", "-w", shop)
    assert answer.code == 1
    first, second, third, fourth = answer.json_lines()
    assert [first["offset"], fourth["offset"]] == [0, 1]
    assert (second["id"], second["reason"], third["reason"]) == ("a2", "schema", "syntax")
    letters = [
        decode_dead_letter(each.value) for found in in_topic(connection, "dead_letters").values() for each in found
    ]
    assert {(letter.reason, letter.raw, letter.door) for letter in letters} == {
        (Reason.SCHEMA, line("a2", data={"total": 1}).encode(), Door.PUBLISH),
        (Reason.SYNTAX, b"nonsense", Door.PUBLISH),
    }


def test_the_types_of_the_active_rulebook_are_known(shop: Path, connection: Connection) -> None:
    (shop / "rulebook/types.yaml").write_text("events:\n  visit:\n    page: text\n")
    visit = line("v1", type="visit", data={"page": 7})
    (shop / "new.jsonl").write_text(visit)
    assert strand("publish", shop / "new.jsonl", "-w", shop).code == 0  # nobody knows yet what a visit has
    asyncio.run(apply_rulebook(connection, load_rulebook(shop / "rulebook")))
    refused = strand("publish", shop / "new.jsonl", "-w", shop, "--json")
    assert (refused.code, refused.json()["reason"]) == (1, "schema")


def test_a_leap_of_time_must_be_meant(shop: Path, connection: Connection) -> None:
    (shop / "old.jsonl").write_text(line("a1", appended_at="2025-01-05T10:00:00Z"))
    (shop / "new.jsonl").write_text(line("a2"))
    assert strand("publish", shop / "old.jsonl", "-w", shop).code == 0
    answer = strand("publish", shop / "new.jsonl", "-w", shop)
    assert (answer.code, answer.out) == (1, "")
    assert "--catch-up" in answer.err
    assert len(list(in_log(connection))) == 1
    assert strand("publish", shop / "new.jsonl", "--catch-up", "-w", shop).code == 0
    old, new = in_log(connection)
    assert (old.appended_at_ms, new.appended_at_ms // DAY_MS) == (1736071200000, int(time.time()) // 86_400)


def test_time_that_others_moved_is_no_leap(shop: Path) -> None:
    now_ms = wall_clock_ms()
    times = iter([now_ms - 30 * DAY_MS, now_ms])
    with KafkaDoor(shop, clock=lambda: next(times)) as door:
        door.publish_group([line("a1").encode()])
        with KafkaDoor(shop, catch_up=True) as other:
            other.publish_group([line("a2").encode()])
        assert door.publish_group([line("a3").encode()])[0].offset is not None


def test_missing_topics_are_told(shop: Path, bootstrap: str) -> None:
    text = (shop / "strand.toml").read_text().replace('prefix = "', 'prefix = "not-')
    (shop / "strand.toml").write_text(text)
    with pytest.raises(
        OperatorError, match=r"not-.*interactions is not there\n(.*\n)*Operator action: strand topics create"
    ):
        KafkaDoor(shop)


def test_topics_of_another_number_of_partitions_and_those_that_lose_facts_are_refused(
    shop: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "new.jsonl").write_text(line("a1"))
    with monkeypatch.context() as mistaken:
        mistaken.setenv("STRAND_PARTITIONS", "8")
        refused = strand("publish", shop / "new.jsonl", "-w", shop)
        assert (refused.code, "interactions: partitions must be 8; found 3" in refused.err) == (1, True)
        assert "Operator action: write `partitions = 3` into strand.toml" in refused.err
    alter(connection, "interactions", retention_ms="1000")
    refused = strand("publish", shop / "new.jsonl", "-w", shop)
    assert (refused.code, "retention.ms must be -1; found 1000" in refused.err) == (1, True)
    assert list(in_log(connection)) == []


def test_commands_for_an_embedded_log_say_what_to_do(shop: Path) -> None:
    answer = strand("run", "-w", shop)
    assert answer.code == 2
    assert "`strand worker`" in answer.err
