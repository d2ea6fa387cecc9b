"""Typed decoders of the log's records that read only the fields a rulebook uses.

What is not used is skipped by the decoder, not allocated. A record that does not fit raises msgspec's errors; the
shard judges it then.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from events.envelope import RULEBOOK_ACTIVATED, TICK
from events.numbers import quantise
from events.times import parse_instant
from projections.definitions import FieldKinds
from projections.expressions.runtime import day_of
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


ITEM_DEFAULTS = {"quantity": 1}
"""An item that does not say how many is one."""


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
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def note(self, path: tuple[str, ...]) -> None:
        """Mark the field at `path` as read."""
        name, rest = path[0], path[1:]
        inner = self.kinds.fields[name]
        if isinstance(inner, FieldKinds):
            below = self.used.setdefault(name, FieldsRead(inner, defaults=ITEM_DEFAULTS if name == "items" else {}))
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
                members.append((attribute(key), FIELD_TYPES[kind], self.defaults.get(key)))
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


def note_all(read: FieldsRead) -> None:
    """Mark every field of a type as read."""
    for name, kind in read.kinds.fields.items():
        read.note((name,))
        below = read.used[name]
        if isinstance(kind, FieldKinds) and below is not None:
            note_all(below)


READERS: dict[Kind, Callable[[Any], Any]] = {Kind.NUMBER: quantise, Kind.TIME: parse_instant, Kind.DATE: day_of}


def checker(read: FieldsRead) -> Callable[[Any], None] | None:
    """A function that raises InputRefused or ValueError for an event whose times and dates cannot be read, so that no
    handler stops half way; None where there is nothing to check (numbers were judged at the door)."""
    found = list(_checks(read))
    if not any(kind in (Kind.TIME, Kind.DATE) for _, kind in found):
        return None

    def check(event: Any) -> None:
        for path, kind in found:
            _check(event.data, path, READERS[kind])

    return check


def _checks(read: FieldsRead, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Kind]]:
    for name, below in read.used.items():
        kind = read.kinds.fields[name]
        if below is not None:
            yield from _checks(below, (*above, attribute(name)))
        elif isinstance(kind, Kind) and kind in READERS:
            yield (*above, attribute(name)), kind


def _check(value: Any, path: tuple[str, ...], reader: Callable[[Any], Any]) -> None:
    if value is None or value is msgspec.UNSET:
        return
    if isinstance(value, list):
        for item in value:
            _check(item, path, reader)
    elif path:
        _check(getattr(value, path[0]), path[1:], reader)
    else:
        reader(value)


def profile_checker(profile: Mapping[str, Kind]) -> Callable[[Any], None]:
    """The same for profile_updated."""
    found = [((attribute(name),), READERS[kind]) for name, kind in profile.items() if kind in READERS]

    def check(event: Any) -> None:
        for path, reader in found:
            _check(event.data, path, reader)

    return check
