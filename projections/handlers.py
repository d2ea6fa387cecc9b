"""The source of what an event type does to a state.

A handler folds one event and appends to `cand` the numbers of the entities it can have changed; it returns a bound of
the next instant at which what it touched can change something by time alone, and snapshots of the sources before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from projections.affecting import Affecting, indented
from projections.definitions import FieldKinds
from projections.folding import Folding
from projections.indexing import Indexed, Indexing
from projections.passing import Passing
from projections.sources import ConsentSource, ProfileSource, Source, TraitSource


@dataclass(slots=True)
class Handlers:
    """Writes the functions of all event types."""

    affecting: Affecting
    passing: Passing
    types: Mapping[str, FieldKinds]

    @property
    def indexing(self) -> Indexing:
        """What is written about."""
        return self.affecting.indexing

    def handler(self, type_name: str) -> list[str]:
        """The function that folds one event of a type."""
        touched = [ix for ix in self.indexing.indexed.values() if type_name in self.touching(ix.source)]
        folding = Folding(type_name, self.types[type_name], self.indexing.constants)
        body = [
            "d = ev.data; o = ev.occurred_at_ms",
            "if o > t: o = t",
            "k = offset << 20; L = NEVER",
            "if s.exit_at <= t: expire(s, t, cand)",
            *self.affecting.snapshots(touched),
            *folding.statements([ix.source for ix in touched]),
            *self.person(type_name),
            *self.affecting.candidates(touched),
            *(line for ix in touched for line in self.passing.new_bound(ix)),
            *self.passing.regrouped(touched),
            *self.affecting.astray("cand += s.strays", "if s.exit_at < L: L = s.exit_at"),
            f"return L, {self.before(touched)}",
        ]
        return [f"def on_{type_name}(s, ev, t, offset, cand):", *indented(body)]

    def touching(self, src: Source) -> Iterable[str]:
        """The event types that can change a source."""
        match src:
            case TraitSource():
                return src.code.definition.types
            case ProfileSource():
                return ("profile_updated",)
            case ConsentSource():
                return ("consent_changed", "unsubscribed")
        return ()

    def before(self, touched: list[Indexed]) -> str:
        """The snapshots, in the order of `evidence_order`; for sets the elements that changed."""
        return "(" + "".join(f"{ix.changes or f'b{ix.number}'}, " for ix in touched if ix.evidence) + ")"

    def evidence_order(self, type_name: str | None) -> tuple[str, ...]:
        """The names of the sources in a handler's snapshots; None is for time."""
        return tuple(
            name
            for name, ix in self.indexing.indexed.items()
            if ix.evidence and (type_name in self.touching(ix.source) if type_name else ix.window is not None)
        )

    def person(self, type_name: str) -> list[str]:
        """Statements of the types that change profile, consents and addresses."""
        match type_name:
            case "profile_updated":
                slots = [ix.source for ix in self.indexing.indexed.values() if isinstance(ix.source, ProfileSource)]
                copies = [f"s.{each.slot.name} = (s.profile.get({each.field!r}) or NOTHING)[0]" for each in slots]
                return ["update_profile(s, d, PROFILE_READERS, o, offset << 20)", *copies]
            case "consent_changed":
                return ["update_consent(s, d.channel, d.purpose, granted=d.granted, when=(o, offset << 20))"]
            case "unsubscribed":
                return ["unsubscribe(s, d.channel, d.purpose, o, offset << 20)"]
            case "message_bounced" | "message_complained":
                test = "if d.kind == 'hard': " if type_name == "message_bounced" else ""
                return [f"{test}mark_address(s, d.channel, d.address, o, offset << 20)"]
        return []
