"""A workspace has one owner, many readers, a fixed number of partitions, a derived world that may be thrown away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.ports import Flush
from engine.workspace.workspace import Workspace
from events.errors import CalledWrongly, DerivedDamaged, FactsDamaged, OperatorError, WorkspaceBusy

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty workspace of two partitions."""
    (tmp_path / "strand.toml").write_text("partitions = 2\n", encoding="utf-8")
    return tmp_path


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(CalledWrongly, match="has no strand.toml"):
        Workspace.open(tmp_path, owner=False)


def test_it_has_one_owner_who_is_named_to_others(folder: Path) -> None:
    with Workspace.open(folder, owner=True), pytest.raises(WorkspaceBusy, match=rf"owned by process {os.getpid()} "):
        Workspace.open(folder, owner=True)
    Workspace.open(folder, owner=True).close()


def test_the_death_of_an_owner_frees_it(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from engine.workspace.workspace import Workspace\n"
        "workspace = Workspace.open(Path(sys.argv[1]), owner=True)\n"
        "workspace.facts[1].log.append([b'event'])\n"
        "workspace.generations.begin(0)\n"
        "print(flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, folder], cwd=ROOT, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        with pytest.raises(WorkspaceBusy, match=f"owned by process {owner.pid} "):
            Workspace.open(folder, owner=True)
        owner.send_signal(signal.SIGKILL)
    with Workspace.open(folder, owner=True) as workspace:
        assert workspace.facts[1].log.read(0, 9) == [b"event"]
        assert list((folder / "derived").iterdir()) == []  # what the dead owner had begun to build


def make_live(workspace: Workspace) -> None:
    """Give each partition an empty live generation."""
    names = {}
    for partition in range(2):
        names[partition], store = workspace.begin_generation(partition)
        store.close()
    workspace.generations.swap(names)


def test_readers_stand_beside_the_owner(folder: Path) -> None:
    with Workspace.open(folder, owner=False) as reader:
        assert not reader.has_facts()
        assert reader.open_live(0) is None
    with Workspace.open(folder, owner=True) as owner:
        owner.facts[0].log.append([b"a"])
        make_live(owner)
        store = owner.open_live(0)
        assert store is not None
        store.write(Flush(states={"ann": b"1"}))
        with Workspace.open(folder, owner=False) as reader:
            assert reader.has_facts()
            assert len(reader.facts) == 2
            live = reader.open_live(0)
            assert live is not None
            assert live.get_many(["ann"]) == [b"1"]
            owner.facts[0].log.append([b"b"])
            reader.facts.catch_up()
            assert reader.facts[0].log.read(0, 9) == [b"a", b"b"]


def test_a_reader_keeps_what_it_opened_when_the_owner_swaps(folder: Path) -> None:
    with Workspace.open(folder, owner=True) as owner, Workspace.open(folder, owner=False) as reader:
        make_live(owner)
        old = owner.open_live(0)
        assert old is not None
        old.write(Flush(states={f"c{n:05}": b"old" for n in range(5000)}))
        read = reader.open_live(0)
        assert read is not None
        name, new = owner.begin_generation(0)
        new.write(Flush(states={"ann": b"new"}))
        new.close()
        old.close()
        owner.generations.swap({0: name})
        assert sum(1 for _ in read.customers()) == 5000
        again = reader.open_live(0)
        assert again is not None
        assert list(again.customers()) == [("ann", b"new")]


def test_deleting_what_is_derived_loses_nothing(folder: Path) -> None:
    with Workspace.open(folder, owner=True) as workspace:
        workspace.facts[0].log.append([b"a"])
        make_live(workspace)
    shutil.rmtree(folder / "derived")
    with Workspace.open(folder, owner=True) as workspace:
        assert workspace.facts[0].log.read(0, 9) == [b"a"]
        assert workspace.open_live(0) is None


def test_a_live_generation_that_is_gone_advises_a_rebuild(folder: Path) -> None:
    with Workspace.open(folder, owner=True) as workspace:
        make_live(workspace)
        name = workspace.generations.live()[1]
    (folder / "derived" / name / "CURRENT").unlink()
    for owner in (True, False):
        with Workspace.open(folder, owner=owner) as workspace, pytest.raises(DerivedDamaged, match="strand rebuild"):
            workspace.open_live(1)
    shutil.rmtree(folder / "derived" / name)
    with Workspace.open(folder, owner=True) as workspace, pytest.raises(DerivedDamaged, match="strand rebuild"):
        workspace.open_live(0)


def test_the_number_of_partitions_is_fixed_with_the_first_facts(folder: Path) -> None:
    with Workspace.open(folder, owner=True) as workspace:
        assert [facts.partition for facts in workspace.facts] == [0, 1]
    (folder / "strand.toml").write_text("partitions = 3\n", encoding="utf-8")
    with Workspace.open(folder, owner=True) as workspace, pytest.raises(OperatorError, match="write `partitions = 2`"):
        _ = workspace.facts


def test_a_lost_partition_or_format_is_never_made_anew(folder: Path) -> None:
    with Workspace.open(folder, owner=True) as workspace:
        workspace.facts[1].log.append([b"event"])
    for owner in (True, False):
        (folder / "facts" / "p1").rename(folder / "p1")
        with Workspace.open(folder, owner=owner) as workspace, pytest.raises(FactsDamaged, match="partition 1"):
            _ = workspace.facts
        (folder / "p1").rename(folder / "facts" / "p1")
    written = (folder / "facts" / "FORMAT").read_bytes()
    (folder / "facts" / "FORMAT").unlink()
    with Workspace.open(folder, owner=True) as workspace, pytest.raises(FactsDamaged, match="FORMAT is missing"):
        _ = workspace.facts
    (folder / "facts" / "FORMAT").write_bytes(b"{}")
    with Workspace.open(folder, owner=True) as workspace, pytest.raises(FactsDamaged, match="FORMAT is damaged"):
        _ = workspace.facts
    newer = json.loads(written) | {"version": 2}
    (folder / "facts" / "FORMAT").write_text(json.dumps(newer), encoding="utf-8")
    with Workspace.open(folder, owner=True) as workspace, pytest.raises(OperatorError, match="has format 2"):
        _ = workspace.facts
    (folder / "facts" / "FORMAT").write_bytes(written)
    with Workspace.open(folder, owner=True) as workspace:
        assert workspace.facts[1].log.read(0, 9) == [b"event"]


def test_a_copy_of_the_facts_opens_as_facts(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "strand.toml").write_text("partitions = 2\n", encoding="utf-8")
    with Workspace.open(folder, owner=True) as workspace:
        workspace.facts[0].log.append([b"a"])
        workspace.facts[1].decisions.append(b"d")
        workspace.facts.copy_to(other / "facts")
        workspace.facts[0].log.append([b"b"])
    with Workspace.open(other, owner=True) as workspace:
        assert workspace.facts[0].log.read(0, 9) == [b"a"]
        assert list(workspace.facts[1].decisions.read()) == [b"d"]
