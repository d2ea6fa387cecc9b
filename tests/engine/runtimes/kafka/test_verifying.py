"""A fold of the topics is what workers hold, and what an embedded engine makes of the same history."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.adapters.rocksdb_derived import RocksDerived
from engine.hashes import MODULUS, as_text
from engine.ports import Flush
from engine.runtimes.kafka.asking import Workers
from engine.runtimes.kafka.sampling import Sample
from engine.runtimes.kafka.verifying import verify
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.clusters import write_settings
from tests.engine.runtimes.kafka.test_until_idle import embedded
from tests.engine.runtimes.kafka.workers import make_shop_on, serving

FIGURES = ("events", "duplicates", "dead_letters", "customers", "transitions", "decisions", "messages")
HASHES = ("state_hash", "decisions_hash", "as_of_ms")


def asked(urls: list[str]) -> list[str]:
    return [each for url in urls for each in ("--worker", url)]


def test_the_fold_of_the_topics_is_what_a_worker_reports_and_the_embedded_engine(
    tmp_path: Path, bootstrap: str, prefix: str
) -> None:
    expected = embedded(tmp_path / "embedded")
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    reported = strand("worker", "--until-idle", "--json", "-w", shop).json()
    found = strand("verify", "--json", "-w", shop)
    assert (found.code, found.err) == (0, "")
    for name in FIGURES + HASHES:
        assert found.json()[name] == reported[name] == getattr(expected, name)
    one = strand("verify", "--json", "--partition", 1, "-w", shop).json()
    assert 0 < one["events"] < expected.events
    again = strand("verify", "--redecide", "--json", "-w", shop).json()
    assert (again["decided_differently"], again["redecided"] > 20) == (0, True)
    assert strand("verify", "--partition", 4, "-w", shop).code == 2


def test_nothing_to_fold_without_a_rulebook(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    write_settings(shop, bootstrap, prefix, partitions=1)
    assert strand("topics", "create", "-w", shop).code == 0
    found = strand("verify", "--json", "-w", shop)
    assert (found.code, found.json()["events"]) == (0, 0)


def test_the_workers_hold_what_the_log_folds_to(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop, 2) as urls:
        found = strand("verify", "--live", *asked(urls), "--json", "-w", shop)
        assert (found.code, found.json()["different"], found.json()["incomparable"]) == (0, 0, {})
        words = strand("verify", *asked(urls), "-w", shop)
        assert (words.code, "0 differences from the live world" in words.out) == (0, True)
        workers = Workers(urls)
        live = [workers.state(partition) for partition in range(4)]
        summed = sum(int(state.state_hash, 16) for state in live if state is not None) % MODULUS
        assert as_text(summed) == found.json()["state_hash"]
        samples = [workers.state(1, Sample(slot, 3), each=True) for slot in range(3)]
        hashes = [int(each, 16) for sample in samples if sample is not None for each in sample.customers.values()]
        assert live[1] is not None
        assert as_text(sum(hashes) % MODULUS) == live[1].state_hash
        assert len(hashes) == live[1].counters["customers"]
        missing = strand("verify", "--worker", urls[0], "-w", shop)
        assert (missing.code, "is open in none of" in missing.err) == (1, True)
    gone = strand("verify", "--live", *asked(urls), "-w", shop)
    assert (gone.code, "does not answer" in gone.err) == (1, True)


def swap_two_customers(shop: Path) -> int:
    """Give a customer the state of another one of the same partition; returns the partition."""
    for path in sorted(shop.glob("w0/p*/derived/p*")):
        with closing(RocksDerived(path)) as store:
            states = list(store.customers())
            if len(states) > 1:
                store.write(Flush(states={states[0][0]: states[1][1]}, meta=store.meta()))
                return int(path.name[1])
    raise AssertionError("no partition has two customers")


def test_a_state_that_is_not_the_logs_is_found(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop):
        pass
    spoilt = swap_two_customers(shop)
    with serving(shop) as urls:
        found = strand("verify", *asked(urls), "--json", "-w", shop)
    assert (found.code, found.json()["different"]) == (1, 1)
    difference: dict[str, Any] = found.json()["differences"][0]
    assert (difference["partition"], difference["field"]) == (spoilt, "state_hash")


def test_a_state_that_cannot_be_is_found(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop) as urls:
        state = Workers(urls).state(0)
        assert state is not None
    assert verify(shop, [0], 1, live={0: state}).different == 0
    for wrong in ({"claim": 9_999}, {"applied": 9_999}, {"activation_offset": 9_999}, {"journey_ms": 1}):
        assert verify(shop, [0], 1, live={0: replace(state, **wrong)}).different == 1
    older = verify(shop, [0], 1, live={0: replace(state, fold_version=0)})
    assert (older.different, "fold version 0" in older.partitions[0].incomparable) == (0, True)
