"""Following a database whose owner writes, merges its files and deletes them: none of that is damage."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.adapters.rocksdb_beside import Footprint
from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_options import Access
from events.errors import FactsDamaged

ROOT = Path(__file__).parents[3]
ROUNDS = 150
RECORDS = 40

OWNER = f"""
import sys
from pathlib import Path
from engine.adapters.rocksdb_facts import RocksFacts
facts = RocksFacts(Path(sys.argv[1]), 0, create=True)
for number in range(1, {ROUNDS} + 1):
    facts.log.append([b"record" * 30] * {RECORDS})
    facts.decisions.append(b"decided %d" % number)
    if number % 3 == 0:
        facts._database.flush()
    if number % 10 == 0:
        facts._database.compact()
    if number % 25 == 0:
        facts.close()
        facts = RocksFacts(Path(sys.argv[1]), 0)
    print(number, flush=True)
facts.close()
"""


def check(facts: RocksFacts, acknowledged: int) -> None:
    """Everything acknowledged is there, without gaps."""
    end = facts.log.end()
    assert end >= acknowledged * RECORDS
    assert len(facts.log.read(0, end)) == end
    decided = list(facts.decisions.read())
    assert len(decided) >= acknowledged
    assert decided == [b"decided %d" % number for number in range(1, len(decided) + 1)]


@pytest.mark.slow
def test_a_follower_finds_all_that_was_acknowledged_while_files_come_and_go(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path / "p0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        kept: RocksFacts | None = None
        for line in owner.stdout:
            facts = RocksFacts(tmp_path / "p0", 0, access=Access.FOLLOW)
            check(facts, int(line))
            kept = kept or facts
            if facts is not kept:
                facts.close()
            kept.catch_up()
            check(kept, int(line))
        assert kept is not None
        kept.close()
    assert owner.returncode == 0
    facts = RocksFacts(tmp_path / "p0", 0)  # no follower deleted anything
    check(facts, ROUNDS)
    facts.close()


def test_a_footprint_tells_what_an_owner_did_meanwhile(tmp_path: Path) -> None:
    facts = RocksFacts(tmp_path / "p0", 0, create=True)
    before = Footprint.of(facts.path)
    facts.log.append([b"a"])
    appended = Footprint.of(facts.path)
    assert appended != before
    assert before.same_files(appended)
    assert before.all_there(appended)
    facts._database.flush()
    assert not before.same_files(Footprint.of(facts.path))
    until = time.monotonic() + 30
    while before.all_there(Footprint.of(facts.path)):  # RocksDB deletes the journals behind our back
        assert time.monotonic() < until
    facts.close()


def test_damage_that_came_after_opening_is_met_when_catching_up(tmp_path: Path) -> None:
    owner = RocksFacts(tmp_path / "p0", 0, create=True)
    owner.log.append([b"a"])
    owner._database.flush()
    follower = RocksFacts(tmp_path / "p0", 0, access=Access.FOLLOW)
    owner.log.append([b"b"])
    owner.close()
    newest = max((tmp_path / "p0").glob("*.sst"))
    content = bytearray(newest.read_bytes())
    content[-300] ^= 1
    newest.write_bytes(content)
    with pytest.raises(FactsDamaged, match=newest.name):
        follower.catch_up()
    assert follower.log.read(0, 9) == [b"a"]  # what was opened before
    follower.close()
