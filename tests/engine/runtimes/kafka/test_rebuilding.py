"""A partition's states are made anew beside the live ones, and the worker goes on from them: nothing is sent twice."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS
from engine.runtimes.kafka.security import connect
from events.partitioning import partition_of
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.test_verifying import asked, swap_two_customers
from tests.engine.runtimes.kafka.workers import make_shop_on, serving
from tests.engine.runtimes.shop import DAY_MS, START_MS, event, line, wait_for

LATER_MS = START_MS + 30 * DAY_MS


async def publish(shop: Path, until: threading.Event, done: list[int]) -> None:
    """Publish orders, one every few milliseconds and an hour apart, until told."""
    _, connection = connect(shop)
    clients = Clients(connection)
    await clients.start()
    while not until.is_set():
        number, customer = len(done), f"c{len(done) % 12}"
        at_ms = LATER_MS + number * 3_600_000
        value = line(event(f"late-{number}", customer, at_ms))
        partition = partition_of(customer, 4)
        done.append(
            await clients.append(connection.topic(INTERACTIONS), partition, value, key=customer.encode(), at_ms=at_ms)
        )
        await asyncio.sleep(0.005)
    await clients.stop()


def settled(shop: Path, urls: list[str]) -> dict[str, object]:
    """What verifying says once the workers have processed everything."""
    wait_for(lambda: strand("verify", "--live", *asked(urls), "--json", "-w", shop).code == 0, 30.0)
    found: dict[str, object] = strand("verify", "--live", "--redecide", *asked(urls), "--json", "-w", shop).json()
    return found


def test_workers_go_on_from_the_new_states_while_events_come(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    until, published = threading.Event(), list[int]()
    with serving(shop, 2) as urls:
        publisher = threading.Thread(target=lambda: asyncio.run(publish(shop, until, published)))
        publisher.start()
        try:
            wait_for(lambda: len(published) > 20)
            first = strand("rebuild", *asked(urls), "--json", "-w", shop)
            audited = strand("audit", *asked(urls), "--share", 2, "--rounds", 4, "--every", 0, "--json", "-w", shop)
            again = strand("rebuild", *asked(urls), "--json", "-w", shop)
        finally:
            until.set()
            publisher.join()
        for each in (first, again):
            assert (each.code, each.err) == (0, "")
            assert (each.json()["equal"], each.json()["compared"], each.json()["swapped"]) == (True, True, True)
        assert audited.json() == {"compared": 24, "passed_over": 0, "differences": []}
        found = settled(shop, urls)
        assert (found["different"], found["decided_differently"], found["incomparable"]) == (0, 0, {})
    assert not list(shop.glob("w*/*.rebuilt")) + list(shop.glob("w*/*.replaced"))
    messages = strand("outbox", "--until-idle", "--json", "-w", shop).json()["written"]
    files = [path for path in (shop / "outbox").iterdir() if path.suffix == ".eml"]
    assert len(files) == messages == found["messages"]
    assert messages > len(published) // 2


def test_a_state_that_is_not_the_logs_is_replaced_only_if_that_is_said(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop):
        pass
    spoilt = swap_two_customers(shop)
    with serving(shop) as urls:
        refused = strand("rebuild", *asked(urls), "--json", "-w", shop)
        assert (refused.code, refused.json()["different"]) == (1, 1)
        assert refused.json()["differences"][0]["partition"] == spoilt
        assert strand("verify", "--live", *asked(urls), "-w", shop).code == 1
        taken = strand("rebuild", "--accept", *asked(urls), "-w", shop)
        assert (taken.code, "is live now" in taken.out) == (0, True)
        assert settled(shop, urls)["different"] == 0


def test_what_was_wrong_is_not_trusted_when_it_comes_back(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    """As from a checkpoint that was left before, or from the disk of a worker that had the partition before."""
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop):
        pass
    swap_two_customers(shop)
    shutil.copytree(shop / "w0", tmp_path / "older")
    with serving(shop) as urls:
        assert strand("rebuild", "--accept", *asked(urls), "-w", shop).code == 0
    shutil.rmtree(shop / "w0")
    shutil.copytree(tmp_path / "older", shop / "w0")
    with serving(shop) as urls:
        assert settled(shop, urls)["different"] == 0


@pytest.mark.parametrize("kill_at", ["before-switch", "mid-switch", "after-switch"])
def test_a_death_while_folders_change_places_costs_time_only(
    tmp_path: Path, bootstrap: str, prefix: str, kill_at: str
) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop, kill_at=kill_at) as urls:
        died = strand("rebuild", *asked(urls), "-w", shop)
        assert (died.code, "does not answer" in died.err) == (1, True)
    with serving(shop) as urls:
        found = settled(shop, urls)
        assert (found["different"], found["decided_differently"]) == (0, 0)
    assert not list(shop.glob("w*/*.rebuilt")) + list(shop.glob("w*/*.replaced"))


def test_no_worker_no_rebuild(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop, 2) as urls:
        some = strand("rebuild", "--worker", urls[0], "-w", shop)
        assert (some.code, "is open in none of" in some.err) == (1, True)
    gone = strand("rebuild", *asked(urls), "-w", shop)
    assert (gone.code, "does not answer" in gone.err) == (1, True)
