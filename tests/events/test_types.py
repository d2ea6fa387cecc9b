"""The built-in types, those a rulebook declares, and what is said of data that breaks them."""

from __future__ import annotations

from typing import Any

import pytest

from events.errors import InputRefused, Reason
from events.nearest import did_you_mean, nearest
from events.schema import DATE, FLAG, KINDS, NUMBER, TEXT, TIME, Fields, merged
from events.types import BUILTIN, PROFILE_FIELDS, TYPES
from events.violations import check_data, fields_of

# The table of the rulebook language: * is required, +n f t d are number, flag, time, date, nothing is text.
TABLE = """
order_completed: order_id* total*+n currency coupon discount+n store_id
order_refunded: order_id* total*+n reason
cart_updated checkout_started: cart_id total+n
product_viewed: sku* name category price+n
coupon_redeemed: code* campaign_id amount+n
page_viewed: url* title referrer source medium campaign_id
session_started: platform device landing_page referrer source medium campaign_id
ad_viewed ad_clicked: ad_id* campaign_id cost+n
email_signed_up: page source
lead_magnet_downloaded: magnet_id* page
webinar_registered: webinar_id* page
survey_answered: survey* score+n comment message_id
ticket_opened: ticket_id* topic priority
ticket_resolved: ticket_id* satisfaction+n
lead_created: lead_id source medium campaign_id first_page request_page cost+n owner
lead_qualified: lead_id level*
deal_stage_changed: deal_id* stage* amount+n owner reason
call_logged: direction duration_s+n outcome owner
referral_made: referred_id code
reward_earned: points*+n reason
message_sent message_delivered message_opened message_clicked message_bounced message_complained: \
message_id* channel* trigger campaign_id address kind url
unsubscribed: channel purpose
consent_changed: channel* purpose* granted*+f
profile_updated: email phone push_token first_name last_name language country city gender time_zone birthday+d
"""
LETTERS = {"n": NUMBER, "f": FLAG, "d": DATE}
ITEM = Fields(
    {"sku": TEXT, "name": TEXT, "category": TEXT, "department": TEXT, "brand": TEXT, "quantity": NUMBER,
     "price": NUMBER},
    frozenset({"sku"}),
)  # fmt: skip


def table() -> dict[str, Fields]:
    found = {}
    for line in TABLE.strip().splitlines():
        types, _, columns = line.partition(":")
        written = [column.partition("+") for column in columns.split()]
        fields: dict[str, Any] = {name.rstrip("*"): LETTERS.get(kind, TEXT) for name, _, kind in written}
        required = frozenset(name.rstrip("*") for name, _, _ in written if name.endswith("*"))
        for type_ in types.split():
            items = {"items": ITEM} if type_ in {"order_completed", "cart_updated", "checkout_started"} else {}
            found[type_] = Fields({**fields, **items}, required)
    return found


def test_the_types_are_those_of_the_language() -> None:
    assert dict(BUILTIN) == table()
    assert set(TYPES) == set(BUILTIN)
    assert PROFILE_FIELDS["birthday"] == DATE
    assert len(PROFILE_FIELDS) == 11


def test_every_type_says_what_it_is() -> None:
    for model in TYPES.values():
        assert (model.__doc__ or "").endswith(".")


GOOD: dict[str, Any] = {TEXT: "a", NUMBER: 1.5, FLAG: True, DATE: "2026-02-28", TIME: "2026-02-28T10:00Z"}
BAD: dict[str, list[Any]] = {
    TEXT: [1, True, [], {}],
    NUMBER: ["1", True, [], {}],
    FLAG: [0, 1, "true", [], {}],
    DATE: [1, True, "2026-02-30", "28.02.2026", [], {}],
    TIME: [1.5, True, "yesterday", [], {}],
}


def good(fields: Fields) -> dict[str, Any]:
    return {name: [good(kind)] if isinstance(kind, Fields) else GOOD[kind] for name, kind in fields.fields.items()}


@pytest.mark.parametrize("type_", sorted(BUILTIN))
def test_each_field_takes_its_kind_and_no_other(type_: str) -> None:
    fields = BUILTIN[type_]
    whole = good(fields)
    check_data(type_, whole)
    check_data(type_, {**whole, "further": {"kept": [1, "x"]}})
    for name, kind in fields.fields.items():
        for wrong in BAD[kind] if isinstance(kind, str) else [1, "x", {}]:
            assert refusal(type_, {**whole, name: wrong}).startswith(f"{type_}.{name} must be ")
        without = {key: value for key, value in whole.items() if key != name}
        for missing in (without, {**whole, name: None}):
            if name in fields.required:
                assert refusal(type_, missing).startswith(f"{type_}.{name} must be there: ")
            else:
                check_data(type_, missing)


def refusal(type_: str, data: dict[str, Any], declared: dict[str, Fields] | None = None) -> str:
    with pytest.raises(InputRefused) as caught:
        check_data(type_, data, declared)
    assert caught.value.reason is Reason.SCHEMA
    return caught.value.detail


ORDER: dict[str, Any] = {"order_id": "1", "total": 5}


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ({}, "order_completed.items must be a list of objects; found an object"),
        ([{"sku": "a"}, 5], "order_completed.items[1] must be an object; found the number 5"),
        ([{}], "order_completed.items[0].sku must be there: text; found none"),
        ([{"sku": "a"}, {"sku": "b", "price": "9"}], "order_completed.items[1].price must be a number; found text '9'"),
        ([{"sku": "a", "quantity": True}], "order_completed.items[0].quantity must be a number; found true"),
    ],
)
def test_what_is_wrong_in_an_item_is_named(items: object, text: str) -> None:
    assert refusal("order_completed", {**ORDER, "items": items}) == text


def test_a_declared_type_is_judged_by_its_declaration() -> None:
    kinds = {f"a_{kind}": kind for kind in KINDS}
    declared = {"table_booked": Fields(kinds)}
    check_data("table_booked", {f"a_{kind}": GOOD[kind] for kind in KINDS}, declared)
    check_data("table_booked", {"a_time": 1_700_000_000_000, "other": 1}, declared)
    check_data("table_booked", {"a_flag": None}, declared)
    check_data("table_booked", {"a_number": "of a type that nobody knows"})
    for kind in KINDS:
        for wrong in BAD[kind]:
            text = refusal("table_booked", {f"a_{kind}": wrong}, declared)
            assert text.startswith(f"table_booked.a_{kind} must be ")


def test_a_rulebook_adds_fields_to_a_built_in_type() -> None:
    declared = {"order_completed": Fields({"gift": FLAG, "total": TEXT})}
    check_data("order_completed", {**ORDER, "gift": True}, declared)
    check_data("order_completed", ORDER, declared)
    assert refusal("order_completed", {**ORDER, "gift": 1}, declared) == (
        "order_completed.gift must be true or false; found the number 1"
    )
    assert refusal("order_completed", {**ORDER, "total": "5"}, declared).endswith("must be a number; found text '5'")
    fields = fields_of("order_completed", declared)
    assert fields is not None
    assert fields.fields["gift"] == FLAG
    assert fields.fields["total"] == NUMBER
    assert merged(None, None) is None
    assert fields_of("unheard_of") is None


@pytest.mark.parametrize("name", ["model_config", "copy", "json", "declared_0", "class", "self", "__init__", "schema"])
def test_a_declared_field_may_have_any_name(name: str) -> None:
    declared = {"odd": Fields({"first": TEXT, name: NUMBER}, frozenset({name}))}
    check_data("odd", {name: 1}, declared)
    assert refusal("odd", {name: "x"}, declared) == f"odd.{name} must be a number; found text 'x'"
    assert refusal("odd", {}, declared) == f"odd.{name} must be there: a number; found none"
    check_data("order_completed", {**ORDER, name: object.__name__})


def test_the_nearest_spelling() -> None:
    assert nearest("custmer_id", ["id", "customer_id"]) == "customer_id"
    assert nearest("xyz", ["id", "customer_id"]) is None
    assert did_you_mean("ordrs", ["orders"]) == "; did you mean 'orders'?"
    assert did_you_mean("zzz", ["orders"]) == ""
