from __future__ import annotations

import json
from pathlib import Path

from tests.engine.cli.shell import strand


def line(event_id: str, **more: object) -> str:
    event = {
        "id": event_id,
        "type": "order_completed",
        "customer_id": "ann",
        "occurred_at": "2025-01-05T10:00:00Z",
        "data": {"order_id": event_id, "total": 12},
        **more,
    }
    return json.dumps(event)


def test_each_line_is_answered_with_where_it_went(shop: Path) -> None:
    file = shop / "new.jsonl"
    file.write_text(f"{line('a1')}\n{line('a2')}\n")
    answer = strand("publish", file, "-w", shop)
    assert answer.code == 0
    assert "the first of this workspace" in answer.err
    assert "`strand run` takes up what was published" in answer.err
    first, second = answer.out.splitlines()
    assert first.startswith("a1\tpartition ")
    assert second.split(", offset ")[0] == first.replace("a1", "a2").split(", offset ")[0]
    told = strand("publish", file, "--json", "-w", shop).json_lines()
    assert [answer["id"] for answer in told] == ["a1", "a2"]
    assert told[1]["offset"] == told[0]["offset"] + 1


def test_a_refused_line_is_answered_with_its_reason_and_the_others_are_taken(shop: Path) -> None:
    file = shop / "new.jsonl"
    file.write_text(f"{line('a1')}\n{line('a2', data={})}\n{line('a3')}\n")
    answer = strand("publish", file, "--json", "-w", shop)
    assert answer.code == 1
    first, second, third = answer.json_lines()
    assert first["offset"] + 1 == third["offset"]
    assert (second["id"], second["reason"]) == ("a2", "schema")
    assert "total" in second["detail"] or "order_id" in second["detail"]


def test_a_broken_rulebook_hinders_nobody(shop: Path) -> None:
    (shop / "rulebook/shop.yaml").write_text("traits: {orders: {cuont: order_completed}}\n")
    (shop / "new.jsonl").write_text(line("a1"))
    answer = strand("publish", shop / "new.jsonl", "-w", shop)
    assert answer.code == 0
    assert "did you mean 'count'?" in answer.err
    assert "events are taken all the same" in answer.err


def test_a_leap_of_time_must_be_meant(petshop: Path) -> None:
    (petshop / "new.jsonl").write_text(line("a1"))
    answer = strand("publish", petshop / "new.jsonl", "-w", petshop)
    assert (answer.code, answer.out) == (1, "")
    assert "--catch-up" in answer.err
    assert strand("publish", petshop / "new.jsonl", "--catch-up", "-w", petshop).code == 0


def test_a_file_that_is_not_there_is_a_wrong_call(shop: Path) -> None:
    answer = strand("publish", shop / "nothing.jsonl", "-w", shop)
    assert (answer.code, answer.out) == (2, "")
