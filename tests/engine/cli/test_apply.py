from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli.shell import strand

pytestmark = pytest.mark.slow


def change(workspace: Path, *replacements: tuple[str, str]) -> None:
    for path in (workspace / "rulebook").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def run(workspace: Path) -> Any:
    return strand("run", "--until-idle", "--json", "-w", workspace).json()


@pytest.fixture
def waiting(shop: Path) -> Path:
    """A shop in which bob's thanks are pending."""
    strand("import", shop / "history.jsonl", "--live-from", "2025-01-01", "-w", shop)
    (shop / "new.jsonl").write_text(
        '{"id": "e99", "type": "order_completed", "customer_id": "cara", "occurred_at": "2025-06-01T12:00:00+03:00",'
        ' "appended_at": "2025-06-01T12:00:00+03:00", "data": {"order_id": "9", "total": 5}}\n'
    )
    assert strand("publish", shop / "new.jsonl", "--catch-up", "-w", shop).code == 0
    run(shop)
    return shop


def test_it_shows_what_it_would_do_and_then_does_just_that(waiting: Path) -> None:
    change(waiting, ("orders >= 2", "orders >= 3"))
    foretold = strand("apply", "--dry-run", "--json", "-w", waiting).json()
    assert (foretold["applied"], foretold["folds_again"], foretold["first"]) == (False, True, False)
    assert foretold["decisions"] == {"cancel": {"left": 1}}
    assert foretold["by_trigger"] == {"thanks_for_coming_back": {"cancel (left)": 1}}
    before = strand("decisions", "--json", "-w", waiting).json_lines()
    sizes = {(row["name"], row["value"]): row for row in strand("segments", "--json", "-w", waiting).json_lines()}

    told = strand("apply", "--yes", "--json", "-w", waiting)
    assert told.code == 0
    assert told.json() == {**foretold, "applied": True}
    run(waiting)
    after = strand("decisions", "--json", "-w", waiting).json_lines()
    assert after[: len(before)] == before
    assert [(row["decision"], row["reason"], row["customer"]) for row in after[len(before) :]] == [
        ("cancel", "left", "cara")
    ]
    now = {(row["name"], row["value"]): row for row in strand("segments", "--json", "-w", waiting).json_lines()}
    came_back = next(row for row in foretold["sizes"] if row["name"] == "came_back")
    assert came_back["before"] == sizes["came_back", None]["customers"]
    assert came_back["after"] == now["came_back", None]["customers"]


def test_a_change_of_words_alone_folds_nothing(waiting: Path) -> None:
    subject = waiting / "rulebook/templates/we_miss_you/email.subject"
    subject.write_text("Long time no see\n", encoding="utf-8")
    answer = strand("apply", "--yes", "-w", waiting)
    assert answer.code == 0
    assert "nothing is folded again" in answer.out
    assert "0 pending matches are cancelled, 0 new ones are made" in answer.out


def test_looking_changes_nothing(waiting: Path) -> None:
    change(waiting, ("orders >= 2", "orders >= 3"))
    before = run(waiting)
    answer = strand("apply", "--dry-run", "-w", waiting)
    assert answer.code == 0
    assert "came_back" in answer.out
    assert answer.out.endswith("nothing was changed\n")
    after = run(waiting)
    assert (after["state_hash"], after["decisions_hash"]) == (before["state_hash"], before["decisions_hash"])


def test_without_a_terminal_yes_must_be_said(waiting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(waiting, ("orders >= 2", "orders >= 3"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    answer = strand("apply", "-w", waiting)
    assert answer.code == 2
    assert "--yes" in answer.err


def test_the_active_rulebook_is_not_activated_again(waiting: Path) -> None:
    answer = strand("apply", "--yes", "-w", waiting)
    assert answer.code == 0
    assert "is active already" in answer.out


def test_it_cannot_be_activated_before_journey_time(waiting: Path) -> None:
    change(waiting, ("orders >= 2", "orders >= 3"))
    answer = strand("apply", "--yes", "--at", "2025-03-01", "-w", waiting)
    assert (answer.code, answer.out) == (2, "")
    assert "journey time, 2025-06-01 12:00 Europe/Riga" in answer.err
    later = strand("apply", "--yes", "--at", "2025-07-01", "--json", "-w", waiting).json()
    assert later["at_ms"] == 1751317200000
    assert sum(sum(reasons.values()) for reasons in later["decided_before"].values()) > 0


def test_what_cannot_be_activated_is_not_shown_either(waiting: Path) -> None:
    change(waiting, ("orders >= 2", "orders >= 3"))
    for how in ("--yes", "--dry-run"):
        answer = strand("apply", how, "--at", "9000-01-01", "-w", waiting)
        assert (answer.code, answer.out) == (2, "")
        assert "in the future" in answer.err


def test_a_broken_rulebook_is_not_applied(waiting: Path) -> None:
    change(waiting, ("orders >= 2", "ordres >= 2"))
    answer = strand("apply", "--yes", "-w", waiting)
    assert (answer.code, answer.out) == (1, "")
    assert "did you mean 'orders'?" in answer.err


def test_the_first_activation_makes_no_matches(shop: Path) -> None:
    strand("import", shop / "history.jsonl", "-w", shop)
    told = strand("apply", "--yes", "--json", "-w", shop).json()
    assert (told["first"], told["decisions"], told["by_trigger"]) == (True, {}, {})
    assert run(shop)["decisions"] == {}
