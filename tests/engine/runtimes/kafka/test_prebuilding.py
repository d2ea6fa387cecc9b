"""States wait in a depot for workers that start with it, of the same fold or of another one."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.adapters.rocksdb_derived import RocksDerived
from engine.meta import read_meta
from engine.runtimes.kafka.connection import look
from engine.runtimes.kafka.depot import Depot
from engine.runtimes.kafka.local import binding_of
from engine.runtimes.kafka.security import connect
from events.fold_version import FOLD_VERSION
from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.test_verifying import asked, swap_two_customers
from tests.engine.runtimes.kafka.workers import make_shop_on, serving
from tests.engine.runtimes.shop import ROOT

OTHER_FOLD = "import events.fold_version\nevents.fold_version.FOLD_VERSION += 1\n"


def command(*arguments: object, path: Path) -> Any:
    """Run a command of a release whose modules are found below `path` first."""
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    line = [sys.executable, "-m", "engine.cli", *map(str, arguments)]
    ran = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return msgspec.json.decode(ran.stdout), ran.stderr


def depot_of(shop: Path, url: Path) -> Depot:
    _, connection = connect(shop)
    found = look(connection)
    return Depot(str(url), binding_of(found))


def test_states_of_the_same_fold_are_compared_before_they_are_left(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop) as urls:
        done = strand("rebuild", "--into", tmp_path / "depot", *asked(urls), "--json", "-w", shop)
        assert (done.code, done.json()["equal"], done.json()["compared"]) == (0, True, True)
    assert [len(depot_of(shop, tmp_path / "depot").newest(partition)) for partition in range(4)] == [1, 1, 1, 1]
    spoilt = swap_two_customers(shop)
    with serving(shop) as urls:
        refused = strand("rebuild", "--into", tmp_path / "other", *asked(urls), "--json", "-w", shop)
    assert (refused.code, refused.json()["different"]) == (1, 1)
    left = [len(depot_of(shop, tmp_path / "other").newest(partition)) for partition in range(4)]
    assert left == [int(partition != spoilt) for partition in range(4)]


@pytest.mark.parametrize("newer", [False, True])
def test_a_worker_goes_on_from_what_waits_for_it(tmp_path: Path, bootstrap: str, prefix: str, newer: bool) -> None:
    release = tmp_path / "release"
    release.mkdir()
    if newer:
        (release / "sitecustomize.py").write_text(OTHER_FOLD)
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop) as urls:
        before = strand("verify", "--json", "-w", shop).json()
        options = ("--into", tmp_path / "depot", *asked(urls), "--json", "-w", shop)
        done, _ = command("rebuild", *options, path=release)
        assert (done["compared"], done["swapped"]) == (not newer, True)
        assert done["state_hash"] == before["state_hash"]
    depot = depot_of(shop, tmp_path / "depot")
    for partition in range(4):
        depot.take(depot.newest(partition)[0], shop / "new" / f"p{partition}")
        name = f"p{partition}.000001"
        with closing(RocksDerived(shop / "new" / f"p{partition}" / "derived" / name)) as store:
            meta = read_meta(store)
            assert meta is not None
            assert meta.fold_version == FOLD_VERSION + newer
    report, _ = command("worker", "--until-idle", "--folder", shop / "new", "--json", "-w", shop, path=release)
    assert report["processed"] == 0
    assert (report["state_hash"], report["decisions_hash"]) == (before["state_hash"], before["decisions_hash"])
    assert all((shop / "new" / f"p{each}" / "derived" / f"p{each}.000001").is_dir() for each in range(4))  # none anew
