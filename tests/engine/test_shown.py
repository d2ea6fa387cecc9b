"""What people read of a customer: exact values made readable, and only those that are named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.compiled import compile_rulebook
from engine.customer_view import CustomerView
from engine.shown import Shown, shown_value
from projections.expressions.tree import Kind
from templates.plain import plain, rounded
from tests.simulation.journey import Journey, checked, happened, order_completed, rules

SHOP = """
traits:
  orders: {count: order_completed}
  spend: {sum: order_completed.total}
  mean_order: {formula: spend / orders}
  bought: {set: order_completed.items.category}
  last_order_at: {last_at: order_completed}
  never_at: {last_at: page_viewed}
segments:
  buyer: {when: orders > 0}
"""
TRAITS = {
    "orders": 3,
    "spend": Decimal("20.5"),
    "mean_order": Decimal("6.833333"),
    "bought": ["birds", "fish"],
    "last_order_at": "2026-01-02T10:00:00Z",
    "never_at": None,
}
PROFILE: dict[str, Any] = {"city": "Riga", "birthday": "1990-02-28", "first_name": None}


@pytest.fixture
def view(journey: Journey) -> CustomerView:
    journey.given(
        rules(SHOP),
        happened("profile_updated", "ann", at="2026-01-01T10:00+00:00", **PROFILE),
        *(
            order_completed("ann", *bought, at="2026-01-02T10:00+00:00", id=f"o{total}", total=total)
            for total, bought in ((10, ["fish"]), (10.5, ["birds"]), (0, []))
        ),
    )
    world = journey.world
    return CustomerView(world.compiled, "ann", world.state("ann"), world.meta.journey_ms, journey.facts.log.get)


def test_exact_values_are_shown_as_people_read_them(view: CustomerView) -> None:
    assert {name: value for name, value in view.traits().items() if name in TRAITS} == TRAITS
    assert view.shown_profile() == PROFILE


def test_only_what_is_named_is_made(view: CustomerView) -> None:
    program = view.compiled.program
    named = Shown(program, frozenset({"city", "phone", "nothing"}), frozenset({"spend", "nothing"}))
    assert named.profile(view.state) == {"city": "Riga"}
    assert named.traits(view.state, view.t_ms) == {"spend": Decimal("20.5")}
    none = Shown(program, frozenset(), frozenset())
    assert (none.profile(view.state), none.traits(view.state, view.t_ms)) == ({}, {})


def test_templates_are_given_the_same_numbers(view: CustomerView) -> None:
    given = Shown(view.compiled.program, fraction=rounded).traits(view.state, view.t_ms)
    assert repr(plain(given)) == repr(plain(view.traits()))


@pytest.mark.parametrize(
    ("value", "kind", "element", "text"),
    [
        (2_500_000, Kind.NUMBER, None, Decimal("2.5")),
        ((2, 3), Kind.NUMBER, None, Decimal("0.666667")),
        (None, Kind.NUMBER, None, None),
        ([1_000_000, None], Kind.LIST, Kind.NUMBER, [1, None]),
        (True, Kind.FLAG, None, True),
    ],
)
def test_a_value_is_shown_by_its_kind(value: Any, kind: Kind, element: Kind | None, text: Any) -> None:
    assert shown_value(value, kind, element) == text


def test_a_message_is_chosen_once_for_each_language_that_it_is_written_in() -> None:
    texts = {"a/sms.txt": "{{ traits.orders }}", "a/sms.ru.txt": "{{ event.total }}{{ offer.code }}"}
    compiled = compile_rulebook(replace(checked(SHOP), templates=texts))
    english, russian = compiled.message("a", "sms", None), compiled.message("a", "sms", "ru")
    assert [compiled.message("a", "sms", language) for language in ("", "lv", "x" * 99)] == [english] * 3
    assert [compiled.message("a", "sms", language) for language in ("ru-LV", "RU_ru")] == [russian] * 2
    assert (english.reads_event, english.reads_offer) == (False, False)
    assert (russian.reads_event, russian.reads_offer) == (True, True)
