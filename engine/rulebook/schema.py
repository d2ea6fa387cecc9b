"""The event types and profile fields that a rulebook may speak of: those built in and those it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.rulebook.nodes import Node, Scalar, is_recorded
from engine.rulebook.reading import Reading
from engine.rulebook.sections import Sections
from events.envelope import CONTROL_TYPES
from events.nearest import did_you_mean
from events.schema import KINDS, Fields, is_type_name, merged
from events.types import BUILTIN, PROFILE_FIELDS
from projections.definitions import FieldKinds
from projections.expressions.tree import Kind

PROFILE_UPDATED = "profile_updated"


@dataclass(frozen=True, slots=True)
class Schema:
    """`declared` has what the rulebook adds, in the form that the doors judge events by."""

    types: Mapping[str, FieldKinds]
    profile: Mapping[str, Kind]
    declared: Mapping[str, Fields]

    def unknown_type(self, name: str) -> str:
        """Why a word is no type of event."""
        guess = (
            did_you_mean(name, self.types)
            or "; the types are listed by `strand events`, further ones declared under events:"
        )
        return f"no type of event is called '{name:.60}'{guess}"


def read_schema(sections: Sections, reading: Reading) -> Schema:
    """The schema of a rulebook."""
    declared: dict[str, Fields] = {}
    for name, (key, node) in sorted(sections["events"].items()):
        fields = _declaration(name, key, node, reading)
        if fields is not None:
            declared[name] = fields
    profile = _profile(sections, reading)
    if profile:
        declared[PROFILE_UPDATED] = Fields(profile)
    types = {
        name: _field_kinds(both)
        for name in sorted(BUILTIN.keys() | declared.keys())
        if (both := merged(BUILTIN.get(name), declared.get(name))) is not None
    }
    kinds = {name: Kind(kind) for name, kind in sorted({**PROFILE_FIELDS, **profile}.items())}
    return Schema(types, kinds, declared)


def _declaration(name: str, key: Scalar, node: Node, reading: Reading) -> Fields | None:
    if name in CONTROL_TYPES:
        reading.refuse(key, f"'{name}' is written by the engine alone")
    elif name == PROFILE_UPDATED:
        reading.refuse(key, "fields of the profile are declared under profile:")
    elif name not in BUILTIN and not (is_type_name(name) or is_recorded(key)):
        reading.refuse(key, f"a type of event is in snake_case, past tense, as order_completed; found '{name:.60}'")
    else:
        built_in = BUILTIN[name].fields if name in BUILTIN else {}
        fields: dict[str, str] = {}
        for field, kind in reading.entries(node, f"the event '{name}'"):
            _declare(field, kind, _Owner(name, built_in, fields), reading)
        return Fields(dict(sorted(fields.items())))
    return None


def _profile(sections: Sections, reading: Reading) -> dict[str, str]:
    profile: dict[str, str] = {}
    for _, (key, node) in sorted(sections["profile"].items()):
        _declare(key, node, _Owner("the profile", PROFILE_FIELDS, profile), reading)
    return profile


@dataclass(frozen=True, slots=True)
class _Owner:
    """What fields are declared for."""

    name: str
    built_in: Mapping[str, object]
    fields: dict[str, str]


def _declare(key: Scalar, node: Node, owner: _Owner, reading: Reading) -> None:
    name = reading.stored_name(key, "a field")
    if name is None:
        return
    if name in owner.built_in:
        found = owner.built_in[name]
        reading.refuse(key, f"{owner.name} already has '{name}'{f', {found}' if isinstance(found, str) else ''}")
        return
    kind = reading.one_of(node, f"the kind of '{name}'", KINDS)
    if kind is not None:
        owner.fields[name] = kind


def _field_kinds(fields: Fields) -> FieldKinds:
    kinds = {
        name: Kind(field) if isinstance(field, str) else _field_kinds(field) for name, field in fields.fields.items()
    }
    return FieldKinds(fields=kinds, required=fields.required)
