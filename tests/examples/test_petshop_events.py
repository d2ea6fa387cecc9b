"""The petshop's events are such as a door takes, and as awkward as its page says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

from events.admission import Admitted, admit_json
from tests.tidy.tree import ROOT

LINES = (ROOT / "examples/petshop/events.jsonl").read_bytes().splitlines()
NOW_MS = int(datetime(2025, 5, 1, tzinfo=UTC).timestamp() * 1000)


def admitted() -> list[Admitted]:
    return [admit_json(line, now_ms=NOW_MS) for line in LINES]


def appended_at_ms(one: Admitted) -> int:
    return one.event.occurred_at_ms if one.appended_at_ms is None else one.appended_at_ms


def test_the_doors_take_every_line_in_its_order() -> None:
    times = [appended_at_ms(one) for one in admitted()]
    assert len(times) == 69
    assert times == sorted(times)


def test_seven_customers_in_three_languages() -> None:
    languages = {
        one.event.data["language"]
        for one in admitted()
        if one.event.type == "profile_updated" and "language" in one.event.data
    }
    assert languages == {"en", "ru", "lv"}
    assert len({one.event.customer_id for one in admitted()}) == 7


def test_one_order_is_sent_twice_and_one_comes_late() -> None:
    ids = Counter((one.event.customer_id, one.event.id) for one in admitted())
    late = [one.event.id for one in admitted() if appended_at_ms(one) > one.event.occurred_at_ms]
    assert [key for key, times in ids.items() if times > 1] == [("liga", "liga-09")]
    assert late == ["boris-07"]


def test_a_total_is_that_of_its_lines() -> None:
    for data in (json.loads(line)["data"] for line in LINES):
        if "items" in data:
            lines = sum(item["quantity"] * item["price"] for item in data["items"])
            assert data["total"] == round(lines - data.get("discount", 0), 2)
