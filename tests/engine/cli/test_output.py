from __future__ import annotations

import re
from decimal import Decimal

import pytest

from engine.cli.output import json_text, print_json, print_rows, progress, say_folded, shown


def test_rows_go_to_a_pipe_as_tab_separated_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["id", "why"], [{"id": "a", "why": None, "more": 1}, {"id": "b\n c", "why": ["x", "y"]}])
    assert capsys.readouterr().out == "id\twhy\na\t\nb c\tx, y\n"


def test_json_rows_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["id"], [{"id": "ā", "more": {"n": 1}}], as_json=True)
    assert capsys.readouterr().out == '{"id":"ā","more":{"n":1}}\n'


def test_a_terminal_gets_a_table_that_takes_markup_for_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_rows(["id", "name"], [{"id": 1, "name": "[red]Ann[/red]"}])
    out = capsys.readouterr().out
    assert "[red]Ann[/red]" in out
    assert "id" in out.splitlines()[0]


@pytest.mark.parametrize("width", [24, 30, 59, 60, 80])
def test_a_narrow_terminal_cuts_nothing_off_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    row = {
        "when": "2025-02-01 10:00",
        "customer": "ann",
        "trigger": "we_miss_you_so_much",
        "cause": "it_was_a_long_time",
    }
    print_rows(list(row), [row])
    shown_row = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert sorted("".join(shown_row.split())) == sorted("".join([*row, *row.values()]).replace(" ", ""))
    assert ("2025-02-01 10:00" in shown_row) or width < 60


def test_json_knows_no_infinity() -> None:
    with pytest.raises(ValueError, match="JSON"):
        print_json(float("inf"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "yes"), (False, "no"), (12, "12"), ({"a": [1, None]}, "a 1, "), ("two\twords", "two words")],
)
def test_a_cell_is_one_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_narrow_terminal_gets_long_lines_folded_and_a_pipe_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = "  2025-01-01 sent a letter to ann@mail.example"
    say_folded(text, indent=4)
    assert capsys.readouterr().out == text + "\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    say_folded(text, indent=4)
    assert capsys.readouterr().out == "  2025-01-01 sent a letter to\n    ann@mail.example\n"


def test_decimals_are_numbers_in_json() -> None:
    assert json_text({"a": Decimal("18.4"), "b": [Decimal("12345678901234567890.5")]}) == (
        '{"a":18.4,"b":["12345678901234567890.5"]}'
    )
    with pytest.raises(TypeError, match="JSON has nothing for bytes"):
        json_text(b"")


def test_no_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("importing", 10) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")
