"""How people read what is known of a customer: which functions to call is settled once, not for each customer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from events.calendar import date_text
from events.numbers import shown
from events.times import instant_text
from projections.expressions.tree import Kind
from projections.program import Program

Show: TypeAlias = Callable[[Any], Any]
Fraction: TypeAlias = Callable[..., int | Decimal]


def shown_value(value: Any, kind: Kind, element: Kind | None = None) -> Any:
    """A trait's or profile's exact value as people read it: numbers, ISO dates and instants, lists."""
    return None if value is None else show_of(kind, element)(value)


def show_of(kind: Kind, element: Kind | None = None, fraction: Fraction = shown) -> Show:
    """What makes an exact value that is not null readable; `fraction` makes its numbers."""
    match kind:
        case Kind.NUMBER:
            return lambda value: fraction(*value) if type(value) is tuple else fraction(value)
        case Kind.TIME:
            return instant_text
        case Kind.DATE:
            return date_text
        case Kind.SET | Kind.LIST:
            show = show_of(element or Kind.TEXT, fraction=fraction)
            return lambda values: [None if each is None else show(each) for each in values]
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


class Shown:
    """The profile fields and traits that are `named`, all if None, of a program's customers.

    `fraction` makes their numbers.
    """

    __slots__ = ("_profile", "_traits")

    def __init__(
        self,
        program: Program,
        fields: frozenset[str] | None = None,
        traits: frozenset[str] | None = None,
        fraction: Fraction = shown,
    ) -> None:
        world = program.world
        self._profile: list[tuple[str, Show]] = [
            (name, show_of(kind, fraction=fraction))
            for name, kind in sorted(world.profile.items())
            if fields is None or name in fields
        ]
        self._traits: list[tuple[str, Callable[[Any, int], Any], Show]] = []
        for name, value in program.trait_value.items():
            if traits is None or name in traits:
                trait = world.traits.get(name)  # none of the instants that every customer has
                show = instant_text if trait is None else show_of(trait.value, trait.element, fraction)
                self._traits.append((name, value, show))

    def profile(self, state: Any) -> dict[str, Any]:
        """What is known of the profile."""
        entries = state.profile
        found = {}
        for name, show in self._profile:
            entry = entries.get(name)
            if entry is not None:
                value = entry[0]
                found[name] = None if value is None else show(value)
        return found

    def traits(self, state: Any, t_ms: int) -> dict[str, Any]:
        """Every trait's value at the time."""
        found = {}
        for name, exact, show in self._traits:
            value = exact(state, t_ms)
            found[name] = None if value is None else show(value)
        return found
