"""Rulebook folders for tests: a sound one that says everything once, and any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from events.errors import RulebookInvalid

SHOP = """\
events:
  visit_booked: {day: date, at: time, room: text, paid: flag, price: number}
  order_completed: {gift: flag}
profile:
  shoe_size: number

traits:
  orders: {count: order_completed}
  touches: {count: [page_viewed, product_viewed], where: event.source == 'mail', within: 30d}
  spend: {sum: order_completed.total}
  spend_90d: {sum: order_completed.total, within: 90d}
  basket: {mean: order_completed.total}
  cheapest: {min: order_completed.items.price, where: item.category != 'gift' and event.total > 0}
  dearest: {max: order_completed.items.price, within: 52w}
  first_store: {first: order_completed.store_id}
  nps: {last: survey_answered.score, where: "event.survey == 'nps'"}
  first_order_at: {first_at: order_completed}
  last_order_at: {last_at: order_completed}
  bought: {set: order_completed.items.category, limit: 50}
  latest: {recent: order_completed.items.sku, limit: 5}
  favourite: {top: order_completed.items.category, weight: item.price * 2, half_life: 60d}
  gap: {mean_gap_days: order_completed}
  average: {formula: spend / orders}
  age: {formula: days_since(first_order_at)}
  booked: {last: visit_booked.day}

segments:
  buyer: {when: orders >= 1}
  cat_home: {when: "'cat_furniture' in bought and not lapsing"}
  lapsing:
    when: "orders >= 2 and days_since(last_order_at) > max(30, 2 * gap)"
    leaves_when: days_since(last_order_at) < 10
  old: {when: age > 365 and lifecycle == 'repeat'}

dimensions:
  lifecycle: [{advocate: nps >= 9}, {repeat: orders >= 2}, {lead: else}]
  value: {bands: spend, at: [50, 200.5], names: [low, medium, high]}
  recency: {bands: days_since(last_order_at), at: [30, 90], names: [fresh, cooling, cold], missing: never}
  taste: {values_of: favourite, missing: unknown}

triggers:
  thanks:
    on: {enters: cat_home}
    after: 14d
    at: "10:00"
    if: consent.email.marketing and event.total > 10
    cancel_when:
      - {event: order_refunded, where: event.order_id == cause.order_id}
      - {enters: lapsing}
    even_if_left: yes
    include_existing: yes
    priority: -5
    once: per_customer
    holdout: 12.5%
    salt: spring
    expires_after: 3d
    goal: {event: order_completed, where: event.total >= 10, within: 30d}
    message:
      template: thanks
      channels: [email, sms]
      offer: {code: CATFOOD10, percent: 10, category: cat_food, until: end_of_month}
  step_down:
    on: {moves: {dimension: value, from: high}}
    once: 30d
    message: {template: thanks, channels: [sms], offer: {code: X, amount: 2.5, until: 2w}}
  goodbye:
    on: {leaves: buyer}
    paused: yes
    cancel_when: {moves: {dimension: lifecycle, to: repeat}}
    message: {template: thanks, channels: [sms], offer: {code: Y, until: 2026-12-24}}
  receipt:
    on: {event: order_completed, where: event.gift == true}
    message: {template: receipt, channels: [email], purpose: transactional}

policy:
  time_zone: Europe/Riga
  quiet_hours: {from: "21:00", to: "09:00", applies_to: [marketing, transactional]}
  sender: {name: Petshop, email: hello@petshop.example}
  links: {unsubscribe: "https://petshop.example/stop", survey: "https://petshop.example/survey"}
  caps:
    - {at_most: 2, per: 7d, purpose: marketing}
    - {at_most: 1, per: 1d, channel: sms, trigger: thanks}
"""
TEMPLATES = {
    "templates/thanks/email.subject": "Thanks, {{ customer.first_name }}",
    "templates/thanks/email.html": '<p>Thanks</p><a href="{{ links.unsubscribe }}">stop</a>',
    "templates/thanks/email.ru.subject": "\u0421\u043f\u0430\u0441\u0438\u0431\u043e",
    "templates/thanks/sms.txt": "Thanks",
    "templates/receipt/email.subject": "Your receipt",
    "templates/receipt/email.txt": "Total {{ event.total }}",
}
FILES = {"shop.yaml": SHOP, **TEMPLATES}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """The folder with these files in it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")
    return folder


def load(folder: Path, files: Mapping[str, str | bytes] = FILES) -> Rulebook:
    """The rulebook that these files make."""
    return load_folder(write(folder, files))


def problems(folder: Path, files: Mapping[str, str | bytes]) -> str:
    """Every problem of these files as a person reads them, with paths inside the folder; '' for a sound rulebook."""
    try:
        load(folder, files)
    except RulebookInvalid as invalid:
        return str(invalid).replace(f"{folder}/", "").replace(str(folder), ".")
    return ""
