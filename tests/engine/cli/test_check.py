from __future__ import annotations

from pathlib import Path

from tests.engine.cli.shell import strand


def test_a_sound_rulebook_exits_0_and_says_what_it_holds(shop: Path) -> None:
    answer = strand("check", "-w", shop)
    assert (answer.code, answer.err) == (0, "")
    assert "is sound: 3 traits, 2 segments, 2 dimensions, 2 triggers, 2 templates" in answer.out
    told = strand("check", "-w", shop, "--json").json()
    assert told["ok"] is True
    assert len(told["hash"]) == 64
    assert told["triggers"] == 2


def test_every_problem_of_every_file_is_shown_with_its_place(shop: Path) -> None:
    (shop / "rulebook/more.yaml").write_text("segments:\n  big: {when: spent > 10}\n  many: {when: orders > 'two'}\n")
    answer = strand("check", "-w", shop)
    assert answer.code == 1
    assert f"{shop}/rulebook/more.yaml:2:" in answer.out
    assert "did you mean 'spend'?" in answer.out
    assert answer.out.endswith(f"\n2 problems in {shop}/rulebook\n")
    told = strand("check", "-w", shop, "--json")
    assert told.code == 1
    assert [(each["line"], each["file"]) for each in told.json()["problems"]] == [
        (2, f"{shop}/rulebook/more.yaml"),
        (3, f"{shop}/rulebook/more.yaml"),
    ]


def test_the_program_is_shown_as_python(shop: Path) -> None:
    source = strand("check", "-w", shop, "--show-program").out
    compile(source, "shown", "exec")
    assert "def on_order_completed(" in source


def test_any_folder_can_be_checked(shop: Path) -> None:
    assert strand("check", shop / "rulebook").code == 0
    answer = strand("check", shop / "nowhere")
    assert (answer.code, answer.out) == (2, "")
    assert "is no folder" in answer.err
