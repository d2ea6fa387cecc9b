"""What deciding sees of one customer: a state read through the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.compiled import Compiled
from events.calendar import date_text
from events.codec import read_record
from events.numbers import shown
from projections.profile import consented, unreachable
from templates.context import build_context
from triggers.occasion import OfferTerms, RenderRequest

FetchRaw = Callable[[int], bytes]
EVIDENCE_VALUES = 20


class CustomerView:
    """A `triggers.occasion.CustomerView` over a state, as of one step."""

    __slots__ = ("compiled", "customer", "fetch", "program", "state", "t_ms")

    def __init__(self, compiled: Compiled, customer: str, state: Any, t_ms: int, fetch: FetchRaw) -> None:
        self.compiled, self.program = compiled, compiled.program
        self.customer, self.state, self.t_ms, self.fetch = customer, state, t_ms, fetch

    @property
    def customer_id(self) -> str:
        """Whose view it is."""
        return self.customer

    @property
    def language(self) -> str | None:
        """The language of the profile."""
        language = self.profile("language")
        return language if isinstance(language, str) else None

    def member(self, segment: str) -> bool:
        """Whether the customer is in the segment."""
        return self.program.member(self.state, segment)

    def dimension(self, name: str) -> str | None:
        """The customer's value in the dimension."""
        return self.program.dimension(self.state, name)

    def profile(self, field: str) -> Any:
        """A field of the profile, as stored."""
        entry = self.state.profile.get(field)
        return None if entry is None else entry[0]

    def zone(self) -> str:
        """The zone of the customer's local time."""
        return self.program.zone_of(self.state)

    def consent(self, channel: str, purpose: str) -> bool:
        """Whether the customer has agreed."""
        return consented(self.state.consent, channel, purpose)

    def unreachable(self, channel: str, address: str) -> bool:
        """Whether the address is marked."""
        return unreachable(self.state, channel, address)

    def evidence(self, trigger: str) -> Mapping[str, object]:
        """The traits that the trigger's segment or dimension and its condition use."""
        state = self.state
        return {name: plain(show(raw(state))) for name, raw, show in self.compiled.evidence_of[trigger]}

    def traits(self) -> dict[str, Any]:
        """Every trait, as people read them."""
        return self.compiled.shown.traits(self.state, self.t_ms)

    def shown_profile(self) -> dict[str, Any]:
        """The profile, as people read it."""
        return self.compiled.shown.profile(self.state)

    def render(self, request: RenderRequest) -> dict[str, str]:
        """The message's parts; raises RenderFailed. Only what the template reads is made."""
        compiled = self.compiled
        message = compiled.message(request.template, request.channel, request.language)
        event = None
        if message.reads_event and request.cause_offset >= 0:
            event = read_record(self.fetch(request.cause_offset))[0].data
        context = build_context(
            profile=message.shown.profile(self.state),
            traits=message.shown.traits(self.state, self.t_ms),
            event=event,
            offer=shown_offer(request.offer) if message.reads_offer and request.offer is not None else None,
            links=compiled.links,
            sender=compiled.sender,
        )
        return message.letter.write(context)


def shown_offer(offer: OfferTerms) -> dict[str, Any]:
    """An offer as templates see it."""
    return {
        "code": offer.code,
        "percent": None if offer.percent is None else shown(offer.percent),
        "amount": None if offer.amount is None else shown(offer.amount),
        "category": offer.category,
        "expires_on": None if offer.expires_on is None else date_text(offer.expires_on),
    }


def plain(value: Any) -> Any:
    """Evidence as the stream keeps it: numbers as text where they are no integers of 64 bits, long lists cut."""
    if isinstance(value, list | tuple | set):
        more = len(value) - EVIDENCE_VALUES
        shown_values = [plain(each) for each in list(value)[:EVIDENCE_VALUES]]
        return [*shown_values, f"and {more} more"] if more > 0 else shown_values
    small = isinstance(value, int) and -(1 << 63) <= value < 1 << 63
    return value if value is None or isinstance(value, str | bool) or small else str(value)
