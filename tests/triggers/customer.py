"""A customer as deciding sees one, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from events import zones
from events.errors import RenderFailed
from triggers.occasion import Evidence, RenderRequest


@dataclass
class Customer:
    """Consents are (channel, purpose); `bounced` (channel, address). A template called 'broken' fails, one called
    'huge' gives 600 KB."""

    customer_id: str = "ann"
    language: str | None = None
    segments: set[str] = field(default_factory=set)
    dimensions: dict[str, str] = field(default_factory=dict)
    fields: dict[str, object] = field(default_factory=lambda: dict[str, object](email="ann@pets.example"))
    consents: set[tuple[str, str]] = field(default_factory=lambda: {("email", "marketing")})
    bounced: set[tuple[str, str]] = field(default_factory=set)
    default_zone: str = "UTC"
    traits: dict[str, Evidence] = field(default_factory=dict)  # by trigger
    requests: list[RenderRequest] = field(default_factory=list)

    @property
    def state(self) -> object:
        return self

    def member(self, segment: str) -> bool:
        return segment in self.segments

    def dimension(self, name: str) -> str | None:
        return self.dimensions.get(name)

    def profile(self, field: str) -> object | None:
        return self.fields.get(field)

    def zone(self) -> str:
        named = self.fields.get("time_zone")
        return named if isinstance(named, str) and zones.is_zone(named) else self.default_zone

    def consent(self, channel: str, purpose: str) -> bool:
        return (channel, purpose) in self.consents

    def unreachable(self, channel: str, address: str) -> bool:
        return (channel, address) in self.bounced

    def render(self, request: RenderRequest) -> dict[str, str]:
        self.requests.append(request)
        if request.template == "broken":
            raise RenderFailed("broken/email.txt: 'nobody' is undefined")
        if request.template == "huge":
            return {"txt": "x" * 600_000}
        return {"txt": f"{request.template} for {self.customer_id}"}

    def evidence(self, trigger: str) -> Evidence:
        return self.traits.get(trigger, {})
