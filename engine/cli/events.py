"""`strand events`: which events there are, and what they carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import Json
from engine.cli.output import print_rows, say
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from events.schema import Fields


def events(
    type: Annotated[str | None, typer.Argument(metavar="[TYPE]", help="One type: its fields.")] = None,
    as_json: Json = False,
) -> None:
    """Show the built-in event types and their fields; those marked * must be there.

    \b
    Examples:
      strand events
      strand events order_completed
      strand events --json
    """
    from events.nearest import did_you_mean
    from events.types import BUILTIN, TYPES

    if type is None:
        rows = ({"type": name, "fields": summary(fields)} for name, fields in BUILTIN.items())
        print_rows(["type", "fields"], rows, as_json=as_json)
        return
    if type not in BUILTIN:
        hint = did_you_mean(type, BUILTIN) or "; `strand events` lists them"
        raise CalledWrongly(f"no event type is called {type!r}{hint}")
    if not as_json:
        say(f"{type}: {TYPES[type].__doc__}")
    print_rows(["field", "kind", "required"], field_rows(BUILTIN[type]), as_json=as_json)


def summary(fields: Fields) -> str:
    """The fields of a type in one line: `order_id*, total*, items: [sku*, name]`."""
    parts = []
    for name, kind in fields.fields.items():
        inner = "" if isinstance(kind, str) else f": [{summary(kind)}]"
        parts.append(f"{name}{'*' if name in fields.required else ''}{inner}")
    return ", ".join(parts)


def field_rows(fields: Fields, prefix: str = "") -> Iterator[dict[str, object]]:
    """A row for each field, those of list elements below their list."""
    for name, kind in fields.fields.items():
        yield {
            "field": prefix + name,
            "kind": kind if isinstance(kind, str) else "list",
            "required": name in fields.required,
        }
        if not isinstance(kind, str):
            yield from field_rows(kind, f"{prefix}{name}.")
