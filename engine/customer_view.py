"""What deciding sees of one customer: a state read through the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.compiled import Compiled
from events.calendar import date_text
from events.codec import read_record
from events.numbers import shown
from events.times import instant_text
from projections.expressions.tree import Kind
from projections.profile import consented, unreachable
from templates.context import build_context
from triggers.occasion import OfferTerms, RenderRequest

FetchRaw = Callable[[int], bytes]
EVIDENCE_VALUES = 20


def shown_value(value: Any, kind: Kind, element: Kind | None = None) -> Any:
    """A trait's or profile's exact value as people read it: numbers, ISO dates and instants, lists."""
    if value is None:
        return None
    match kind:
        case Kind.NUMBER:
            return shown(*value) if isinstance(value, tuple) else shown(value)
        case Kind.TIME:
            return instant_text(value)
        case Kind.DATE:
            return date_text(value)
        case Kind.SET | Kind.LIST:
            return [shown_value(each, element or Kind.TEXT) for each in value]
    return value


class CustomerView:
    """A `triggers.occasion.CustomerView` over a state, as of one step."""

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
        rule = self.compiled.rules.rules[trigger]
        names = set(self.program.condition_reads.get(f"{trigger}:if", ()))
        entity = self.program.number_of.get(rule.definition.on.name)
        if entity is not None:
            names.update(self.program.reads[entity])
        raw, show = self.program.raw, self.program.show
        return {name: plain(show[name](raw[name](self.state))) for name in sorted(names) if name in raw}

    def traits(self, only: frozenset[str] | None = None) -> dict[str, Any]:
        """Every trait, or those named, as people read them."""
        values, definitions = self.program.trait_value, self.program.world.traits
        found = {}
        for name in values if only is None else only & values.keys():
            definition = definitions.get(name)
            kind = Kind.TIME if definition is None else definition.value
            element = None if definition is None else definition.element
            found[name] = shown_value(values[name](self.state, self.t_ms), kind, element)
        return found

    def shown_profile(self, only: frozenset[str] | None = None) -> dict[str, Any]:
        """The profile, or the fields named, as people read it."""
        kinds, profile = self.program.world.profile, self.state.profile
        names = sorted(profile) if only is None else only & profile.keys()
        return {name: shown_value(profile[name][0], kinds[name]) for name in names if name in kinds}

    def render(self, request: RenderRequest) -> dict[str, str]:
        """The message's parts; raises RenderFailed. Only what the template reads is made."""
        compiled = self.compiled
        letter = compiled.renderer.letter(request.template, request.channel, request.language)
        reads = letter.reads
        event = None
        if request.cause_offset >= 0 and ("event" in reads.fields or "items" in reads.fields):
            event = read_record(self.fetch(request.cause_offset))[0].data
        context = build_context(
            profile=self.shown_profile(reads.of("customer")),
            traits=self.traits(reads.of("traits")),
            event=event,
            offer=None if request.offer is None else shown_offer(request.offer),
            links=compiled.links,
            sender=compiled.sender,
        )
        return letter.write(context)


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
