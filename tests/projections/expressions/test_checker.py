"""Names, kinds, nulls and what moves with time."""

from __future__ import annotations

from pathlib import Path

import pytest

from projections.expressions.checker import check, check_number
from projections.expressions.parser import parse
from projections.expressions.scope import Scope
from projections.expressions.tree import And, Compare, IfElse, Kind, Ref, Root
from tests.projections.expressions.scopes import CUSTOMER, FORMULA, TRIGGER, WHERE, faults, found, typed


@pytest.mark.parametrize(
    ("text", "kind", "nullable", "moving"),
    [
        ("orders", Kind.NUMBER, False, False),
        ("nps", Kind.NUMBER, True, False),
        ("vip", Kind.FLAG, False, False),
        ("lifecycle", Kind.TEXT, False, False),
        ("profile.birthday", Kind.DATE, True, False),
        ("known_since", Kind.TIME, False, False),
        ("last_seen_at", Kind.TIME, True, False),
        ("sent.email", Kind.NUMBER, False, False),
        ("consent.email.marketing", Kind.FLAG, False, False),
        ("event.total", Kind.NUMBER, True, False),
        ("event.gift", Kind.FLAG, True, False),
        ("event.items.sku", Kind.LIST, True, False),
        ("len(event.items)", Kind.NUMBER, True, False),
        ("len(bought)", Kind.NUMBER, False, False),
        ("orders + nps", Kind.NUMBER, True, False),
        ("-nps", Kind.NUMBER, True, False),
        ("spend / orders", Kind.NUMBER, True, False),
        ("spend / 2", Kind.NUMBER, False, False),
        ("spend / 0", Kind.NUMBER, True, False),
        ("nps / 2", Kind.NUMBER, True, False),
        ("coalesce(nps, 0)", Kind.NUMBER, False, False),
        ("coalesce(nps, nps)", Kind.NUMBER, True, False),
        ("coalesce(last_order_at, known_since)", Kind.TIME, False, False),
        ("max(orders, nps)", Kind.NUMBER, True, False),
        ("round(spend / 3, 2)", Kind.NUMBER, False, False),
        ("lower(favourite)", Kind.TEXT, True, False),
        ("starts_with(favourite, 'c')", Kind.FLAG, False, False),
        ("matches(profile.city, '^R')", Kind.FLAG, False, False),
        ("nps > 3", Kind.FLAG, False, False),
        ("nps is null", Kind.FLAG, False, False),
        ("member", Kind.FLAG, True, False),
        ("member == true", Kind.FLAG, False, False),
        ("1 if vip else null", Kind.NUMBER, True, False),
        ("null if vip else 'a'", Kind.TEXT, True, False),
        ("days_since(known_since)", Kind.NUMBER, False, True),
        ("hours_since(profile.birthday)", Kind.NUMBER, True, True),
        ("age_days", Kind.NUMBER, True, True),
        ("2 * age_days - orders / 3", Kind.NUMBER, True, True),
        ("age_days / orders", Kind.NUMBER, True, True),
        ("min(age_days, 3, days_since(known_since))", Kind.NUMBER, True, True),
        ("abs(age_days - 30)", Kind.NUMBER, True, True),
        ("coalesce(age_days, 0)", Kind.NUMBER, False, True),
        ("age_days if vip else 0", Kind.NUMBER, True, True),
        ("orders if age_days > 3 else spend", Kind.NUMBER, False, True),
        ("vip if age_days > 3 else false", Kind.FLAG, False, True),
        ("age_days > 3 and vip", Kind.FLAG, False, True),
        ("age_days is null", Kind.FLAG, False, True),
        ("last_order_at < profile.birthday", Kind.FLAG, False, False),
        ("orders in [1, 2]", Kind.FLAG, False, False),
        ("favourite not in bought", Kind.FLAG, False, False),
        ("3 in latest", Kind.FLAG, False, False),
        ("'x' in event.items.category", Kind.FLAG, False, False),
        ("lifecycle in ['lead', 'repeat']", Kind.FLAG, False, False),
        ("taste == 'anything'", Kind.FLAG, False, False),
    ],
)
def test_kinds(text: str, kind: Kind, nullable: bool, moving: bool) -> None:
    node = typed(text)
    assert (node.kind, node.nullable, node.moving) == (kind, nullable, moving)
    assert all(below.kind is not None for below in node.walk())


def test_names_become_references() -> None:
    assert typed("event.items.sku") == Ref(
        at=0, end=15, kind=Kind.LIST, element=Kind.TEXT, nullable=True, root=Root.EVENT, path=("items", "sku")
    )
    assert typed("consent.email.news") == Ref(at=0, end=18, kind=Kind.FLAG, root=Root.CONSENT, path=("email", "news"))
    sent = typed("sent.email")
    assert isinstance(sent, Ref)
    assert (sent.root, sent.path) == (Root.BUILTIN, ("sent", "email"))
    assert typed("item.price", WHERE).kind is Kind.NUMBER


def test_a_chain_is_split_and_shares_its_middle() -> None:
    node = typed("1 < orders <= nps")
    assert isinstance(node, And)
    first, second = node.operands
    assert isinstance(first, Compare)
    assert isinstance(second, Compare)
    assert (first.op, second.op) == ("<", "<=")
    assert first.right is second.left
    assert isinstance(typed("1 < orders"), Compare)


def test_chains_within_chains_stay_bounded() -> None:
    text = "orders"
    for _ in range(11):
        text = f"0 < (1 if {text} < 2 else 0) < 2" if "<" in text else f"0 < {text} < 2"
    assert faults(text) == [(text, "comparisons are chained too deeply within each other; join them with 'and'")]


def test_every_fault_is_found_at_once() -> None:
    assert faults("ordrs >= 2 and spnd > 3 or vip > 1") == [
        ("ordrs", "no trait, segment or dimension is called 'ordrs'; did you mean 'orders'?"),
        ("spnd", "no trait, segment or dimension is called 'spnd'; did you mean 'spend'?"),
        ("vip > 1", "a flag cannot be compared with a number; a flag is true or false"),
    ]


def test_what_uses_a_broken_name_is_refused_without_a_fault() -> None:
    assert faults("crooked + 1", FORMULA) == []
    assert faults("crooked + ordrs", FORMULA) == [("ordrs", "no trait is called 'ordrs'; did you mean 'orders'?")]


def test_in_an_incomplete_scope_unknown_names_are_no_faults() -> None:
    scope = Scope(what="a segment", traits=CUSTOMER.traits, profile=CUSTOMER.profile, incomplete=True)
    assert faults("ordrs > 1", scope) == []
    assert faults("ordrs > 1 and orders > 'a'", scope) == [
        ("orders > 'a'", "a number cannot be compared with text; a number is written without quotes")
    ]


def shown(text: str, scope: Scope) -> str:
    """The expression and each of its faults as the file of messages has them."""
    lines = [text]
    for fault in found(text, scope):
        lines += [" " * fault.at + "^" * (fault.end - fault.at), fault.message]
    return "\n".join(lines)


SCOPES = {"trigger": TRIGGER, "segment": CUSTOMER, "where": WHERE, "formula": FORMULA}
SECTIONS = (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8").split("\n# ")[1:]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.partition("\n")[0])
def test_messages(section: str) -> None:
    """Every message, with the part of the expression it marks; a section's title ends with what the scope is of."""
    title, _, body = section.partition("\n")
    scope = SCOPES[title.rpartition(" in a ")[2]]
    blocks = body.strip("\n").split("\n\n")
    assert [shown(block.partition("\n")[0], scope) for block in blocks] == blocks


def test_a_condition_and_a_number_are_what_they_say() -> None:
    assert faults("orders", condition=True) == [("orders", "a condition must be true or false; found a number")]
    assert faults("orders == 1", condition=True) == []
    assert check_number(parse("orders"), TRIGGER).kind is Kind.NUMBER


def test_a_huge_pattern_is_refused() -> None:
    text = "matches(favourite, '((((a{100}){100}){100}){100})')"
    ((marked, message),) = faults(text)
    assert marked.startswith("'((((a")
    assert message.startswith("this is no regular expression: ")


def test_the_branches_keep_their_own_nullability() -> None:
    node = check(parse("nps if vip else 3"), TRIGGER)
    assert isinstance(node, IfElse)
    assert (node.then.nullable, node.otherwise.nullable, node.nullable) == (True, False, True)
