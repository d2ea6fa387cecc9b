"""What was refused on Kafka is listed with its bytes, and is replayed once when it would be taken."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.applying import apply_rulebook
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import CREATE, INTERACTIONS
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.topics import DEAD_LETTERS
from events.codec import encode_record
from events.envelope import Event
from events.partitioning import partition_of
from tests.engine.cli.shell import Answer, strand
from tests.engine.runtimes.kafka.clusters import write_settings
from tests.engine.runtimes.kafka.workers import serving
from tests.engine.runtimes.shop import event, line, make_shop, python, write_rulebook

TYPES = "\nevents:\n  parcel_sent: {weight: number}\n"


def make_kafka_shop(folder: Path, bootstrap: str, prefix: str, *, extra: str = "") -> Path:
    shop = make_shop(folder, extra=extra)
    write_settings(shop, bootstrap, prefix, partitions=4)
    assert strand("topics", "create", "-w", shop).code == 0
    activate(shop)
    return shop


def activate(shop: Path) -> None:
    asyncio.run(apply_rulebook(connect(shop)[1], load_rulebook(shop / "rulebook")))


def publish(shop: Path, *events: dict[str, Any]) -> Answer:
    (shop / "new.jsonl").write_bytes(b"".join(line(each) + b"\n" for each in events))
    return strand("publish", shop / "new.jsonl", "--json", "-w", shop)


def parcel(name: str, weight: object) -> dict[str, Any]:
    return {**event(name, "ann", wall_clock_ms(), "parcel_sent"), "data": {"weight": weight}}


def listed(shop: Path, *more: object) -> list[dict[str, Any]]:
    found = strand("dead-letters", "list", "--json", "-w", shop, *more)
    assert found.code == 0, found.err
    return [dict(row) for row in found.json_lines()]


def replayed(shop: Path, *more: object) -> tuple[int, dict[str, int]]:
    found = strand("dead-letters", "replay", "--json", "-w", shop, *more)
    return found.code, found.json()


def events_in(shop: Path) -> dict[str, int]:
    report = strand("worker", "--until-idle", "--json", "--folder", shop / "idle", "-w", shop).json()
    return {name: report[name] for name in ("events", "duplicates", "dead_letters")}


def test_a_letter_of_the_door_is_replayed_once_a_rulebook_takes_it(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_kafka_shop(tmp_path / "shop", bootstrap, prefix, extra=TYPES)
    assert publish(shop, parcel("p1", 2), parcel("p2", "heavy"), parcel("p3", [])).code == 1
    letters = listed(shop, "--door", "publish")
    assert [(row["reason"], row["replayed"], '"heavy"' in row["raw"]) for row in letters] == [
        ("schema", False, True),
        ("schema", False, False),
    ]
    code, done = replayed(shop)
    assert (code, done) == (1, {"letters": 2, "replayed": 0, "refused": 2, "in_log": 0})
    assert len(listed(shop)) == 2  # being refused again makes no other letter
    write_rulebook(shop, extra=TYPES.replace("number", "text"))
    activate(shop)
    judged = {"letters": 2, "replayed": 1, "refused": 1, "in_log": 0, "dry_run": True}
    assert replayed(shop, "--dry-run") == (0, judged)
    assert "2 letters, 1 would be replayed, 1 refused" in strand("dead-letters", "replay", "--dry-run", "-w", shop).out
    assert [row["replayed"] for row in listed(shop)] == [False, False]
    assert replayed(shop) == (1, {"letters": 2, "replayed": 1, "refused": 1, "in_log": 0})
    assert [row["replayed"] for row in listed(shop)] == [True, False]
    assert replayed(shop)[1] == {"letters": 1, "replayed": 0, "refused": 1, "in_log": 0}
    assert events_in(shop) == {"events": 2, "duplicates": 0, "dead_letters": 1}


def test_letters_of_the_fold_are_told_by_workers(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_kafka_shop(tmp_path / "shop", bootstrap, prefix, extra=TYPES)
    _, connection = connect(shop)
    now_ms = wall_clock_ms()
    order = line(event("o1", "ann", now_ms))
    heavy = encode_record(
        Event(id="p1", type="parcel_sent", customer_id="ann", occurred_at_ms=now_ms, data={"weight": "x"}), now_ms
    )

    async def append(*values: tuple[bytes, bytes]) -> None:
        clients = Clients(connection)
        await clients.start()
        for key, value in values:
            await clients.append(connection.topic(INTERACTIONS), partition_of("ann", 4), value, key=key)
        await clients.stop()

    asyncio.run(append((b"ann", b"{"), (b"bob", order), (b"ann", heavy)))
    with serving(shop) as urls:
        letters = listed(shop, "--worker", urls[0])
        assert [row["reason"] for row in letters] == ["syntax", "wrong_key", "schema"]
        assert {row["door"] for row in letters} == {"fold"}
        for limit in (1, 2):
            assert listed(shop, "--worker", urls[0], "--limit", limit) == letters[-limit:]
        assert "is not shown" in strand("dead-letters", "list", "-w", shop).err
        code, done = replayed(shop, "--worker", urls[0])
        assert (code, done) == (1, {"letters": 3, "replayed": 1, "refused": 1, "in_log": 1})
        assert [row["replayed"] for row in listed(shop, "--worker", urls[0])] == [False, True, False]
        assert replayed(shop, "--worker", urls[0])[1]["replayed"] == 0
    assert events_in(shop) == {"events": 4, "duplicates": 0, "dead_letters": 3}


SCRIPT = """
import sys
from pathlib import Path
from tests.engine.runtimes.kafka.test_letters import replayed
replayed(Path(sys.argv[1]))
"""


def test_a_replay_that_was_cut_off_counts_once(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_kafka_shop(tmp_path / "shop", bootstrap, prefix, extra=TYPES)
    assert publish(shop, parcel("p1", "light"), parcel("p2", "heavy")).code == 1
    write_rulebook(shop, extra=TYPES.replace("number", "text"))
    activate(shop)
    died = python(SCRIPT, shop, kill_at="before-settled")
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert replayed(shop) == (0, {"letters": 2, "replayed": 2, "refused": 0, "in_log": 0})
    assert events_in(shop) == {"events": 4, "duplicates": 2, "dead_letters": 0}


def test_an_embedded_log_is_not_replayed(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    assert strand("dead-letters", "replay", "-w", shop).code == 2
    assert strand("dead-letters", "list", "--worker", "http://x", "-w", shop).code == 2


def test_letters_whose_topic_is_gone_are_not_waited_for(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_kafka_shop(tmp_path / "shop", bootstrap, prefix)
    letters = prefix + DEAD_LETTERS
    administer(connect(shop)[1], lambda admin: admin.delete_topics([letters]))
    for command in ("list", "replay"):
        told = strand("dead-letters", command, "-w", shop)
        assert told.code == 1
        assert told.err == f"the cluster has no topic {letters}\nOperator action: {CREATE}\n"
