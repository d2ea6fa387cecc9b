"""A shard in memory that speaks the domain: given what was so, when something happens, then this was decided.

    journey.given(rules(SHOP), consented("ann", tz="Europe/Riga"))
    journey.when(order_completed("ann", at="2026-03-28T22:30+02:00"))
    journey.then(Hold("thanks", until="2026-03-29T09:00+03:00"))

Instants are ISO 8601 with an offset. What is given without one happened at the journey's start.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from engine.activations import append_activation
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import compile_rulebook
from engine.outputs import kept
from engine.ports import Log
from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook, unpack
from engine.shard import Shard
from engine.steps import read_steps
from engine.world import World
from events.codec import Activation, encode_record, encode_tick
from events.envelope import Event
from tests.memory_facts import MemoryFacts
from triggers.decisions import Decision

START = "2026-01-01T00:00:00+00:00"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Only data can break it: `check` with its example data lets it pass.
FAILING = "{% if customer.first_name == 'Broken' %}{{ [][1].nothing }}{% endif %}"
POLICY = """
policy:
  sender: {name: Petshop, email: hello@petshop.example}
  links: {unsubscribe: "https://petshop.example/stop"}
"""
TEMPLATES = {"email.subject": "Hello", "email.txt": FAILING + "Stop: {{ links.unsubscribe }}", "sms.txt": "Hello"}


def ms(at: str) -> int:
    """The instant in milliseconds."""
    return (datetime.fromisoformat(at) - EPOCH) // timedelta(milliseconds=1)


def text_of(at_ms: int) -> str:
    """The instant as failures show it."""
    return (EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")


# ---------------------------------------------------------------- what happens
@dataclass(frozen=True)
class Record:
    """One record of the log: an event, or none for a tick or an activation."""

    at_ms: int
    event: Event | None = None
    rulebook: Rulebook | None = None


Happening = list[Record]


def happened(type_name: str, customer: str, *, at: str, id: str = "", arrived: str = "", **data: Any) -> Happening:
    """An event of any type; one that is late arrived later than it occurred."""
    occurred_at_ms, at_ms = ms(at), ms(arrived or at)
    event = Event(
        id=id or f"{type_name}-{at_ms}",
        type=type_name,
        customer_id=customer,
        occurred_at_ms=occurred_at_ms,
        data=data,
    )
    return [Record(at_ms, event)]


def profile(customer: str, *, at: str = START, **fields: Any) -> Happening:
    """The customer said something about themselves."""
    return happened("profile_updated", customer, at=at, **fields)


def consented(customer: str, *, tz: str | None = None, at: str = START, channel: str = "email") -> Happening:
    """The customer has an address and agrees to marketing."""
    known = profile(customer, at=at, time_zone=tz, email=f"{customer}@mailbox.example", phone="+37120000001")
    agreed: dict[str, Any] = {"channel": channel, "purpose": "marketing", "granted": True}
    return [*known, *happened("consent_changed", customer, at=at, **agreed)]


def order_completed(customer: str, *categories: str, at: str, total: float = 10, **more: Any) -> Happening:
    """An order with one item of each category."""
    items = [{"sku": category, "category": category} for category in categories]
    data: dict[str, Any] = {"order_id": at, "total": total, "items": items} | more
    return happened("order_completed", customer, at=at, **data)


def cart_updated(customer: str, cart_id: str, *, at: str) -> Happening:
    """Something was put into a cart."""
    return happened("cart_updated", customer, at=at, cart_id=cart_id)


def time_passes(*, until: str) -> Happening:
    """Nothing but time."""
    return [Record(ms(until))]


def rules(text: str, *, at: str = START) -> Happening:
    """A rulebook is activated."""
    return [Record(ms(at), rulebook=checked(text))]


@cache
def checked(text: str) -> Rulebook:
    """The rulebook of a text; its one template is called note. Who sends is said for a text without a policy."""
    text += "" if "\npolicy:" in text else POLICY
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "rules.yaml").write_text(text, encoding="utf-8")
        (place / "templates" / "note").mkdir(parents=True)
        for name, content in TEMPLATES.items():
            (place / "templates" / "note" / name).write_text(content, encoding="utf-8")
        return load_folder(folder)


def append(log: Log, record: Record) -> None:
    """Put a record into a log."""
    if record.rulebook is not None:
        book = record.rulebook
        activation = Activation(id=f"a{log.end()}", at_ms=record.at_ms, hash=book.hash, rulebook=book.packed())
        append_activation(log, activation, record.at_ms)
    else:
        log.append([encode_tick(record.at_ms) if record.event is None else encode_record(record.event, record.at_ms)])


# ---------------------------------------------------------------- what follows
@dataclass(frozen=True, kw_only=True)
class Decided:
    """One step of a match; `at` and `until` are compared where they are said."""

    kind: ClassVar[str] = ""
    trigger: str = field(kw_only=False)
    reason: str = ""
    channel: str = ""
    at: str = ""
    until: str = ""
    customer: str = "ann"

    def line(self) -> str:
        """What is compared, as failures show it."""
        at_ms, until_ms = ms(self.at) if self.at else None, ms(self.until) if self.until else None
        return line(self.kind, self.customer, self.trigger, self.reason, self.channel, at_ms, until_ms)

    def same_of(self, customer: str, made: Decision) -> str:
        """The same of what was decided."""
        at_ms, until_ms = made.at_ms if self.at else None, made.ask_ms if self.until else None
        channel = made.channel if made.kind == "send" else ""
        return line(made.kind, customer, made.trigger, made.reason, channel, at_ms, until_ms)


def line(*parts: str | int | None) -> str:
    """The parts that are said, instants as text."""
    said = [text_of(part) if isinstance(part, int) else part for part in parts if part is not None]
    return " ".join(part for part in said if part)


class Schedule(Decided):
    """The match waits until it is due."""

    kind = "schedule"


class Cancel(Decided):
    """The match is off."""

    kind = "cancel"


class Suppress(Decided):
    """No message, for a reason."""

    kind = "suppress"


@dataclass(frozen=True, kw_only=True)
class Hold(Decided):
    """The match is asked again later."""

    kind = "hold"
    reason: str = "quiet_hours"


@dataclass(frozen=True, kw_only=True)
class Send(Decided):
    """One message."""

    kind = "send"
    channel: str = "email"


Moved = tuple[str, str, Any]
"""(instant, segment or dimension, in, out or the value)."""


class Journey:
    """The shard and what was decided by it."""

    def __init__(self) -> None:
        self.facts, self.generations = MemoryFacts(), MemoryGenerations()
        self.shard = self._opened()
        self.told = 0  # decisions that were asked for already

    def _opened(self) -> Shard:
        log, stream = self.facts.log, self.facts.decisions
        shard = Shard(log, stream, self.generations, unpack, compile_rulebook)
        shard.open()
        return shard

    def given(self, *happenings: Happening) -> Journey:
        """What was so before: its decisions are not looked at."""
        self._live(record for happening in happenings for record in happening)
        self.told = len(self.decisions())
        return self

    def when(self, *happenings: Happening) -> Journey:
        """What happens now."""
        self._live(record for happening in happenings for record in happening)
        return self

    def then(self, *expected: Decided) -> Journey:
        """Exactly this was decided since the last `then`, in order."""
        made = self.decisions()[self.told :]
        self.told += len(made)
        found = [
            expected[place].same_of(*each) if place < len(expected) else Send(each[1].trigger).same_of(*each)
            for place, each in enumerate(made)
        ]
        wanted = [each.line() for each in expected]
        assert found == wanted, "\n  ".join(["must be", *wanted, "was", *found])
        return self

    def _live(self, records: Iterable[Record]) -> None:
        for record in records:
            append(self.facts.log, record)
        while self.shard.process():
            pass
        self.shard.flush()

    # ------------------------------------------------------------ what is so
    def decisions(self) -> list[tuple[str, Decision]]:
        """(customer, decision) so far."""
        outputs = kept(self.facts.decisions.read())
        return [(output.position[2], decision) for output in outputs for decision in output.decisions]

    @property
    def world(self) -> World:
        """The derived world."""
        assert self.shard.world is not None
        return self.shard.world

    def trait(self, name: str, customer: str = "ann") -> Any:
        """A trait's exact value as the program gives it: numbers as (numerator, denominator)."""
        return self.world.program.trait_value[name](self.world.state(customer), self.world.meta.journey_ms)

    def moves(self, name: str, customer: str = "ann") -> list[tuple[str, Any]]:
        """(instant, to) of the customer's transitions of one segment or dimension, as the active rulebook sees them."""
        program = self.world.program
        steps = [step for _, packed in self.world.store.transitions() for step in read_steps(packed)]
        return [
            (text_of(step.at_ms), after)
            for step in steps
            for number, _, after, *_ in step.changes
            if step.customer == customer and program.names[number] == name
        ]

    def rebuilt(self) -> Journey:
        """Everything derived is lost and folded again from the facts."""
        self.generations = MemoryGenerations()
        self.shard = self._opened()
        while self.shard.process():
            pass
        self.shard.flush()
        return self
