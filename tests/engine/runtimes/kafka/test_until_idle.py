"""One worker that owns every partition does what the embedded engine does."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from engine.adapters.rocksdb_copy import RocksCopy, StreamTail
from engine.adapters.rocksdb_derived import RocksDerived
from engine.importing.importer import import_files
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.report import RunReport
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.applying import announce, append_everywhere, apply_rulebook, tick
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from engine.runtimes.kafka.until_idle import run_until_idle
from events.codec import Activation
from events.dead_letters import decode_dead_letter
from events.errors import FactsDamaged, OperatorError, Reason
from tests.engine.runtimes.kafka.clusters import make_topics, publish_facts
from tests.engine.runtimes.kafka.depots import Site
from tests.engine.runtimes.shop import event, history, line, make_shop, write_lines

PASSING = {"processed", "seconds", "events_per_second"}


def lasting(report: RunReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in RunReport.__dataclass_fields__ if name not in PASSING}


def embedded(folder: Path) -> RunReport:
    """The shop's history, imported and run."""
    shop = make_shop(folder)
    import_files(shop, [write_lines(folder.parent / "history.jsonl", history())], live_from="2025-01-02")
    with EmbeddedEngine.open(shop) as engine:
        return engine.run_until_idle()


def run(connection: Connection, folder: Path) -> RunReport:
    return asyncio.run(run_until_idle(connection, folder, name="w"))


async def tick_and_publish(connection: Connection, folder: Path) -> None:
    await publish_facts(connection, folder)
    await tick(connection)


def test_the_same_as_embedded(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    expected = embedded(tmp_path / "shop")
    connection = make_topics(bootstrap, prefix, 4)
    asyncio.run(tick_and_publish(connection, tmp_path / "shop"))
    first = run(connection, tmp_path / "w")
    assert lasting(first) == lasting(expected)
    assert first.messages > 20
    again = run(connection, tmp_path / "w")
    assert lasting(again) == lasting(expected)
    assert again.processed == 0
    shutil.rmtree(tmp_path / "w")
    assert lasting(run(connection, tmp_path / "w")) == lasting(expected)


def test_what_others_write_to_the_topic_is_judged_at_the_fold(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    asyncio.run(apply_rulebook(connection, load_rulebook(make_shop(tmp_path / "shop") / "rulebook")))
    order = event("o1", "ann", wall_clock_ms())
    values = [b"{", line(order), line(order), msgspec.msgpack.encode({**order, "id": "o2"}), line({**order, "id": 3})]

    async def publish() -> None:
        clients = Clients(connection)
        await clients.start()
        for value in values:
            await clients.append(connection.topic(INTERACTIONS), 0, value, key=b"ann")
        await clients.append(connection.topic(INTERACTIONS), 0, line(order), key=b"bob")
        await clients.stop()

    asyncio.run(publish())
    report = run(connection, tmp_path / "w")
    assert (report.events, report.duplicates, report.dead_letters, report.customers) == (6, 1, 3, 1)
    with closing(RocksDerived(tmp_path / "w" / "p0" / "derived" / "p0.000001")) as store:
        letters = [decode_dead_letter(letter) for _, letter in store.letters()]
    assert [(letter.reason, letter.raw) for letter in letters] == [
        (Reason.SYNTAX, values[0]),
        (Reason.SCHEMA, values[4]),
        (Reason.WRONG_KEY, values[1]),
    ]


def test_without_a_rulebook_nothing_is_done(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 2)
    report = run(connection, tmp_path / "w")
    assert (report.events, report.processed, report.as_of_ms) == (0, 0, 0)


def test_an_activation_that_was_cut_off_is_completed_by_who_opens(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 3)
    book = load_rulebook(make_shop(tmp_path / "shop") / "rulebook")

    async def cut_off() -> None:
        clients = Clients(connection)
        await clients.start()
        activation = Activation(id="x", at_ms=wall_clock_ms(), hash=book.hash, rulebook=book.packed())
        announced = await announce(clients, activation)
        await append_everywhere(clients, announced, {1: 0})
        await clients.stop()

    asyncio.run(cut_off())
    run(connection, tmp_path / "w")  # appends what is missing, and need not wait for it
    run(connection, tmp_path / "w")
    for partition in range(3):
        with closing(RocksCopy(tmp_path / "w" / f"p{partition}" / "copy")) as copy:
            assert [number for _, number in copy.log_tail.activations] == [0]
            assert copy.log_tail.end == 1


def test_a_topic_made_anew_is_copied_anew(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    expected = embedded(tmp_path / "shop")
    connection = make_topics(bootstrap, prefix, 4)
    asyncio.run(tick_and_publish(connection, tmp_path / "shop"))
    run(connection, tmp_path / "w")
    other = make_topics(bootstrap, prefix + "again.", 4)
    assert run(other, tmp_path / "w").events == 0
    asyncio.run(tick_and_publish(other, tmp_path / "shop"))
    assert lasting(run(other, tmp_path / "w")) == lasting(expected)


def test_a_worker_without_a_disk_goes_on_from_the_depot(
    tmp_path: Path, bootstrap: str, prefix: str, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "engine")
    expected = embedded(tmp_path / "shop")
    connection = make_topics(bootstrap, prefix, 4)
    asyncio.run(tick_and_publish(connection, tmp_path / "shop"))

    def said_by(folder: str) -> str:
        caplog.clear()
        report = asyncio.run(run_until_idle(connection, tmp_path / folder, name=folder, depot=site.url))
        assert lasting(report) == lasting(expected)
        return caplog.text

    assert "checkpoint" not in said_by("a")
    assert said_by("b").count("is taken from a checkpoint") == 4
    for place in site.objects():
        site.write(place, b"damaged")
    said = said_by("c")
    assert said.count("is passed over: ") == 8
    assert "is taken" not in said


def test_a_worker_whose_depot_cannot_be_had_does_not_start(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    with pytest.raises(OperatorError, match="nonsense://x cannot be used"):
        asyncio.run(run_until_idle(connection, tmp_path / "w", name="w", depot="nonsense://x"))
    run(connection, tmp_path / "w")  # the folder is free


def test_what_is_damaged_on_this_disk_is_made_anew(
    tmp_path: Path, bootstrap: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = embedded(tmp_path / "shop")
    connection = make_topics(bootstrap, prefix, 4)
    asyncio.run(tick_and_publish(connection, tmp_path / "shop"))
    run(connection, tmp_path / "w")
    (tmp_path / "w" / "p0" / "copy" / "CURRENT").unlink()
    (tmp_path / "w" / "p1" / "derived" / "CURRENT").write_text("{")
    (tmp_path / "w" / "p2" / "derived" / "p2.000001" / "CURRENT").write_text("MANIFEST-999999\n")
    assert lasting(run(connection, tmp_path / "w")) == lasting(expected)
    for partition in (0, 1, 2):
        assert f"of partition {partition} is damaged, and made anew" in caplog.text
    assert "of partition 3" not in caplog.text


@pytest.mark.parametrize("lost", ["records", "decisions", "activations"])
def test_topics_that_lost_what_was_read_are_refused(tmp_path: Path, bootstrap: str, prefix: str, lost: str) -> None:
    connection = make_topics(bootstrap, prefix, 1)
    asyncio.run(apply_rulebook(connection, load_rulebook(make_shop(tmp_path / "shop") / "rulebook")))
    run(connection, tmp_path / "w")
    with closing(RocksCopy(tmp_path / "w" / "p0" / "copy")) as copy:  # as if there had been more
        tail = copy.log_tail
        if lost == "decisions":
            copy.add(StreamTail(end=100, claim=99, last=copy.stream_tail.last), [], [])
        else:
            number = 7 if lost == "activations" else 0
            copy.append([copy.get(0)], journey_ms=tail.journey_ms, activations=[(tail.end, number)])
    if lost == "activations":
        asyncio.run(tick(connection, wall_clock_ms()))  # the log is long enough
    with pytest.raises(FactsDamaged, match=r"ends before offset \d+, records before \d+ were read"):
        run(connection, tmp_path / "w")
