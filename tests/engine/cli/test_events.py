from __future__ import annotations

from events.types import BUILTIN
from tests.engine.cli.shell import strand


def test_lists_every_type() -> None:
    rows = strand("events", "--json").json_lines()
    assert [row["type"] for row in rows] == list(BUILTIN)
    assert rows[0]["fields"].startswith("order_id*, total*, currency")
    assert "items: [sku*, name" in rows[0]["fields"]


def test_shows_the_fields_of_one_type() -> None:
    answer = strand("events", "order_completed")
    assert answer.out.splitlines()[:4] == [
        "order_completed: An order was paid.",
        "field\tkind\trequired",
        "order_id\ttext\tyes",
        "total\tnumber\tyes",
    ]
    assert "items.sku\ttext\tyes" in answer.out.splitlines()
    assert "items.price\tnumber\tno" in answer.out.splitlines()


def test_json_has_a_line_for_each_field() -> None:
    rows = strand("events", "coupon_redeemed", "--json").json_lines()
    assert rows == [
        {"field": "code", "kind": "text", "required": True},
        {"field": "campaign_id", "kind": "text", "required": False},
        {"field": "amount", "kind": "number", "required": False},
    ]


def test_an_unknown_type_is_a_wrong_call_with_a_suggestion() -> None:
    answer = strand("events", "order_complete")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "no event type is called 'order_complete'; did you mean 'order_completed'?\n"
    assert "`strand events` lists them" in strand("events", "zzz").err
