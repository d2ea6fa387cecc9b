from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli.init import example_folder
from tests.engine.cli.shell import strand


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_makes_a_workspace_with_settings_and_a_rulebook(tmp_path: Path) -> None:
    answer = strand("init", tmp_path / "shop")
    assert (answer.code, answer.err) == (0, "")
    assert f"cd {tmp_path / 'shop'} && strand check" in answer.out
    assert {"strand.toml", "rulebook/shop.yaml", "history.jsonl"} <= files(tmp_path / "shop").keys()


def test_says_what_it_made_as_json(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert strand("init", shop, "--json").json() == {"workspace": str(shop), "example": None}
    pets = tmp_path / "pets"
    answer = strand("init", pets, "--example", "petshop", "--json").json()
    assert answer == {"workspace": str(pets), "example": "petshop"}


def test_an_empty_folder_is_good_enough(tmp_path: Path) -> None:
    assert strand("init", tmp_path).code == 0
    assert (tmp_path / "strand.toml").is_file()


@pytest.mark.parametrize("taken", ["a file", "a folder with something in it"])
def test_never_writes_over_anything(tmp_path: Path, taken: str) -> None:
    target = tmp_path / "shop"
    if taken == "a file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine").write_text("mine")
    before = files(tmp_path)
    answer = strand("init", target)
    assert answer.code == 2
    assert "name one that is new or empty" in answer.err
    assert files(tmp_path) == before


def test_an_example_brings_its_rulebook_and_nothing_that_a_run_made(tmp_path: Path) -> None:
    assert strand("init", tmp_path / "shop", "--example", "petshop").code == 0
    copied = files(tmp_path / "shop")
    original = files(example_folder("petshop"))
    assert {name: text for name, text in copied.items() if name.startswith("rulebook/")} == {
        name: text for name, text in original.items() if name.startswith("rulebook/")
    }
    assert "strand.toml" in copied
    assert not any(name.startswith(("workspace/", "facts/", "derived/")) for name in copied)


@pytest.mark.parametrize("name", ["petshp", "../examples/petshop", "."])
def test_an_unknown_example_is_a_wrong_call(tmp_path: Path, name: str) -> None:
    answer = strand("init", tmp_path / "shop", "--example", name)
    assert answer.code == 2
    assert "petshop" in answer.err
    assert not (tmp_path / "shop").exists()


def test_a_place_where_no_folder_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    answer = strand("init", tmp_path / "taken" / "shop")
    assert (answer.code, answer.out) == (1, "")
    assert "must be a folder, and it or one above it is a file" in answer.err
    assert "Operator action:" in answer.err
