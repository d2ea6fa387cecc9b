"""A scope with one name of every sort, for the tests of expressions."""

from __future__ import annotations

from dataclasses import replace

from events.errors import ExpressionInvalid, Fault
from projections.definitions import FieldKinds
from projections.expressions.checker import check, check_condition
from projections.expressions.kinds import Typed
from projections.expressions.parser import parse
from projections.expressions.scope import Scope
from projections.expressions.tree import Kind, Node

ITEM = FieldKinds(fields={"sku": Kind.TEXT, "category": Kind.TEXT, "price": Kind.NUMBER})
ORDER = FieldKinds(
    fields={
        "total": Kind.NUMBER,
        "coupon": Kind.TEXT,
        "gift": Kind.FLAG,
        "sold_at": Kind.TIME,
        "items": ITEM,
        "parcels": FieldKinds(fields={"items": ITEM}),
    }
)
SURVEY = FieldKinds(fields={"score": Kind.NUMBER, "coupon": Kind.NUMBER})

CUSTOMER = Scope(
    what="a segment",
    traits={
        "orders": Typed(Kind.NUMBER),
        "spend": Typed(Kind.NUMBER),
        "nps": Typed(Kind.NUMBER, nullable=True),
        "last_order_at": Typed(Kind.TIME, nullable=True),
        "favourite": Typed(Kind.TEXT, nullable=True),
        "bought": Typed(Kind.SET, Kind.TEXT),
        "latest": Typed(Kind.LIST, Kind.NUMBER),
        "age_days": Typed(Kind.NUMBER, nullable=True, moving=True),
        "member": Typed(Kind.FLAG, nullable=True),
    },
    segments={"vip": Typed(Kind.FLAG)},
    dimensions={"lifecycle": Typed(Kind.TEXT, values=("lead", "repeat")), "taste": Typed(Kind.TEXT)},
    profile={"city": Kind.TEXT, "birthday": Kind.DATE, "shoe_size": Kind.NUMBER},
)
TRIGGER = replace(CUSTOMER, what="a trigger's if", event={"order_completed": ORDER, "survey_answered": SURVEY})
WHERE = Scope(
    what="a trait's where",
    event={"order_completed": ORDER},
    item={"order_completed": ITEM},
    still_because="'where' is asked once, when an event is folded, so nothing in it may move with time",
)
FORMULA = Scope(
    what="a formula",
    traits=CUSTOMER.traits,
    profile=CUSTOMER.profile,
    hidden={"vip": "'vip' is a segment; a formula is made of traits"},
    broken=frozenset({"crooked"}),
)


def typed(text: str, scope: Scope = TRIGGER) -> Node:
    """The checked tree of an expression."""
    return check(parse(text), scope)


def found(text: str, scope: Scope = TRIGGER, *, condition: bool = False) -> tuple[Fault, ...]:
    """Each fault of an expression; none for a sound one."""
    try:
        (check_condition if condition else check)(parse(text), scope)
    except ExpressionInvalid as error:
        return error.faults
    return ()


def faults(text: str, scope: Scope = TRIGGER, *, condition: bool = False) -> list[tuple[str, str]]:
    """Each fault of an expression: the part that is marked, and the message."""
    return [(text[fault.at : fault.end], fault.message) for fault in found(text, scope, condition=condition)]
