"""What the benchmarks run: a shop's events and rulebooks of any size over them.

Thresholds are drawn from values that occur; of the segments at least 30 % use two traits, 10 % days_since and 10 %
leaves_when. Most are local to a city, as micro-segments are; some are broad. How many are, and one broad segment's age,
are the knobs by which a rulebook is tuned to a number of transitions an event.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from events.codec import encode_record
from events.durations import DAY_MS
from events.envelope import Event

START_MS = 1_700_000_000_000
CATEGORIES = ("cat_food", "cat_furniture", "dog_food", "dog_toys", "fish", "birds", "vet", "books")
TYPES = ("page_viewed",) * 14 + ("message_opened",) * 3 + ("message_clicked",) + ("order_completed",) * 2
BROAD = 8
TRIGGERS = 20
GAP_DAYS = 6.0
"""Mean days between a customer's events: with so many, most of what falls due has time to between two of them."""

USUAL_GAP_DAYS = 3.0
"""Of a shop that is visited more often: more of its events are views that move nobody."""

TRAITS = """\
traits:
  orders: {count: order_completed}
  spend: {sum: order_completed.total}
  spend_90d: {sum: order_completed.total, within: 90d}
  views: {count: page_viewed}
  opens: {count: message_opened}
  clicks: {count: message_clicked}
  last_order_at: {last_at: order_completed}
  last_view_at: {last_at: page_viewed}
  order_gap_days: {mean_gap_days: order_completed}
  bought: {set: order_completed.items.category}
  favourite: {top: order_completed.items.category, weight: item.price, half_life: 60d}
  average_order: {formula: spend / orders}
dimensions:
  value: {bands: spend, at: [50, 200, 1000], names: [low, medium, high, top]}
  recency: {bands: days_since(last_order_at), at: [30, 90], names: [fresh, cooling, cold], missing: never}
  lifecycle: [{repeat: orders >= 2}, {first_order: orders == 1}, {lead: else}]
  taste: {values_of: favourite, missing: unknown}
policy:
  time_zone: Europe/Riga
  quiet_hours: {from: "21:00", to: "09:00"}
  sender: {name: Shop, email: hello@shop.example}
  links: {unsubscribe: "https://shop.example/stop"}
  caps: [{at_most: 2, per: 7d, purpose: marketing}]
"""

NUMBERS = {
    "orders": (1, 2, 3, 4, 5, 6),
    "spend": (10, 30, 60, 90, 130, 200, 300),
    "spend_90d": (10, 30, 60, 90, 130, 200),
    "views": (1, 2, 3, 5, 8, 12, 20, 30),
    "opens": (1, 2, 3, 5),
    "clicks": (1, 2),
    "average_order": (15, 30, 45, 60, 75, 90),
}
AGES = ("last_order_at", "last_view_at", "last_seen_at")


class Workload:
    """Events of `customers` uniformly hit, appended in order over days, one in a hundred twice.

    The first two of a customer are the profile, which names the city, and (of four in five) the consent; `known`
    customers have sent them before. They come from `start_ms` on, by default at `gap_days` between a customer's.
    """

    def __init__(
        self,
        *,
        customers: int,
        events: int,
        seed: int = 1,
        start_ms: int = START_MS,
        gap_days: float = GAP_DAYS,
        days: float | None = None,
        known: bool = False,
    ) -> None:
        self.customers, self.events, self.seed = customers, events, seed
        self.start_ms, self.known = start_ms, known
        self.days = gap_days * events / customers if days is None else days

    def records(self, cities: int) -> Iterator[bytes]:
        """The record of every event."""
        draw = random.Random(self.seed)
        step = self.days * DAY_MS / self.events
        strangers = set() if self.known else set(range(self.customers))
        silent = {who for who in strangers if who % 5}
        recent: list[Event] = []
        for number in range(self.events):
            t = self.start_ms + int(number * step)
            if recent and draw.random() < 0.01:
                yield encode_record(recent[int(draw.random() * len(recent))], t)
                continue
            who = int(draw.random() * self.customers)
            customer = f"c{who:07d}"
            late = int(draw.random() * 3_600_000) if draw.random() < 0.05 else int(draw.random() * 2_000)
            if who in strangers:
                strangers.discard(who)
                event = self._profile(number, who, customer, t, cities)
            elif who in silent:
                silent.discard(who)
                event = self._consent(number, customer, t)
            else:
                event = self._event(draw, number, customer, t - late)
            recent.append(event)
            if len(recent) > 3_000:
                del recent[:1_000]
            yield encode_record(event, t)

    def _profile(self, number: int, who: int, customer: str, t: int, cities: int) -> Event:
        data = {"city": f"city{who % cities}", "email": f"{customer}@shop.example", "time_zone": "Europe/Riga"}
        return Event(id=f"p{number}", type="profile_updated", customer_id=customer, occurred_at_ms=t, data=data)

    def _consent(self, number: int, customer: str, t: int) -> Event:
        data = {"channel": "email", "purpose": "marketing", "granted": True}
        return Event(id=f"k{number}", type="consent_changed", customer_id=customer, occurred_at_ms=t, data=data)

    def _event(self, draw: random.Random, number: int, customer: str, t: int) -> Event:
        kind = TYPES[int(draw.random() * len(TYPES))]
        identity = f"018f3c1e-7b1a-7cc0-{int(draw.random() * 65536):04x}-{number:012x}"
        if kind == "page_viewed":
            page = int(draw.random() * 5_000)
            data: dict[str, object] = {
                "url": f"https://shop.example/products/{page}",
                "title": f"Product page {page} of the shop",
                "referrer": f"https://search.example/?q={int(draw.random() * 99_999)}",
                "source": "search",
                "medium": "cpc",
            }
        elif kind == "order_completed":
            items = [
                {
                    "sku": f"s{int(draw.random() * 999):04d}",
                    "category": CATEGORIES[int(draw.random() * draw.random() * 8)],
                    "quantity": 1,
                    "price": int(draw.random() * 6_000) / 100,
                }
                for _ in range(2)
            ]
            total = round(sum(float(str(item["price"])) for item in items), 2)
            data = {"order_id": f"o{number:09d}", "total": total, "currency": "EUR", "items": items}
        else:
            data = {
                "message_id": f"{int(draw.random() * 2**63):032x}",
                "channel": "email",
                "trigger": "thanks",
                "campaign_id": "autumn",
                "url": f"https://shop.example/l/{int(draw.random() * 5_000)}",
                "address": f"someone.{int(draw.random() * 99_999)}@shop.example",
            }
        return Event(id=identity, type=kind, customer_id=customer, occurred_at_ms=t, source="shop", data=data)


def cities_for(segments: int) -> int:
    """How many cities the local segments are spread over."""
    return max(20, segments // 5)


def rulebook_text(segments: int, *, knob_days: float, broad: int = BROAD, seed: int = 7) -> dict[str, str]:
    """The files of a rulebook with that many segments; `knob_days` is the age of the tuned one, and up to number
    `broad` those that test amounts or what was bought are local to no city."""
    draw = random.Random(seed)
    cities = cities_for(segments)
    lines = ["segments:", f"  s0: {{when: days_since(last_seen_at) >= {knob_days:.6f}}}"]
    for number in range(1, segments):
        condition, leaves = _condition(draw, number)
        if number >= BROAD and (number >= broad or number % 10 in (1, 2)):
            condition = f"profile.city == 'city{draw.randrange(cities)}' and {condition}"
        more = f', leaves_when: "{leaves}"' if leaves else ""
        lines.append(f'  s{number}: {{when: "{condition}"{more}}}')
    return {"traits.yaml": TRAITS, "segments.yaml": "\n".join(lines), "triggers.yaml": _triggers()}


def _condition(draw: random.Random, number: int) -> tuple[str, str]:
    if number % 10 == 1:
        return f"days_since({draw.choice(AGES)}) >= {draw.randint(2, 60)}", ""
    if number % 10 == 2:
        trait = draw.choice(("spend_90d", "average_order"))
        cut = draw.choice(NUMBERS[trait])
        return f"{trait} >= {cut}", f"{trait} < {cut * 0.8:.2f}"
    names = draw.sample([*NUMBERS, "bought", "favourite"], 2 if number % 10 in (3, 4, 5, 6) else 1)
    return " and ".join(_test(draw, name) for name in names), ""


def _test(draw: random.Random, name: str) -> str:
    if name == "bought":
        return f"'{draw.choice(CATEGORIES)}' in bought"
    if name == "favourite":
        return f"favourite == '{draw.choice(CATEGORIES)}'"
    return f"{name} {draw.choice(('>=', '>=', '<'))} {draw.choice(NUMBERS[name])}"


def _triggers() -> str:
    """Triggers of which all sizes decide alike: on broad segments, which every rulebook has, and on dimensions."""
    lines = ["triggers:"]
    for number in range(TRIGGERS):
        taste, other = CATEGORIES[number % 8], CATEGORIES[(number + 1 + number // 8) % 8]
        on = f"{{moves: {{dimension: taste, from: {taste}, to: {other}}}}}"
        if number < 4:
            on = f"{{enters: s{1 + number}}}"
        elif number % 7 == 6:
            on = "{moves: {dimension: value, to: high}}"
        elif number == 4:
            on = "{moves: {dimension: lifecycle, to: repeat}}"
        elif number == 9:
            on = "{moves: {dimension: recency, to: cooling}}"
        once = ("per_cause", "per_customer", "30d")[number % 3]
        after = "14d" if number % 4 == 1 else "0s"
        lines.append(
            f"  t{number}: {{on: {on}, after: {after}, once: {once}, holdout: 10%, "
            f"message: {{template: note, channels: [email]}}}}"
        )
    return "\n".join(lines)


TEMPLATES = {
    "note/email.subject": "Hello {{ customer.first_name or 'there' }}",
    "note/email.txt": "You have spent {{ traits.spend }}. Stop: {{ links.unsubscribe }}",
}


def write_rulebook(folder: Path, segments: int, *, knob_days: float, broad: int = BROAD) -> Rulebook:
    """Write a rulebook's folder and load it as a user's is."""
    (folder / "templates" / "note").mkdir(parents=True, exist_ok=True)
    for name, text in rulebook_text(segments, knob_days=knob_days, broad=broad).items():
        (folder / name).write_text(text)
    for name, text in TEMPLATES.items():
        (folder / "templates" / name).write_text(text)
    return load_folder(folder)
