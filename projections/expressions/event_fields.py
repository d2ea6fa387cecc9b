"""Finds the field of an event, or of an item, that an expression names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from events.nearest import did_you_mean
from projections.definitions import FieldKinds
from projections.expressions.kinds import Typed, article
from projections.expressions.tree import Kind

MAX_LISTED = 12


def field_of_event(path: tuple[str, ...], fields: FieldKinds) -> Typed | None:
    """What a path stands for: a list of what its items have, where it leads through one list. Always nullable."""
    lists = 0
    here: Kind | FieldKinds = fields
    for part in path:
        if isinstance(here, Kind) or part not in here.fields:
            return None
        here = here.fields[part]
        lists += isinstance(here, FieldKinds)
    if lists > 1:
        return None
    if isinstance(here, FieldKinds):
        return Typed(Kind.LIST, nullable=True)
    return Typed(Kind.LIST, element=here, nullable=True) if lists else Typed(here, nullable=True)


def unknown_field(path: tuple[str, ...], types: Mapping[str, FieldKinds], owner: str = "") -> str:
    """Why no type has a field at this path, with the nearest spelling; `owner` is what it is a field of, by default
    the event."""
    heres: list[FieldKinds] = list(types.values())
    for depth, part in enumerate(path):
        following = [fields.fields[part] for fields in heres if part in fields.fields]
        if not following:
            known = {name for fields in heres for name in fields.fields}
            return f"{_lacking(types, path, depth, owner)} '{part}'{did_you_mean(part, known)}"
        nested = [fields for fields in following if isinstance(fields, FieldKinds)]
        if depth + 1 < len(path) and not nested:
            return f"'{part}' is {article(str(following[0]))}; it has no fields"
        heres = nested
    return f"'{'.'.join(path)}' leads through more than one list"


def _lacking(types: Mapping[str, FieldKinds], path: tuple[str, ...], depth: int, owner: str) -> str:
    if depth or owner:
        return f"an element of '{path[depth - 1]}' has no field" if depth else f"{owner} has no field"
    return f"the event {min(types)} has no field" if len(types) == 1 else "no event here has a field"


def listed(words: Iterable[str]) -> str:
    """The words in quotes, as a sentence lists them: the first of many."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) > MAX_LISTED:
        return f"{', '.join(quoted[:MAX_LISTED])} and {len(quoted) - MAX_LISTED:,} more"
    if not quoted:
        return "nothing"
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]
