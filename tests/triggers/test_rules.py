"""Rules know which names matter, and which expressions they need compiled."""

from __future__ import annotations

import pytest

from tests.triggers.rulebooks import PLAIN, WITH_CAUSE, enters, event, leaves, moves, rules, trigger
from triggers.definitions import RulesDef
from triggers.rules import Rules, conditions_of

WHERE = event("order_completed", where=PLAIN)
CART = trigger(
    "cart",
    event("cart_updated", where=PLAIN),
    condition=PLAIN,
    cancel_when=(enters("vip"), event("order_completed", where=WITH_CAUSE)),
)
HOME = trigger("home", enters("cat_home"), condition=PLAIN, cancel_when=(WHERE, leaves("reachable"), moves("value")))
LIFE = trigger("life", moves("lifecycle", to="repeat"))
GONE = trigger("gone", leaves("cat_home"))


def test_conditions_are_those_written_with_the_types_their_events_may_be_of() -> None:
    found = conditions_of(RulesDef(triggers={each.name: each for each in (CART, HOME, LIFE, GONE)}))
    cart, order, nowhere = frozenset({"cart_updated"}), frozenset({"order_completed"}), frozenset[str]()
    assert {key: (each.node, each.event_types, each.cause_types) for key, each in found.items()} == {
        "cart:if": (PLAIN, cart, nowhere),
        "cart:on": (PLAIN, cart, nowhere),
        "cart:cancel:1": (WITH_CAUSE, order, cart),
        "home:if": (PLAIN, None, nowhere),
        "home:cancel:0": (PLAIN, order, None),
    }


def test_rules_are_found_by_what_they_wait_for() -> None:
    book = rules(CART, HOME, LIFE, GONE)
    assert [rule.name for rule in book.by_enters["cat_home"]] == ["home"]
    assert [rule.name for rule in book.by_leaves["cat_home"]] == ["gone"]
    assert [rule.name for _, rule in book.by_moves["lifecycle"]] == ["life"]
    assert [rule.name for rule in book.by_event["cart_updated"]] == ["cart"]
    assert [cancel.trigger for cancel in book.cancel_by_enters["vip"]] == ["cart"]
    assert [cancel.trigger for cancel in book.cancel_by_leaves["reachable"]] == ["home"]
    assert [cancel.trigger for _, cancel in book.cancel_by_moves["value"]] == ["home"]
    assert [(cancel.trigger, cancel.index) for cancel in book.cancel_by_event["order_completed"]] == [
        ("cart", 1),
        ("home", 0),
    ]


def test_watched_names_are_those_that_match_or_cancel_anything() -> None:
    book = rules(CART, HOME, LIFE, GONE)
    assert book.watched_segments == {"cat_home", "vip", "reachable"}
    assert book.watched_dimensions == {"lifecycle", "value"}
    assert book.watched_types == {"cart_updated", "order_completed"}


def test_a_rulebook_without_triggers_watches_nothing() -> None:
    book = rules()
    assert not (book.watched_segments or book.watched_dimensions or book.watched_types)


@pytest.mark.parametrize("missing", ["cart:if", "cart:on", "cart:cancel:1"])
def test_a_condition_that_was_not_compiled_is_noticed_at_once(missing: str) -> None:
    rules_def = RulesDef(triggers={"cart": CART})
    compiled = dict.fromkeys(conditions_of(rules_def), lambda *_: True)
    Rules(rules_def, compiled)
    del compiled[missing]
    with pytest.raises(KeyError, match=missing):
        Rules(rules_def, compiled)
