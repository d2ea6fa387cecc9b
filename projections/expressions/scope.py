"""What names an expression may use, and what each of them is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field

from events.errors import Fault
from events.nearest import did_you_mean
from projections.definitions import FieldKinds
from projections.expressions.event_fields import field_of_event, listed, unknown_field
from projections.expressions.kinds import Typed
from projections.expressions.tree import Kind, Name, Ref, Root

# Names that no trait, segment or dimension may take.
RESERVED = frozenset(
    {"event", "item", "cause", "profile", "consent", "sent", "opened", "clicked", "known_since", "last_seen_at"}
)
_COUNTERS = ("sent", "opened", "clicked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that one expression sees; `what` names its place in messages, e.g. `a segment`.

    `event`, `item` and `cause` give fields by event type; None where the root is not to be seen. A name in `broken`
    exists, but its own definition has a fault that is reported elsewhere. `still_because` is why nothing here may
    move with time, empty where it may.
    """

    what: str
    traits: Mapping[str, Typed] = field(default_factory=dict)
    segments: Mapping[str, Typed] = field(default_factory=dict)
    dimensions: Mapping[str, Typed] = field(default_factory=dict)
    profile: Mapping[str, Kind] | None = None  # None: the customer (profile, consent, counters) is not to be seen
    event: Mapping[str, FieldKinds] | None = None
    item: Mapping[str, FieldKinds] | None = None
    cause: Mapping[str, FieldKinds] | None = None
    broken: Set[str] = frozenset()
    hidden: Mapping[str, str] = field(default_factory=dict)  # name -> why it cannot be used here
    still_because: str = ""
    suggest: Callable[[str, Collection[str]], str] = did_you_mean
    incomplete: bool = False  # further names are defined where they cannot be read: one that is unknown is no fault

    def names(self) -> Iterator[str]:
        """Every name that stands alone here, for suggestions."""
        yield from self.traits
        yield from self.segments
        yield from self.dimensions
        if self.profile is not None:
            yield from ("known_since", "last_seen_at")

    def roots(self) -> Iterator[str]:
        """Every name that may stand before a dot here, for suggestions."""
        if self.profile is not None:
            yield from ("profile", "consent", *_COUNTERS)
        for root in ("event", "item", "cause"):
            if getattr(self, root) is not None:
                yield root


def resolve(name: Name, scope: Scope) -> Ref | Fault | None:
    """What a name refers to, a fault where it refers to nothing, or None where what it refers to is broken."""
    found = _look_up(name, scope)
    return None if scope.incomplete and isinstance(found, Fault) else found


def _look_up(name: Name, scope: Scope) -> Ref | Fault | None:
    first = name.parts[0]
    if len(name.parts) == 1:
        return _plain(name, first, scope)
    if first in ("event", "item", "cause"):
        fields: Mapping[str, FieldKinds] | None = getattr(scope, first)
        if fields is None:
            return _fault(name, f"{scope.what} does not see '{first}'{_not_seen(first)}")
        return _field(name, Root(first), fields)
    if first in ("profile", "consent", *_COUNTERS):
        if scope.profile is None:
            return _fault(name, f"{scope.what} does not see '{first}'; it sees {listed(scope.roots())}")
        return _customer(name, scope.profile)
    if first in scope.traits or first in scope.segments or first in scope.dimensions:
        return _fault(name, f"'{first}' has no fields; only {listed(scope.roots())} stand before a dot here")
    guess = did_you_mean(first, scope.roots()) or f"; only {listed(scope.roots())} stand before a dot here"
    return _fault(name, f"nothing is called '{first}'{guess}")


def _plain(name: Name, word: str, scope: Scope) -> Ref | Fault | None:
    if word in scope.broken:
        return None
    if word in scope.traits:
        return _ref(name, Root.TRAIT, (word,), scope.traits[word])
    if word in scope.segments:
        return _ref(name, Root.SEGMENT, (word,), scope.segments[word])
    if word in scope.dimensions:
        return _ref(name, Root.DIMENSION, (word,), scope.dimensions[word])
    if word in scope.hidden:
        return _fault(name, scope.hidden[word])
    if scope.profile is not None and word in ("known_since", "last_seen_at"):
        return _ref(name, Root.BUILTIN, (word,), Typed(Kind.TIME, nullable=word == "last_seen_at"))
    if word in RESERVED and word not in ("known_since", "last_seen_at"):
        if word in scope.roots():
            return _fault(name, f"'{word}' needs a dot and a name after it, as in {_EXAMPLES[word]}")
        return _fault(name, f"{scope.what} does not see '{word}'{_not_seen(word)}")
    return _fault(name, _unknown(word, scope))


_EXAMPLES = {
    "event": "event.total",
    "item": "item.price",
    "cause": "cause.cart_id",
    "profile": "profile.city",
    "consent": "consent.email.marketing",
    "sent": "sent.email",
    "opened": "opened.email",
    "clicked": "clicked.email",
}


# What people write for a literal, in small letters -> what is right.
_MEANT = {
    **dict.fromkeys(("yes", "true"), "a flag is written true"),
    **dict.fromkeys(("no", "false"), "a flag is written false"),
    **dict.fromkeys(("none", "null"), "what is not there is written null, as in x is null"),
}


def _unknown(word: str, scope: Scope) -> str:
    if word.lower() in _MEANT:
        return f"nothing is called '{word}'; in an expression {_MEANT[word.lower()]}"
    if not scope.traits and scope.profile is None:
        return f"{scope.what} sees no '{word}', only names after {listed(scope.roots())}"
    kinds = "trait, segment or dimension" if scope.segments or scope.dimensions else "trait"
    return f"no {kinds} is called '{word}'{scope.suggest(word, list(scope.names()))}"


def _not_seen(root: str) -> str:
    if root == "item":
        return ", which stands for an element of the list that a trait's path walks"
    if root == "cause":
        return ", which is the event that made a match and is seen in cancel_when"
    if root == "event":
        return ": a condition on one event belongs to a trait's or trigger's 'where'"
    return ""


def _customer(name: Name, profile: Mapping[str, Kind]) -> Ref | Fault:
    first, *rest = name.parts
    if first == "consent":
        if len(rest) != 2:
            return _fault(name, "consent is asked by channel and purpose, as in consent.email.marketing")
        return _ref(name, Root.CONSENT, tuple(rest), Typed(Kind.FLAG))
    if len(rest) != 1:
        return _fault(name, f"'{first}' takes one name after it, as in {_EXAMPLES[first]}")
    if first in _COUNTERS:
        return _ref(name, Root.BUILTIN, name.parts, Typed(Kind.NUMBER))
    kind = profile.get(rest[0])
    if kind is None:
        guess = did_you_mean(rest[0], profile) or "; further ones are declared under profile:"
        return _fault(name, f"the profile has no field '{rest[0]}'{guess}")
    return _ref(name, Root.PROFILE, tuple(rest), Typed(kind, nullable=True))


def _field(name: Name, root: Root, types: Mapping[str, FieldKinds]) -> Ref | Fault:
    """A field of one of several types of events; of the same kind in each that has it."""
    path = name.parts[1:]
    found = {typed for fields in types.values() if (typed := field_of_event(path, fields)) is not None}
    if not found:
        return _fault(name, unknown_field(path, types, "an item" if root is Root.ITEM else ""))
    if len(found) > 1:
        kinds = listed(sorted(str(typed.element or typed.kind) for typed in found))
        return _fault(name, f"'{'.'.join(name.parts)}' is {kinds} in different types of events")
    typed = found.pop()
    return _ref(name, root, path, typed)


def _ref(name: Name, root: Root, path: tuple[str, ...], typed: Typed) -> Ref:
    return Ref(
        at=name.at,
        end=name.end,
        kind=typed.kind,
        element=typed.element,
        nullable=typed.nullable,
        moving=typed.moving,
        root=root,
        path=path,
    )


def _fault(name: Name, message: str) -> Fault:
    return Fault(name.at, name.end, message)
