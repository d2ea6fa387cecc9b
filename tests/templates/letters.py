"""Renders one text as a part of a message, with the data that most tests need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from templates.context import build_context
from templates.plain import Variables
from templates.render import Renderer

ITEMS = [
    {"sku": "s-1", "name": "scratching post", "category": "cat_furniture", "price": 49.9, "quantity": 1},
    {"sku": "s-2", "name": "cat house", "category": "cat_furniture", "price": 39.9, "quantity": 2},
]


def given(**parts: Any) -> Variables:
    """A context: what is not named is a small example."""
    example: dict[str, Any] = {
        "profile": {"first_name": "Ann"},
        "traits": {"orders": 2, "bought": ["cat_furniture", "toys"], "nps": None},
        "event": {"total": 129.7, "currency": "EUR", "items": ITEMS},
        "offer": {"code": "CATFOOD10", "percent": 10, "category": "cat_food", "expires_on": "2026-03-31"},
        "links": {"unsubscribe": "https://shop.example/stop?c=1&m=2"},
        "sender": {"name": "Petshop", "email": "hello@petshop.example"},
    }
    return build_context(**{**example, **parts})


def text_of(source: str, context: Mapping[str, object] | None = None, *, key: str = "a/sms.txt") -> str:
    """What `source` writes as the template `key` (NAME/CHANNEL[.LANGUAGE].PART)."""
    name, file = key.split("/")
    channel, *language, part = file.split(".")
    beside = {f"{name}/email.subject": "x", f"{name}/email.html": "x", f"{name}/email.txt": "x"}
    templates = {**(beside if channel == "email" else {}), key: source}
    found = Renderer(templates).render(
        name, channel, "".join(language) or None, given() if context is None else context
    )
    return found[part]
