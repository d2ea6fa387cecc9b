"""What stands in the topic of transitions, and the rule by which every reader keeps or drops.

A record is one step of one customer as JSON, its key the customer: all memberships that changed in it. A record is kept
if no newer claim was seen before it, and it goes beyond the highest position kept.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.outputs import decode_fact
from triggers.decisions import OWN, START, Position

VERSION = 1


class Moved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One membership that changed; `of` is segment or dimension, a segment's values are in and out.

    `evidence` has the traits that made it, each before and after; None where workers do not announce it.
    """

    name: str
    of: str
    before: str | None = msgspec.field(name="from")
    after: str | None = msgspec.field(name="to")
    evidence: dict[str, Any] | None = None


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's step: `offset` is the record's at which it happened; `due_ms` the instant of one that time made
    before that record, None for the record's own."""

    version: int = VERSION
    claim: int
    offset: int
    due_ms: int | None
    customer: str
    at_ms: int
    cause: str
    transitions: list[Moved]

    @property
    def position(self) -> Position:
        """Its place in the order of all steps of its partition."""
        return (self.offset, OWN if self.due_ms is None else self.due_ms, self.customer)


encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(Announced).decode


class Heard:
    """A reader of one partition's transitions: `claim` is the newest that was seen (-1: none), `highest` the highest
    position kept. What goes on later needs both."""

    def __init__(self, claim: int = -1, highest: Position = START) -> None:
        self.claim, self.highest = claim, highest

    def take(self, value: bytes) -> Announced | None:
        """The next record, or None if it is to be dropped; raises FactsDamaged for bytes that are none."""
        action = "find out who else writes to the topic of transitions"
        step = decode_fact(_decode, value, VERSION, "a record of transitions", action)
        if step.claim < self.claim or step.position <= self.highest:
            return None
        self.claim, self.highest = step.claim, step.position
        return step
