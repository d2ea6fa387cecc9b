"""The event types that generated histories use, with their fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from tests.evaluator.model import Event, Rulebook

ITEM = {
    "sku": "text",
    "name": "text",
    "category": "text",
    "department": "text",
    "brand": "text",
    "quantity": "number",
    "price": "number",
}
TYPES: dict[str, dict[str, Any]] = {
    "order_completed": {
        "order_id": "text",
        "total": "number",
        "currency": "text",
        "coupon": "text",
        "discount": "number",
        "store_id": "text",
        "items": ITEM,
    },
    "order_refunded": {"order_id": "text", "total": "number", "reason": "text"},
    "cart_updated": {"cart_id": "text", "total": "number", "items": ITEM},
    "product_viewed": {"sku": "text", "name": "text", "category": "text", "price": "number"},
    "page_viewed": {"url": "text", "title": "text", "referrer": "text", "source": "text", "medium": "text"},
    "survey_answered": {"survey": "text", "score": "number", "comment": "text", "message_id": "text"},
    "message_sent": {"message_id": "text", "channel": "text", "address": "text"},
    "message_opened": {"message_id": "text", "channel": "text", "address": "text"},
    "message_clicked": {"message_id": "text", "channel": "text", "address": "text"},
    "message_bounced": {"message_id": "text", "channel": "text", "address": "text", "kind": "text"},
    "message_complained": {"message_id": "text", "channel": "text", "address": "text"},
    "unsubscribed": {"channel": "text", "purpose": "text"},
    "consent_changed": {"channel": "text", "purpose": "text", "granted": "flag"},
    "profile_updated": {
        "email": "text",
        "phone": "text",
        "push_token": "text",
        "first_name": "text",
        "last_name": "text",
        "language": "text",
        "country": "text",
        "city": "text",
        "gender": "text",
        "time_zone": "text",
        "birthday": "date",
    },
}
NOT_OWN_ACTS = frozenset({"message_sent", "message_delivered", "message_bounced", "consent_changed", "profile_updated"})


def fields_of(rulebook: Rulebook, type_: str) -> Mapping[str, Any]:
    """The fields of a type, with those that the rulebook adds."""
    fields = {**TYPES.get(type_, {}), **rulebook.types.get(type_, {})}
    if type_ == "profile_updated":
        fields |= rulebook.profile
    return fields


def number(found: object) -> Fraction:
    """A number's decimal text, rounded half-even to 6 places."""
    return Fraction(Decimal(str(found)).quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN))


def shown(value: object) -> object:
    """A value as people see it: numbers half-even with 6 places."""
    if isinstance(value, Fraction):
        return round(value, 6)
    if isinstance(value, frozenset | tuple):
        items = [shown(item) for item in value]
        return tuple(sorted(items, key=repr)) if isinstance(value, frozenset) else tuple(items)
    return value


def as_text(value: object) -> str:
    """A value as a dimension's: a number without trailing zeros."""
    if not isinstance(value, Fraction):
        return str(value)
    micro = int(round(value, 6) * 10**6)
    whole, rest = divmod(abs(micro), 10**6)
    return ("-" if micro < 0 else "") + f"{whole}.{rest:06}".rstrip("0").rstrip(".")


def read(kind: Any, found: Any) -> Any:
    """A field's value: numbers become fractions, dates days, lists tuples of fields."""
    if found is None:
        return None
    if isinstance(kind, dict):
        return tuple({name: read(kind.get(name), item.get(name)) for name in kind} for item in found)
    if kind == "number":
        return number(found)
    if kind == "date":
        return date.fromisoformat(found)
    return found


def read_data(rulebook: Rulebook, event: Event) -> dict[str, Any]:
    """The fields that the type has, absent ones null; an item's quantity is 1 where it is left out."""
    fields = fields_of(rulebook, event.type)
    data = {name: read(kind, event.data.get(name)) for name, kind in fields.items()}
    for name, kind in fields.items():
        if kind is ITEM and data[name] is not None:
            for item, found in zip(data[name], event.data[name], strict=True):
                item["quantity"] = read("number", found.get("quantity", 1))
    return data
