"""A takeover at a place where the one before is still at work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.kafka.cluster import running
from engine.importing.importer import import_files
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.until_idle import run_until_idle
from events.codec import head_of
from tests.brokers import need_a_broker
from tests.chaos_kafka.processes import SESSIONS, Slot
from tests.engine.runtimes.kafka.clusters import append_all, make_topics, publish_facts
from tests.engine.runtimes.shop import history, make_shop, wait_for, write_lines


async def append(connection: Connection, values: list[bytes]) -> None:
    clients = Clients(connection)
    await clients.start()
    try:
        await append_all(clients, 0, values)
    finally:
        await clients.stop()


@pytest.mark.slow
def test_what_was_decided_while_a_worker_made_ready_to_claim_is_copied_first(tmp_path: Path) -> None:
    need_a_broker()
    shop = make_shop(tmp_path / "shop", partitions=1)
    import_files(shop, [write_lines(tmp_path / "history.jsonl", history())], live_from="2025-01-02")
    with EmbeddedEngine.open(shop) as engine:
        values = engine.workspace.facts[0].log.read(0, 10_000)
    with running(tmp_path / "kafka", properties=SESSIONS) as cluster:
        connection = make_topics(cluster.bootstrap, "t.", 1)
        asyncio.run(publish_facts(connection, shop))
        slot = Slot(tmp_path / "second", 1, cluster.bootstrap, "t.")
        slot.start(kill_at="before-claim:1:stop")
        try:
            wait_for(slot.stands_still)
            later = [value for value in values if head_of(value).customer_id]
            asyncio.run(append(connection, later))  # the same again: duplicates are records too
            asyncio.run(run_until_idle(connection, tmp_path / "first", name="first"))
            slot.thaw()
            wait_for(lambda: slot.done() == {0: len(values) + len(later)} or not slot.alive)
            assert slot.alive, slot.last_words()
            assert slot.stop() == 0
        finally:
            slot.thaw()
            if slot.alive:
                slot.kill()
