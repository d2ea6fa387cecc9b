"""Typed decoders of the log's records that read only the fields a rulebook uses.

What is not used is skipped by the decoder, not allocated. A record that does not fit raises msgspec's errors; the
shard judges it then.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from events.envelope import RULEBOOK_ACTIVATED, TICK
from projections.definitions import FieldKinds
from projections.expressions.tree import Kind

FIELD_TYPES: dict[Kind, Any] = {
    Kind.NUMBER: int | float | None,
    Kind.TEXT: str | None,
    Kind.FLAG: bool | None,
    Kind.TIME: int | str | None,
    Kind.DATE: int | str | None,
}
UNSET_TYPES: dict[Kind, Any] = {kind: kinds | msgspec.UnsetType for kind, kinds in FIELD_TYPES.items()}

ENVELOPE: list[tuple[str, Any]] = [
    ("envelope", int),
    ("id", str),
    ("customer_id", str),
    ("occurred_at_ms", int),
    ("appended_at_ms", int),
    ("source", str),
    ("version", int),
]


class Unread(msgspec.Struct, gc=False, frozen=True):
    """Data of which nothing is used."""


class Tick(msgspec.Struct, array_like=True, tag=TICK, gc=False):
    """A control record that only moves the clock."""

    envelope: int
    id: str
    customer_id: str
    occurred_at_ms: int
    appended_at_ms: int


class Activated(msgspec.Struct, array_like=True, tag=RULEBOOK_ACTIVATED, gc=False):
    """A control record that carries a rulebook; `data` is its payload."""

    envelope: int
    id: str
    customer_id: str
    occurred_at_ms: int
    appended_at_ms: int
    source: str
    version: int
    data: dict[str, Any]


def attribute(name: str) -> str:
    """The Python attribute a field is read by."""
    return f"{name}_" if keyword.iskeyword(name) else name


@dataclass(slots=True)
class FieldsRead:
    """The fields of one event type that are read, as a tree."""

    kinds: FieldKinds
    used: dict[str, FieldsRead | None] = field(default_factory=dict)

    def note(self, path: tuple[str, ...]) -> None:
        """Mark the field at `path` as read."""
        name, rest = path[0], path[1:]
        inner = self.kinds.fields[name]
        if isinstance(inner, FieldKinds):
            below = self.used.setdefault(name, FieldsRead(inner))
            assert below is not None
            if rest:
                below.note(rest)
        else:
            self.used[name] = None

    def struct(self, name: str, *, lists: bool = True) -> type[msgspec.Struct]:
        """The struct that reads just these fields."""
        if not self.used:
            return Unread
        members: list[tuple[str, Any, Any]] = []
        for key in sorted(self.used):
            below, kind = self.used[key], self.kinds.fields[key]
            if below is not None:
                members.append((attribute(key), list[below.struct(f"{name}_{key}")] | None, None))  # type: ignore[misc]  # built at run time
            elif isinstance(kind, Kind):
                members.append((attribute(key), FIELD_TYPES[kind], None))
        rename = {attribute(key): key for key in self.used}
        return msgspec.defstruct(name, members, gc=False, rename=rename)


def event_struct(type_name: str, data: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The typed event of one type."""
    return msgspec.defstruct(
        f"Event_{type_name}", [*ENVELOPE, ("data", data)], array_like=True, tag=type_name, gc=False
    )


def profile_struct(profile: Mapping[str, Kind]) -> type[msgspec.Struct]:
    """The data of profile_updated: absent, null and present fields are three different things."""
    members = [(attribute(name), UNSET_TYPES[kind], msgspec.UNSET) for name, kind in sorted(profile.items())]
    return msgspec.defstruct("Profile", members, gc=False, rename={attribute(name): name for name in profile})
