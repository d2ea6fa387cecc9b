"""What the list commands share: filters, the newest few for a person, everything for a pipe or a file."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from engine.cli.exporting import Format, export
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, print_rows

FOR_A_PERSON = 40

Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="From this instant on: a date, ISO 8601 or milliseconds.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before this instant.")]
Limit = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help=f"The newest N; 0 for all. A terminal gets {FOR_A_PERSON} unless told."),
]
Customer = Annotated[str | None, typer.Option(metavar="ID", help="Only this customer's.")]
Formats = Annotated[Format | None, typer.Option("--format", help="Export in this format; --out's ending says it too.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file.", dir_okay=False)]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of every list: which rows, and where to."""

    since: Since = None
    until: Until = None
    limit: Limit = None
    format: Formats = None
    out: Out = None
    workspace: Workspace = HERE
    as_json: Json = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list is of: `columns` of the data, what a person sees instead, and how a row is made that."""

    what: str
    columns: Sequence[str]
    for_a_person: Sequence[str]
    show: Callable[[Row], Row]


def listing(command: Callable[..., None]) -> Callable[..., None]:
    """A command with its own options and those of every list, which it takes as `asked`."""
    own = [each for each in signature(command, eval_str=True).parameters.values() if each.name != "asked"]
    hints = get_type_hints(Asked, include_extras=True)
    shared = {
        each.name: Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(Asked)
    }

    @wraps(command)
    def whole(**options: Any) -> None:
        asked = Asked(**{name: options.pop(name) for name in shared})
        command(**options, asked=asked)

    parameters = [*own, *shared.values()]
    whole.__annotations__ = {each.name: each.annotation for each in parameters}
    vars(whole)["__signature__"] = Signature(parameters)
    return whole


def where(rows: Iterable[Row], since_ms: int | None, until_ms: int | None, **equal: str | None) -> Iterator[Row]:
    """The rows of a span of time whose fields have these values; None asks nothing."""
    asked = [(name, value) for name, value in equal.items() if value is not None]
    for row in rows:
        if since_ms is not None and row["at_ms"] < since_ms:
            continue
        if until_ms is not None and row["at_ms"] >= until_ms:
            continue
        if all(row[name] == value for name, value in asked):
            yield row


def put_out(rows: Iterable[Row], shown: Shown, asked: Asked, reaches: str, *, counted: bool = True) -> None:
    """Print or export rows, the newest so many of them; `reaches` says up to which offsets they go.

    Not `counted`: there may be more than these rows.
    """
    exporting = asked.format is not None or asked.out is not None
    person = not (asked.as_json or exporting) and sys.stdout.isatty()
    limit = (FOR_A_PERSON if person else 0) if asked.limit is None else asked.limit
    passed = 0

    def counting() -> Iterator[Row]:
        nonlocal passed
        for row in rows:
            passed += 1
            yield row

    chosen = deque(counting(), maxlen=limit) if limit else counting()
    if exporting:
        written = export(shown.columns, chosen, format=asked.format, out=asked.out)
        if written is not None:
            note(f"{written:,} {shown.what} in {asked.out}")
    elif asked.as_json:
        for row in chosen:
            print_json(row)
    else:
        print_rows(shown.for_a_person, (shown.show(row) for row in chosen))
        if person and limit and passed > limit:
            of = f" of {passed:,}" if counted else ""
            note(f"the newest {limit}{of} {shown.what}; --limit 0 shows all")
        elif person and not passed:
            note(f"no {shown.what}")
        if reaches:
            note(f"showing {reaches}")
