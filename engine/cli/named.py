"""Names in options: one that nothing can have is refused, one that only an earlier rulebook may know is remarked on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.cli.output import note
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.views.partition import Views


def among(value: str | None, what: str, names: Iterable[str]) -> None:
    """Raise CalledWrongly for a word that is none of those there are."""
    known = list(names)
    if value is not None and value not in known:
        from events.nearest import did_you_mean

        hint = did_you_mean(value, known) or f"; there are {', '.join(known) or 'none'}"
        raise CalledWrongly(f"no {what} is called {value!r}{hint}")


def hint_at_trigger(name: str | None, views: Views) -> None:
    """Say so if the active rulebook has no such trigger."""
    _hint(name, "trigger", () if views.rulebook is None else views.rulebook.rules.triggers)


def hint_at_channel(name: str | None, views: Views) -> None:
    """Say so if no trigger of the active rulebook sends by this channel."""
    triggers = () if views.rulebook is None else views.rulebook.rules.triggers.values()
    _hint(name, "channel", {channel for trigger in triggers for channel in trigger.message.channels})


def _hint(name: str | None, what: str, known: Iterable[str]) -> None:
    """A name that is not known may be one of an earlier rulebook, or a slip."""
    if name is not None and name not in known:
        from events.nearest import did_you_mean

        note(f"the active rulebook has no {what} {name!r}{did_you_mean(name, known)}")


def hint_at_customer(id: str | None, views: Views) -> None:
    """Say so if there is no such customer."""
    if id is not None:
        from engine.views.customer import known_state, not_known

        if known_state(views.of(id), id) is None:
            note(not_known(id))
