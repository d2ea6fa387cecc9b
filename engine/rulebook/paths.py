"""Resolves the paths that traits read, such as `order_completed.items.category`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.rulebook.nodes import Node, Scalar, describe
from engine.rulebook.reading import Reading
from engine.rulebook.schema import Schema
from projections.definitions import FieldKinds
from projections.expressions.event_fields import unknown_field
from projections.expressions.tree import Kind


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field of an event, or of each element of a list in it; path[:list_depth] leads to the list."""

    type: str
    path: tuple[str, ...]
    list_depth: int
    kind: Kind


def read_type(node: Node, what: str, schema: Schema, reading: Reading) -> str | None:
    """A type of event."""
    if not isinstance(node, Scalar) or node.is_null:
        reading.refuse(node, f"{what} needs a type of event; found {describe(node)}")
    elif node.text in schema.types:
        return node.text
    elif node.text.partition(".")[0] in schema.types:
        reading.refuse(
            node, f"{what} needs a type of event alone, '{node.text.partition('.')[0]}'; found {describe(node)}"
        )
    else:
        reading.refuse_unknown(node, schema.unknown_type(node.text))
    return None


def read_path(node: Node, what: str, schema: Schema, reading: Reading) -> FieldPath | None:
    """A path to a field that the schema has."""
    if not isinstance(node, Scalar) or node.is_null:
        reading.refuse(node, f"{what} needs a path such as order_completed.total; found {describe(node)}")
        return None
    type_name, *path = node.text.split(".")
    fields = schema.types.get(type_name)
    if fields is None:
        reading.refuse_unknown(node, schema.unknown_type(type_name))
    elif not path:
        reading.refuse(node, f"{what} needs a field of {type_name} after a dot{_for_example(fields, type_name)}")
    else:
        return _walk(node, type_name, tuple(path), fields, reading)
    return None


def _walk(
    node: Scalar, type_name: str, path: tuple[str, ...], fields: FieldKinds, reading: Reading
) -> FieldPath | None:
    lists = [0]
    here: Kind | FieldKinds = fields
    for depth, part in enumerate(path, 1):
        if isinstance(here, Kind) or part not in here.fields:
            reading.refuse_unknown(node, unknown_field(path, {type_name: fields}))
            return None
        here = here.fields[part]
        if isinstance(here, FieldKinds):
            lists.append(depth)
    if isinstance(here, FieldKinds):
        reading.refuse(node, f"'{path[-1]}' is a list; name a field of its elements{_for_example(here, node.text)}")
        return None
    if len(lists) > 2:
        reading.refuse(node, f"'{node.text}' leads through two lists; a path walks one")
        return None
    return FieldPath(type_name, path, lists[-1], here)


def _for_example(fields: FieldKinds, before: str) -> str:
    return f", such as {before}.{min(fields.fields)}" if fields.fields else ""
