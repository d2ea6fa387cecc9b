"""Schemas in the form that needs no library: field names and the names of their kinds.

The pydantic models of `events.data` are written by hand for the built-in types; what a rulebook declares comes as
`Fields`, and both can be had as either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

NUMBER: Final = "number"
TEXT: Final = "text"
FLAG: Final = "flag"
TIME: Final = "time"
DATE: Final = "date"
KINDS = (NUMBER, TEXT, FLAG, TIME, DATE)

_TYPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
_MAX_TYPE_LENGTH = 100

# A field's kind, or the fields of each element where it is a list.
Field: TypeAlias = "str | Fields"


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an event type, or of the elements of a list; those not required may be absent or null."""

    fields: Mapping[str, Field]
    required: frozenset[str] = field(default_factory=frozenset)

    def __hash__(self) -> int:
        return hash((tuple(self.fields.items()), self.required))


def is_type_name(text: str) -> bool:
    """Whether a type of event can be called so: snake_case, not too long."""
    return len(text) <= _MAX_TYPE_LENGTH and _TYPE.fullmatch(text) is not None


def merged(built_in: Fields | None, declared: Fields | None) -> Fields | None:
    """A built-in type with the fields that a rulebook adds to it; its own stay as they are."""
    if built_in is None or declared is None:
        return built_in or declared
    added = {name: kind for name, kind in declared.fields.items() if name not in built_in.fields}
    return Fields({**built_in.fields, **added}, built_in.required | (declared.required & added.keys()))
