"""An owner swaps generations and removes the old ones while others read: neither hurts the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.disk_usage import bytes_in
from engine.workspace.workspace import Workspace

ROOT = Path(__file__).parents[3]
PARTITIONS = 3
ROUNDS = 60

OWNER = f"""
import sys
from pathlib import Path
from engine.ports import Flush
from engine.workspace.workspace import Workspace
with Workspace.open(Path(sys.argv[1]), owner=True) as workspace:
    for number in range({ROUNDS}):
        for partition in range({PARTITIONS}):
            name, store = workspace.begin_generation(partition)
            store.write(Flush(states={{"ann": b"%d" % number}}))
            store.close()
            workspace.generations.swap({{partition: name}})
        print(number, flush=True)
"""


def test_a_reader_finds_what_is_live_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "strand.toml").write_text(f"partitions = {PARTITIONS}\n", encoding="utf-8")
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        for number in map(int, owner.stdout):
            with Workspace.open(tmp_path, owner=False) as reader:
                for partition in range(PARTITIONS):
                    store = reader.open_live(partition)
                    assert store is not None
                    assert int((store.get_many(["ann"])[0]) or b"") >= number
                assert all(len(reader.generations.live()) == PARTITIONS for _ in range(200))
            assert bytes_in(tmp_path / "derived") > 0
    assert owner.returncode == 0
    live = Workspace.open(tmp_path, owner=False).generations.live()
    assert {path.name for path in (tmp_path / "derived").iterdir()} == {"CURRENT", *live.values()}
