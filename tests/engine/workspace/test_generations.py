"""The list of live generations flips by one rename; what nobody names is removed; no kill leaves a mix."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from engine.workspace.generations import Generations
from events.errors import DerivedDamaged

ROOT = Path(__file__).parents[3]


def listing(named: dict[str, str], version: int = 1) -> bytes:
    """A list of generations with a right checksum."""
    return json.dumps(
        {"version": version, "generations": named, "crc32": zlib.crc32(json.dumps(named).encode())}
    ).encode()


def folders(generations: Generations) -> list[str]:
    return sorted(path.name for path in generations.folder.iterdir() if path.is_dir())


def test_there_are_none_at_first(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "derived")
    assert generations.live() == {}
    assert generations.collect() == []


def test_a_swap_flips_any_set_of_partitions_and_removes_what_was_replaced(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "derived")
    first = {partition: generations.begin(partition) for partition in range(3)}
    generations.swap(first)
    assert generations.live() == first
    second = {partition: generations.begin(partition) for partition in (0, 2)}
    assert len(set(first.values()) | set(second.values())) == 5
    generations.swap(second)
    assert generations.live() == first | second
    assert folders(generations) == sorted((first | second).values())


def test_what_is_being_built_is_kept_until_it_is_discarded_or_its_builder_is_gone(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "derived")
    built = generations.begin(0)
    other = generations.begin(1)
    generations.swap({1: other})
    assert folders(generations) == sorted([built, other])
    generations.discard(built)
    assert folders(generations) == [other]
    left = generations.begin(0)
    later = Generations(tmp_path / "derived")
    assert later.collect() == [left]
    assert folders(later) == [other]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"\xff\xfe",
        b'{"version": 1, "generations": {"0": "p0.000001"}, "crc32": 1}',
        listing({}, version=2),
        listing({"0": "p0.000009"}),
        listing({"0": "../../etc"}),
        listing({"x": "p0.000001"}),
        listing({"1": "p0.000001"}),
    ],
)
def test_a_damaged_list_advises_a_rebuild_removes_nothing_and_is_replaced_by_a_swap(
    tmp_path: Path, content: bytes
) -> None:
    generations = Generations(tmp_path / "derived")
    name = generations.begin(0)
    generations.swap({0: name})
    (generations.folder / "CURRENT").write_bytes(content)
    with pytest.raises(DerivedDamaged, match="Operator action: run `strand rebuild`"):
        generations.live()
    assert generations.collect() == []
    assert folders(generations) == [name]
    new = generations.begin(0)
    generations.swap({0: new})
    assert generations.live() == {0: new}
    assert folders(generations) == [new]


def test_every_flipped_bit_of_the_list_is_found_or_changes_nothing(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "derived")
    live = {0: generations.begin(0), 1: generations.begin(1)}
    generations.swap(live)
    path = generations.folder / "CURRENT"
    whole = path.read_bytes()
    refused = 0
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            assert generations.live() == live
        except DerivedDamaged:
            refused += 1
    assert refused > len(whole) * 4


SWAPPER = """
import sys
import zlib
from pathlib import Path
from engine import kill_points
from engine.workspace.generations import Generations
generations = Generations(Path(sys.argv[1]))
new = {partition: generations.begin(partition) for partition in (0, 1)}
kill_points.arm(sys.argv[2])
generations.swap(new)
"""


@pytest.mark.parametrize(("point", "flipped"), [("before-swap", False), ("mid-swap", False), ("after-swap", True)])
def test_a_swap_killed_anywhere_leaves_the_old_or_the_new(tmp_path: Path, point: str, flipped: bool) -> None:
    generations = Generations(tmp_path / "derived")
    old = {partition: generations.begin(partition) for partition in range(3)}
    generations.swap(old)
    done = subprocess.run([sys.executable, "-c", SWAPPER, generations.folder, point], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    later = Generations(tmp_path / "derived")
    new = {0: "p0.000004", 1: "p1.000005"}
    expected = old | new if flipped else old
    assert later.live() == expected
    later.collect()
    assert folders(later) == sorted(expected.values())
    written = json.loads((later.folder / "CURRENT").read_bytes())
    assert written["version"] == 1
