"""What deciding is given: the step at hand and a view of the customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from triggers.decisions import Position

IN = "in"
OUT = "out"

# (segment or dimension, from, to): 'out' and 'in' for a segment, values for a dimension, None for "no value before".
Transition: TypeAlias = tuple[str, str | None, str | None]
Evidence: TypeAlias = Mapping[str, object]


class Activation(msgspec.Struct, frozen=True, gc=False):
    """What a step knows of the activation that makes it.

    `new_triggers`: names that no earlier activation contained; `brought_in`: the segments that the customer is in by
    the new rulebook and was not in by the old one.
    """

    new_triggers: frozenset[str] = frozenset()
    brought_in: frozenset[str] = frozenset()


def no_event(_offset: int) -> object | None:
    """Where nothing can be fetched."""
    return None


class Occasion(msgspec.Struct, kw_only=True, gc=False):
    """One step of one customer, after its event is folded and its memberships are evaluated at `t_ms`.

    `cause` is `event:<id>`, `due:<ms>` or `activation:<ms>`; `cause_offset` the record of the event (-1: none).
    `transitions` are those of this step; at an activation the differences between the two rulebooks' worlds.
    `evidence` holds, by the transition's name, the traits that made it. `cause_event` gives the event of the record
    at an offset as the conditions and templates take it.
    """

    customer: str
    t_ms: int
    position: Position
    cause: str
    rulebook: str
    cause_offset: int = -1
    event_type: str | None = None
    event: object | None = None
    transitions: Sequence[Transition] = ()
    activation: Activation | None = None
    evidence: Mapping[str, Evidence] = {}
    cause_event: Callable[[int], object | None] = no_event

    def event_at(self, offset: int) -> object | None:
        """The event of the record at `offset`; None for -1."""
        if offset < 0:
            return None
        if offset == self.cause_offset and self.event is not None:
            return self.event
        return self.cause_event(offset)


class OfferTerms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer as one message makes it: millionths, and the last local day it holds, in days since 1970-01-01."""

    code: str
    percent: int | None = None
    amount: int | None = None
    category: str | None = None
    expires_on: int | None = None


class RenderRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which message to render; `cause_offset` is the record of the event that caused the match (-1: none)."""

    trigger: str
    template: str
    channel: str
    address: str
    purpose: str
    language: str | None
    cause_offset: int = -1
    offer: OfferTerms | None
    message_id: str
    t_ms: int
    zone: str


class CustomerView(Protocol):
    """What deciding may ask about one customer, as of the step at hand."""

    @property
    def customer_id(self) -> str:
        """Whose view it is."""
        ...

    @property
    def state(self) -> object:
        """What compiled conditions are called with; opaque here."""
        ...

    @property
    def language(self) -> str | None:
        """The language of the profile, None where it has none."""
        ...

    def member(self, segment: str) -> bool:
        """Whether the customer is in the segment."""
        ...

    def dimension(self, name: str) -> str | None:
        """The customer's value in the dimension."""
        ...

    def profile(self, field: str) -> object | None:
        """A field of the profile, None where it was never given or was cleared."""
        ...

    def zone(self) -> str:
        """The zone of the customer's local time, the policy's where the profile has no valid one."""
        ...

    def consent(self, channel: str, purpose: str) -> bool:
        """Whether the customer has agreed to messages of this purpose by this channel."""
        ...

    def unreachable(self, channel: str, address: str) -> bool:
        """Whether the address is marked by a hard bounce or a complaint."""
        ...

    def render(self, request: RenderRequest) -> dict[str, str]:
        """The parts of the message by name; raises RenderFailed."""
        ...

    def evidence(self, trigger: str) -> Evidence:
        """The traits that the trigger's segment or dimension and its condition use, by name."""
        ...
