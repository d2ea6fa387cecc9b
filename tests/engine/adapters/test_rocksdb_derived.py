"""What only the RocksDB derived store does: locks, followers, bulk, what a killed process leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rocksdict import WriteBatch

from engine.adapters.rocksdb_database import unsynced
from engine.adapters.rocksdb_derived import FORMAT_KEY, RocksDerived
from engine.adapters.rocksdb_options import Access
from engine.ports import Flush
from events.errors import DerivedDamaged, WorkspaceBusy
from tests.contract.power_cut import cut

ROOT = Path(__file__).parents[3]

WRITER = """
import sys
from pathlib import Path
from engine import kill_points
from engine.adapters.rocksdb_derived import RocksDerived
from engine.ports import Flush
kill_points.arm(sys.argv[2])
store = RocksDerived(Path(sys.argv[1]), create=True)
for number in range(1000):
    store.write(Flush(
        states={f"c{n}": b"%d" % number for n in range(20)},
        timers_put=[(number, "c0")],
        timers_delete=[(number - 1, "c0")],
        transitions=[(number, b"steps")],
        meta=b"%d" % number,
    ))
"""


def check_one_instant(store: RocksDerived) -> int:
    """All that the store holds is of one flush, whose number is returned."""
    number = int(store.meta() or b"-1")
    assert {state for _, state in store.customers()} == ({b"%d" % number} if number >= 0 else set())
    assert list(store.timers(0, 10_000)) == ([(number, "c0")] if number >= 0 else [])
    assert [offset for offset, _ in store.transitions()] == list(range(number + 1))
    return number


@pytest.mark.parametrize("point", ["before-state:300", "after-state:300"])
def test_a_killed_process_leaves_whole_flushes_also_after_a_power_cut(tmp_path: Path, point: str) -> None:
    import random

    done = subprocess.run([sys.executable, "-c", WRITER, tmp_path / "p0", point], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    numbers = []
    for life in range(6):
        store = RocksDerived(tmp_path / "p0", access=Access.FOLLOW)
        numbers.append(check_one_instant(store))
        store.close()
        assert cut(tmp_path / "p0", {}, random.Random(life)) > 0
    assert numbers[0] == (298 if point.startswith("before") else 299)
    assert numbers == sorted(numbers, reverse=True)
    store = RocksDerived(tmp_path / "p0")
    check_one_instant(store)
    store.close()


def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    store = RocksDerived(tmp_path / "p0", create=True)
    with pytest.raises(WorkspaceBusy):
        RocksDerived(tmp_path / "p0")
    store.close()


def test_an_iteration_that_nobody_ends_does_not_keep_the_lock(tmp_path: Path) -> None:
    store = RocksDerived(tmp_path / "p0", create=True)
    store.write(Flush(states={f"c{n:04}": b"" for n in range(3000)}))
    iterator = store.customers()
    assert next(iterator)[0] == "c0000"
    store.close()
    RocksDerived(tmp_path / "p0").close()


def test_a_follower_sees_flushes_when_it_catches_up(tmp_path: Path) -> None:
    store = RocksDerived(tmp_path / "p0", create=True)
    store.write(Flush(states={"ann": b"1"}, meta=b"1"))
    follower = RocksDerived(tmp_path / "p0", access=Access.FOLLOW)
    assert follower.get_many(["ann"]) == [b"1"]
    store.write(Flush(states={"ann": b"2"}, meta=b"2"))
    store.flush()
    store.write(Flush(states={"ann": b"3"}, meta=b"3"))
    follower.catch_up()
    assert (follower.get_many(["ann"]), follower.meta()) == ([b"3"], b"3")
    follower.close()
    store.close()


def test_bulk_writes_no_journal_and_is_there_after_its_close(tmp_path: Path) -> None:
    store = RocksDerived(tmp_path / "p0", create=True, bulk=True)
    for first in range(0, 5000, 500):
        store.write(Flush(states={f"c{n}": b"x" * 100 for n in range(first, first + 500)}, meta=b"%d" % first))
    assert sum(path.stat().st_size for path in (tmp_path / "p0").glob("*.log")) == 0
    store.close()
    store = RocksDerived(tmp_path / "p0")
    assert sum(1 for _ in store.customers()) == 5000
    assert store.meta() == b"4500"
    store.close()


def test_another_format_and_a_missing_store_advise_a_rebuild(tmp_path: Path) -> None:
    with pytest.raises(DerivedDamaged, match="Operator action: run `strand rebuild`"):
        RocksDerived(tmp_path / "p0")
    store = RocksDerived(tmp_path / "p0", create=True)
    batch = WriteBatch(raw_mode=True)
    store._database.put(batch, "meta", FORMAT_KEY, b"9")
    store._database.write(batch, unsynced())
    store.close()
    with pytest.raises(DerivedDamaged, match=r"format b'9'.*\n.*`strand rebuild`"):
        RocksDerived(tmp_path / "p0")
