from __future__ import annotations

import json
from pathlib import Path

from tests.engine.cli.shell import strand


def test_an_import_says_what_it_brought_in(shop: Path) -> None:
    answer = strand("import", shop / "history.jsonl", "--live-from", "2025-01-01", "-w", shop)
    assert (answer.code, answer.err) == (0, "")
    assert "imported 12 of 12 events, 2025-01-05 09:58 to 2025-03-20 16:05" in answer.out
    assert "is active from 2025-01-01 00:00 Europe/Riga on" in answer.out


def test_a_second_import_of_the_same_finds_it_done(shop: Path) -> None:
    first = strand("import", shop / "history.jsonl", "-w", shop, "--json").json()
    again = strand("import", shop / "history.jsonl", "-w", shop, "--json").json()
    assert (first["imported"], first["already_imported"], first["activated_at_ms"]) == (12, False, None)
    assert (again["imported"], again["already_imported"], again["identity"]) == (0, True, first["identity"])
    assert "already imported" in strand("import", shop / "history.jsonl", "-w", shop).out


def test_what_is_refused_is_counted_and_kept(shop: Path) -> None:
    bad = shop / "bad.jsonl"
    bad.write_text('{"id": "b1", "type": "order_completed", "customer_id": "ann", "occurred_at": "2025-01-01"}\n{\n')
    answer = strand("import", bad, "-w", shop)
    assert answer.code == 1
    assert "imported 0 of 0 events" in answer.out
    assert "refused 2" in answer.out
    again = strand("import", bad, "--json", "-w", shop)
    assert (again.code, again.json()["refused"]) == (1, 2)
    letters = strand("dead-letters", "--door", "import", "--json", "-w", shop).json_lines()
    assert {letter["reason"] for letter in letters} == {"schema", "syntax"}


def test_what_is_good_beside_the_refused_is_imported(shop: Path) -> None:
    mixed = shop / "mixed.jsonl"
    mixed.write_text((shop / "history.jsonl").read_text() + "{\n")
    answer = strand("import", mixed, "-w", shop)
    assert answer.code == 1
    assert "imported 12 of 12 events" in answer.out
    again = strand("import", mixed, "-w", shop)
    assert again.code == 1
    assert "already imported: all 12" in again.out
    assert "refused 1" in again.out


def test_an_instant_that_comes_too_late_is_not_ignored_silently(shop: Path) -> None:
    history = shop / "history.jsonl"
    assert strand("import", history, "--live-from", "2025-01-01", "-w", shop).code == 0
    same = strand("import", history, "--live-from", "2025-01-01", "-w", shop)
    assert (same.code, same.err) == (0, "")
    other = strand("import", history, "--live-from", "2025-02-01", "-w", shop)
    assert other.code == 0
    assert "--live-from was not used" in other.err
    assert "active since 2025-01-01 00:00" in other.err


def test_its_help_says_how_times_and_columns_are_read() -> None:
    words = " ".join(strand("import", "--help").out.split())
    assert "a time without an offset is UTC, and a date alone is its 00:00 UTC" in words
    assert "occurred_at: paid_at" in words
    assert "this date's 00:00 in its policy.time_zone" in words


def test_columns_are_mapped(shop: Path) -> None:
    (shop / "orders.csv").write_text("no,who,at,sum\n1,ann,2025-01-05T10:00:00Z,20\n2,bob,2025-01-06T10:00:00Z,30.5\n")
    columns = "id: no\ncustomer_id: who\noccurred_at: at\ndata.order_id: no\ndata.total: sum\ntype: =order_completed\n"
    (shop / "map.yaml").write_text(columns)
    answer = strand("import", shop / "orders.csv", "--map", shop / "map.yaml", "-w", shop, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["imported"] == 2


def test_a_file_that_is_not_there_is_a_wrong_call(shop: Path) -> None:
    answer = strand("import", shop / "nothing.jsonl", "-w", shop)
    assert (answer.code, answer.out) == (2, "")
    assert "nothing.jsonl" in answer.err
