"""One customer's journey: given rules and a customer, when steps happen, then decisions follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from tests.triggers.customer import Customer
from tests.triggers.rulebooks import at
from triggers.decide import decide
from triggers.decisions import OWN, Decision
from triggers.ledger import Ledger, apply, next_ask
from triggers.occasion import Activation, Occasion, Transition
from triggers.rules import Rules


@dataclass(frozen=True)
class Happened:
    """An event as conditions see it."""

    id: str
    fields: dict[str, object]


class Journey:
    """Drives `decide` as a shard does, and folds what was decided beside it: both ledgers must stay the same."""

    def __init__(self, rules: Rules, customer: Customer | None = None) -> None:
        self.rules = rules
        self.customer = customer or Customer()
        self.ledger = Ledger()
        self.replayed = Ledger()
        self.decisions: list[Decision] = []
        self.last: list[Decision] = []
        self.events: dict[int, Happened] = {}
        self.offset = -1
        self.names: frozenset[str] = frozenset(rules.rules)
        self.fetched: list[int] = []

    def event(self, name: str, when: str, *transitions: Transition, id: str = "", **fields: object) -> list[Decision]:
        """A record: what is due before happens first, then the event's own step."""
        t_ms = at(when)
        self.offset += 1
        self._run_due(t_ms)
        happened = Happened(id or f"{name}-{self.offset}", fields)
        self.events[self.offset] = happened
        self._move(transitions)
        return self._decide(
            Occasion(
                customer=self.customer.customer_id,
                t_ms=t_ms,
                position=(self.offset, OWN, self.customer.customer_id),
                cause=f"event:{happened.id}",
                cause_offset=self.offset,
                event_type=name,
                event=happened,
                transitions=transitions,
                rulebook="r",
                cause_event=self._fetch,
            )
        )

    def until(self, when: str) -> list[Decision]:
        """A tick: everything due at or before it happens."""
        self.offset += 1
        before = len(self.decisions)
        self._run_due(at(when))
        return self.decisions[before:]

    def by_time(self, when: str, *transitions: Transition) -> list[Decision]:
        """A due instant at which memberships change by time alone."""
        self.offset += 1
        self._run_due(at(when) - 1)
        self._move(transitions)
        return self._decide(self._due(at(when), transitions))

    def step_at(self, when: str) -> list[Decision]:
        """A due step at an instant of its own, as for what is overdue: nothing is run before it."""
        return self._decide(self._due(at(when), ()))

    def activate(
        self, rules: Rules, when: str, *transitions: Transition, brought_in: Iterable[str] = ()
    ) -> list[Decision]:
        """Another rulebook: what is due happens under the old one first."""
        self.offset += 1
        t_ms = at(when)
        self._run_due(t_ms)
        new = frozenset(rules.rules) - self.names
        self.rules, self.names = rules, self.names | new
        self._move(transitions)
        return self._decide(
            Occasion(
                customer=self.customer.customer_id,
                t_ms=t_ms,
                position=(self.offset, OWN, self.customer.customer_id),
                cause=f"activation:{t_ms}",
                transitions=transitions,
                activation=Activation(new, frozenset(brought_in)),
                rulebook="r2",
                cause_event=self._fetch,
            )
        )

    def outcome(self) -> list[tuple[str, str, str]]:
        """(kind, trigger, reason) of every decision so far."""
        return [outcome(decision) for decision in self.decisions]

    def _run_due(self, t_ms: int) -> None:
        while (due_ms := next_ask(self.ledger)) <= t_ms:
            self._decide(self._due(due_ms, ()))

    def _due(self, t_ms: int, transitions: tuple[Transition, ...]) -> Occasion:
        return Occasion(
            customer=self.customer.customer_id,
            t_ms=t_ms,
            position=(self.offset, t_ms, self.customer.customer_id),
            cause=f"due:{t_ms}",
            transitions=transitions,
            rulebook="r",
            cause_event=self._fetch,
        )

    def _move(self, transitions: Iterable[Transition]) -> None:
        for name, _, after in transitions:
            if after == "in":
                self.customer.segments.add(name)
            elif after == "out":
                self.customer.segments.discard(name)
            else:
                self.customer.dimensions[name] = str(after)

    def _fetch(self, offset: int) -> Happened:
        self.fetched.append(offset)
        return self.events[offset]

    def _decide(self, occasion: Occasion) -> list[Decision]:
        self.last = decide(occasion, self.customer, self.ledger, self.rules)
        self.decisions += self.last
        wire = msgspec.msgpack.encode(self.last)
        for decision in msgspec.msgpack.decode(wire, type=list[Decision]):
            apply(self.replayed, decision)
        assert self.replayed == self.ledger
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(self.ledger), type=Ledger) == self.ledger
        return self.last


def outcome(decision: Decision) -> tuple[str, str, str]:
    return decision.kind, decision.trigger, decision.reason


def outcomes(decisions: Iterable[Decision]) -> list[tuple[str, str, str]]:
    return [outcome(decision) for decision in decisions]
