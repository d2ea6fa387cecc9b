"""What only the RocksDB facts do: locks, followers, copies, versions, threads."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rocksdict import WriteBatch

from engine.adapters.rocksdb_database import synced
from engine.adapters.rocksdb_facts import FORMAT_KEY, RocksFacts
from engine.adapters.rocksdb_options import Access
from events.errors import FactsDamaged, OperatorError, WorkspaceBusy

ROOT = Path(__file__).parents[3]


def made(folder: Path) -> RocksFacts:
    """New facts, open."""
    return RocksFacts(folder, 2, create=True)


def test_a_second_owner_is_refused_until_the_first_closes(tmp_path: Path) -> None:
    facts = made(tmp_path / "p2")
    iterator = facts.decisions.read()
    with pytest.raises(WorkspaceBusy, match="Operator action: "):
        RocksFacts(tmp_path / "p2", 2)
    facts.decisions.append(b"a")
    assert next(iterator) == b"a"
    facts.close()
    RocksFacts(tmp_path / "p2", 2).close()


def test_a_follower_in_another_process_sees_what_was_acknowledged_when_it_catches_up(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.adapters.rocksdb_facts import RocksFacts\n"
        "from engine.adapters.rocksdb_options import Access\n"
        "facts = RocksFacts(Path(sys.argv[1]), 2, access=Access.FOLLOW)\n"
        "for line in sys.stdin:\n"
        "    facts.catch_up()\n"
        "    print(facts.log.end(), len(facts.log.read(0, 10**6)), facts.decisions.count(), flush=True)\n"
    )
    facts = made(tmp_path / "p2")
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "p2"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdin is not None
        assert follower.stdout is not None
        for batch in range(1, 31):
            facts.log.append([b"x" * 500] * 100)
            facts.decisions.append(b"decided")
            if batch % 7 == 0:
                facts._database.flush()  # the follower must find records that moved from the journal to table files
            follower.stdin.write("\n")
            follower.stdin.flush()
            assert follower.stdout.readline().split() == [str(batch * 100), str(batch * 100), str(batch)]
    facts.close()


def test_facts_that_are_missing_are_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(FactsDamaged, match=r"partition 2, file CURRENT: no offset is readable"):
        RocksFacts(tmp_path / "p2", 2)
    facts = made(tmp_path / "p2")
    facts.log.append([b"event"])
    facts.close()
    (tmp_path / "p2" / "CURRENT").unlink()
    with pytest.raises(FactsDamaged, match="file CURRENT"):
        RocksFacts(tmp_path / "p2", 2, create=True)


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    facts = made(tmp_path / "p2")
    batch = WriteBatch(raw_mode=True)
    facts._database.put(batch, "meta", FORMAT_KEY, b"2")
    facts._database.write(batch, synced())
    facts.close()
    for access in Access:
        with pytest.raises(OperatorError, match=r"has format 2; this version of Strand reads up to 1\nOperator action"):
            RocksFacts(tmp_path / "p2", 2, access=access)


def test_a_copy_holds_what_was_acknowledged_and_the_owner_goes_on(tmp_path: Path) -> None:
    facts = made(tmp_path / "p2")
    facts.log.append([b"a"])
    facts.copy_to(tmp_path / "backup" / "p2")
    facts.log.append([b"b"])
    assert facts.log.read(0, 9) == [b"a", b"b"]
    facts.close()
    copied = RocksFacts(tmp_path / "backup" / "p2", 2)
    assert copied.log.read(0, 9) == [b"a"]
    assert copied.log.append([b"c"]) == 1
    copied.close()


def test_threads_append_one_after_another(tmp_path: Path) -> None:
    facts = made(tmp_path / "p2")
    firsts: list[tuple[int, bytes]] = []

    def append(name: bytes) -> None:
        firsts.extend((facts.log.append([name] * 3), name) for _ in range(30))

    threads = [threading.Thread(target=append, args=(b"%d" % number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(first for first, _ in firsts) == list(range(0, 360, 3))
    for first, name in firsts:
        assert facts.log.read(first, 3) == [name] * 3
    facts.close()
