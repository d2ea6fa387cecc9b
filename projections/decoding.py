"""Typed decoders of the log's records: all that an event type's schema names, judged as it is read.

A record that does not fit raises msgspec's errors; the shard then asks the judge for the reason.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from events.calendar import parse_date
from events.decodable import decodable
from events.envelope import RULEBOOK_ACTIVATED, TICK
from events.numbers import LIMIT
from events.times import parse_instant
from projections.definitions import JOINT, FieldKinds, WorldDef
from projections.expressions.tree import Kind

WHOLE = Annotated[int, msgspec.Meta(gt=-LIMIT, lt=LIMIT)]
DECIMAL = Annotated[float, msgspec.Meta(gt=-float(LIMIT), lt=float(LIMIT))]  # NaN is neither
FIELD_TYPES: dict[Kind, Any] = {
    Kind.NUMBER: WHOLE | DECIMAL,
    Kind.TEXT: str,
    Kind.FLAG: bool,
    Kind.TIME: int | str,
    Kind.DATE: str,
}
UNSET_TYPES: dict[Kind, Any] = {kind: each | None | msgspec.UnsetType for kind, each in FIELD_TYPES.items()}

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
"""What stands for a field of an item that is left out, as `events.data.shopping.Item` has it; null is null."""


@decodable
class Tick(msgspec.Struct, array_like=True, tag=TICK, gc=False):
    """A control record that only moves the clock."""

    envelope: int
    id: str
    customer_id: str
    occurred_at_ms: int
    appended_at_ms: int


@decodable
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
    return f"{name}{JOINT}" if keyword.iskeyword(name) else name


def data_struct(
    name: str, kinds: FieldKinds, defaults: Mapping[str, Any] = MappingProxyType({})
) -> type[msgspec.Struct]:
    """The struct of an event type's data, or of a list's items: required fields must be there, the rest may be null."""
    members: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for key, kind in sorted(kinds.fields.items()):
        if isinstance(kind, FieldKinds):
            item = data_struct(f"{name}_{key}", kind, ITEM_DEFAULTS)
            field_type: Any = list[item]  # type: ignore[valid-type]  # built at run time
        else:
            field_type = FIELD_TYPES[kind]
        if key in kinds.required:
            members.append((attribute(key), field_type))
        else:
            members.append((attribute(key), field_type | None, defaults.get(key)))
    rename = {attribute(key): key for key in kinds.fields}
    return msgspec.defstruct(name, members, gc=False, kw_only=True, rename=rename)


def event_struct(type_name: str, data: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The typed event of one type."""
    return msgspec.defstruct(
        f"Event_{type_name}", [*ENVELOPE, ("data", data)], array_like=True, tag=type_name, gc=False
    )


def profile_struct(profile: Mapping[str, Kind]) -> type[msgspec.Struct]:
    """The data of profile_updated: absent, null and present fields are three different things."""
    members = [(attribute(name), UNSET_TYPES[kind], msgspec.UNSET) for name, kind in sorted(profile.items())]
    return msgspec.defstruct("Profile", members, gc=False, rename={attribute(name): name for name in profile})


def event_structs(world: WorldDef) -> dict[str, type[msgspec.Struct]]:
    """The typed event of every type."""
    made = {}
    for name, kinds in world.types.items():
        profile = name == "profile_updated"
        made[name] = event_struct(
            name, profile_struct(world.profile) if profile else data_struct(f"Data_{name}", kinds)
        )
    return made


def event_decoder(structs: Mapping[str, type[msgspec.Struct]]) -> Callable[[bytes], Any]:
    """The function that reads a record of any of the types, or a control record."""
    return msgspec.msgpack.Decoder(reduce(or_, [*structs.values(), Tick, Activated])).decode


READERS: dict[Kind, Callable[[Any], Any]] = {Kind.TIME: parse_instant, Kind.DATE: parse_date}


def checker(kinds: FieldKinds) -> Callable[[Any], None] | None:
    """A function that raises InputRefused or ValueError for an event whose times and dates cannot be read, so that no
    handler stops half way; None for a type that has none."""
    found = list(_moments(kinds))
    if not found:
        return None

    def check(event: Any) -> None:
        for path, kind in found:
            _check(event.data, path, READERS[kind])

    return check


def _moments(kinds: FieldKinds, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Kind]]:
    for name, kind in kinds.fields.items():
        if isinstance(kind, FieldKinds):
            yield from _moments(kind, (*above, attribute(name)))
        elif kind in READERS:
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


def event_checks(
    world: WorldDef, structs: Mapping[str, type[msgspec.Struct]]
) -> dict[type[msgspec.Struct], Callable[[Any], None]]:
    """The checks of the types that have times or dates, by their structs."""
    checks = {name: checker(kinds) for name, kinds in world.types.items()}
    found = {structs[name]: check for name, check in checks.items() if check is not None}
    return found | {structs["profile_updated"]: profile_checker(world.profile)}
