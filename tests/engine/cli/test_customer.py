from __future__ import annotations

import json
from pathlib import Path

from tests.engine.cli.shell import strand


def test_json_tells_everything(petshop_after_its_run: Path) -> None:
    told = strand("customer", "anna", "--json", "-w", petshop_after_its_run).json()
    assert told["micro_segment"] == "/".join(told["dimensions"].values())
    assert told["traits"]["orders"] >= 1
    assert "cat_home" in told["segments"]
    assert told["profile"]["first_name"]
    assert told["pending"] == []
    assert told["as_of_ms"] == strand("run", "--until-idle", "--json", "-w", petshop_after_its_run).json()["as_of_ms"]


def test_the_timeline_has_what_the_lists_have_in_the_order_it_happened(petshop_after_its_run: Path) -> None:
    timeline = strand("customer", "marta", "--json", "-w", petshop_after_its_run).json()["timeline"]
    for kind, command in (("transition", "transitions"), ("decision", "decisions")):
        listed = strand(command, "--customer", "marta", "--json", "-w", petshop_after_its_run).json_lines()
        mine = [entry for entry in timeline if entry["kind"] == kind]
        assert [{name: entry[name] for name in listed[0]} for entry in mine] == listed
    events = [entry for entry in timeline if entry["kind"] == "event"]
    assert [entry["id"] for entry in events][:2] == ["marta-01", "marta-02"]
    assert [entry["at_ms"] for entry in timeline] == sorted(entry["at_ms"] for entry in timeline)
    order = {"event": 0, "transition": 1, "decision": 2}
    by_cause = [entry for entry in timeline if entry.get("cause", f"event:{entry.get('id')}") == "event:marta-04"]
    assert [order[entry["kind"]] for entry in by_cause][:3] == [0, 1, 1]


def test_pending_matches_are_shown_with_their_due_instant(shop: Path) -> None:
    strand("import", shop / "history.jsonl", "--live-from", "2025-01-01", "-w", shop)
    strand("run", "--until-idle", "-w", shop)
    order = {
        "id": "e99", "type": "order_completed", "customer_id": "cara", "occurred_at": "2025-06-01T12:00:00+03:00",
        "appended_at": "2025-06-01T12:00:00+03:00", "data": {"order_id": "9", "total": 5},
    }  # fmt: skip
    (shop / "more.jsonl").write_text(json.dumps(order) + "\n", encoding="utf-8")
    assert strand("publish", shop / "more.jsonl", "--catch-up", "-w", shop).code == 0
    strand("run", "--until-idle", "-w", shop)
    (match,) = strand("customer", "cara", "--json", "-w", shop).json()["pending"]
    assert (match["trigger"], match["cause"], match["held"]) == ("thanks_for_coming_back", "event:e99", False)
    assert match["due_ms"] == match["ask_ms"] == 1748934000000  # a day later, then the next 10:00 in Riga
    assert "thanks_for_coming_back due 2025-06-03 10:00" in strand("customer", "cara", "-w", shop).out


def test_a_person_sees_profile_dna_segments_and_timeline(petshop_after_its_run: Path) -> None:
    out = strand("customer", "anna", "-w", petshop_after_its_run).out
    for word in (
        "Profile",
        "Consent",
        "DNA",
        "Segments",
        "Dimensions",
        "Pending",
        "Timeline",
        "→ enters cat_home",
        "✉",
    ):
        assert word in out
    assert "● order_completed" in out


def test_a_timeline_can_begin_later_and_be_cut(petshop_after_its_run: Path) -> None:
    whole = strand("customer", "marta", "--json", "-w", petshop_after_its_run).json()["timeline"]
    later = strand("customer", "marta", "--json", "--since", "2025-03-12", "-w", petshop_after_its_run).json()[
        "timeline"
    ]
    assert 0 < len(later) < len(whole)
    assert later == whole[-len(later) :]
    cut = strand("customer", "marta", "--limit", "3", "-w", petshop_after_its_run)
    assert "the newest 3 of" in cut.err


def test_a_stranger_is_a_wrong_call(petshop_after_its_run: Path) -> None:
    answer = strand("customer", "Anna", "-w", petshop_after_its_run)
    assert (answer.code, answer.out) == (2, "")
    assert "no customer 'Anna' is known" in answer.err
