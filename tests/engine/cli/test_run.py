from __future__ import annotations

from pathlib import Path

from tests.engine.cli.shell import strand

FIELDS = {
    "events", "duplicates", "dead_letters", "customers", "transitions", "decisions", "messages", "state_hash",
    "decisions_hash", "as_of_ms", "seconds", "events_per_second",
}  # fmt: skip


def test_json_is_one_object_with_every_figure(petshop: Path) -> None:
    told = strand("run", "--until-idle", "--json", "-w", petshop).json()
    assert told.keys() >= FIELDS
    assert (told["events"], told["duplicates"], told["dead_letters"], told["customers"]) == (69, 1, 0, 7)
    assert told["messages"] == sum(told["decisions"]["send"].values())
    assert len(told["state_hash"]) == len(told["decisions_hash"]) == 64


def test_a_second_run_changes_nothing(petshop: Path) -> None:
    first = strand("run", "--until-idle", "--json", "-w", petshop).json()
    again = strand("run", "--until-idle", "--json", "-w", petshop).json()
    took = ("seconds", "events_per_second", "processed")
    assert {k: v for k, v in first.items() if k not in took} == {k: v for k, v in again.items() if k not in took}


def test_the_report_says_in_words_why_messages_were_not_sent(petshop: Path) -> None:
    out = strand("run", "--until-idle", "-w", petshop).out
    assert "the cap on messages was reached" in out
    assert "held out for comparison" in out
    assert "as of           2025-04-14 20:00 Europe/Riga" in out


def test_time_passes_to_as_of(petshop: Path) -> None:
    told = strand("run", "--until-idle", "--as-of", "2025-06-01", "--json", "-w", petshop).json()
    assert told["as_of_ms"] == 1748725200000  # 2025-06-01T00:00+03:00
    late = strand("decisions", "--since", "2025-04-15", "--json", "-w", petshop).json_lines()
    assert late
    assert all(row["at_ms"] <= told["as_of_ms"] for row in late)


def test_as_of_cannot_be_before_the_log_s_end_nor_in_the_future(petshop: Path) -> None:
    for as_of, why in (
        ("2025-02-01", "the log holds records up to"),
        ("9000-01-01", "in the future"),
        ("soon", "soon"),
    ):
        answer = strand("run", "--until-idle", "--as-of", as_of, "-w", petshop)
        assert (answer.code, answer.out) == (2, "")
        assert why in answer.err


def test_a_run_that_cannot_be_activates_nothing(shop: Path) -> None:
    assert strand("import", shop / "history.jsonl", "-w", shop).code == 0
    for as_of in ("2025-02-01", "9000-01-01", "soon"):
        answer = strand("run", "--until-idle", "--as-of", as_of, "-w", shop)
        assert (answer.code, answer.out) == (2, "")
        assert "activated" not in answer.err
    assert strand("status", "--json", "-w", shop).json()["active"] is None
    answer = strand("run", "--until-idle", "--as-of", "2025-04-01", "-w", shop)
    assert answer.code == 0
    assert "as of           2025-04-01 00:00 Europe/Riga" in answer.out


def test_as_of_goes_with_until_idle(petshop: Path) -> None:
    answer = strand("run", "--as-of", "2025-06-01", "-w", petshop)
    assert answer.code == 2
    assert "--until-idle" in answer.err


def test_it_activates_the_first_rulebook_and_says_so(shop: Path) -> None:
    assert strand("import", shop / "history.jsonl", "-w", shop).code == 0
    answer = strand("run", "--until-idle", "-w", shop)
    assert answer.code == 0
    assert "the first of this workspace" in answer.err
    assert "12 events lie before the first activation" in answer.err


def test_without_events_nothing_is_activated_and_history_may_still_come(shop: Path) -> None:
    answer = strand("run", "--until-idle", "-w", shop)
    assert answer.code == 0
    assert "there are no events yet: nothing was activated" in answer.err
    assert strand("run", "--until-idle", "--as-of", "2025-01-01", "-w", shop).code == 0
    applied = strand("apply", "--yes", "-w", shop)
    assert (applied.code, applied.out) == (2, "")
    assert "has no events yet" in applied.err
    imported = strand("import", shop / "history.jsonl", "--live-from", "2025-02-01", "-w", shop)
    assert (imported.code, imported.err) == (0, "")
    assert "is active from 2025-02-01 00:00" in imported.out


def test_a_broken_first_rulebook_is_shown_and_nothing_happens(shop: Path) -> None:
    strand("import", shop / "history.jsonl", "-w", shop)
    (shop / "rulebook/shop.yaml").write_text("traits: {orders: {cuont: order_completed}}\n")
    answer = strand("run", "--until-idle", "-w", shop)
    assert (answer.code, answer.out) == (1, "")
    assert "did you mean 'count'?" in answer.err


def test_it_warns_when_the_folder_s_rulebook_is_another_one(petshop: Path) -> None:
    path = petshop / "rulebook/triggers.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("21:00", "20:00"), encoding="utf-8")
    assert "differs from the active rulebook" in strand("run", "--until-idle", "-w", petshop).err
    path.write_text(path.read_text(encoding="utf-8").replace("quiet_hours:", "quite_hours:"), encoding="utf-8")
    answer = strand("run", "--until-idle", "-w", petshop)
    assert answer.code == 0
    assert "the active one stays" in answer.err


def test_a_folder_that_is_no_workspace_is_a_wrong_call(tmp_path: Path) -> None:
    answer = strand("run", "--until-idle", "-w", tmp_path)
    assert answer.code == 2
    assert "Operator action: make one with `strand init`" in answer.err
