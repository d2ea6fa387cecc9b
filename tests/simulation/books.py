"""Rulebooks under which journeys of several files are lived."""

from __future__ import annotations

POLICY = """
policy:
  time_zone: Europe/Riga
  sender: {name: Petshop, email: hello@petshop.example}
  links: {unsubscribe: "https://petshop.example/stop"}
"""
CATS = (
    """
traits: {bought: {set: order_completed.items.category}}
segments: {cat_home: {when: "'cat_furniture' in bought"}}
triggers:
  thanks:
    on: {enters: cat_home}
    after: 14d
    at: "10:00"
    once: per_customer
    message: {template: note, channels: [email]}
"""
    + POLICY
)
SPENDING = (
    """
traits: {orders: {count: order_completed}, spend: {sum: order_completed.total}}
segments: {big: {when: spend >= 20}}
triggers:
  thanks: {on: {enters: big}, message: {template: note, channels: [email]}}
"""
    + POLICY
)


def on_order(**said: str) -> str:
    """A rulebook whose one trigger answers each order."""
    more = "".join(f"    {name.rstrip('_')}: {value}\n" for name, value in said.items())
    return (
        "triggers:\n  thanks:\n    on: {event: order_completed}\n"
        + more
        + "    message: {template: note, channels: [email]}\n"
        + POLICY
    )


QUIET = on_order() + '  quiet_hours: {from: "21:00", to: "09:00"}\n'
