from __future__ import annotations

from pathlib import Path

from tests.engine.cli.shell import strand


def test_it_tells_how_the_workspace_stands(petshop: Path) -> None:
    told = strand("status", "--json", "-w", petshop).json()
    assert (told["running"], told["lag"], told["customers"]) == (False, 0, 7)
    assert told["journey_ms"] == 1744650000000
    assert told["folder"] == {"hash": told["active"]["hash"], "problems": 0, "active": True}
    assert len(told["partitions"]) == 4
    assert sum(row["records"] for row in told["partitions"]) == told["records"] == 76
    assert all(row["frontier"] == str(row["applied"]) for row in told["partitions"])
    assert told["disk_bytes"]["outbox"] > 0


def test_what_came_and_is_not_processed_is_lag(petshop: Path) -> None:
    (petshop / "new.jsonl").write_text(
        '{"id": "n1", "type": "page_viewed", "customer_id": "anna", "occurred_at": "2025-04-14T20:00:00+03:00",'
        ' "appended_at": "2025-04-15T20:00:00+03:00", "data": {"url": "https://petshop.example/"}}\n'
    )
    assert strand("publish", petshop / "new.jsonl", "-w", petshop).code == 0
    told = strand("status", "--json", "-w", petshop).json()
    assert (told["lag"], told["records"]) == (1, 77)
    out = strand("status", "-w", petshop).out
    assert "77, 1 not processed yet" in out
    assert "journey time    2025-04-15 20:00 Europe/Riga" in out


def test_a_changed_or_broken_folder_is_told(petshop: Path) -> None:
    path = petshop / "rulebook/triggers.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('"21:00"', '"20:00"'), encoding="utf-8")
    assert "strand apply" in strand("status", "-w", petshop).out
    path.write_text("triggers: {a: {}}\n", encoding="utf-8")
    assert "strand check" in strand("status", "-w", petshop).out


def test_before_any_event_it_is_a_wrong_call(shop: Path) -> None:
    answer = strand("status", "-w", shop)
    assert answer.code == 2
    assert "no events yet" in answer.err
    assert "\nOperator action: bring some in with `strand import` or `strand publish`, or name another" in answer.err


def test_types_that_nobody_declared_are_listed(petshop: Path) -> None:
    at = '"occurred_at": "2025-04-15T20:00:00+03:00", "appended_at": "2025-04-15T20:00:00+03:00", "data": {}}'
    types = ["order_completd", "parcel_tracked", "order_completd"]
    lines = [f'{{"id": "n{number}", "type": "{name}", "customer_id": "anna", {at}' for number, name in enumerate(types)]
    (petshop / "new.jsonl").write_text("\n".join(lines))
    assert strand("publish", petshop / "new.jsonl", "-w", petshop).code == 0
    ran = strand("run", "--until-idle", "-w", petshop)
    assert "3 of unknown types: order_completd, parcel_tracked)" in ran.out
    assert strand("status", "--json", "-w", petshop).json()["unknown_types"] == {
        "order_completd": 2,
        "parcel_tracked": 1,
    }
    assert "unknown types   order_completd 2, parcel_tracked 1; they count once" in strand("status", "-w", petshop).out
    path = petshop / "rulebook/events.yaml"
    path.write_text("events: {parcel_tracked: {weight: number}}\n", encoding="utf-8")
    assert strand("apply", "--yes", "-w", petshop).code == 0
    strand("run", "--until-idle", "-w", petshop)
    assert strand("status", "--json", "-w", petshop).json()["unknown_types"] == {"order_completd": 2}
