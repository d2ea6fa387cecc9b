"""What the list commands share: filters, the newest few for a person, everything for a pipe or a file."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.exporting import Format, export
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
class Printing:
    """How a list is printed: `columns` of the data, what a person sees instead, and which offsets it `reaches`."""

    columns: Sequence[str]
    shown_columns: Sequence[str]
    show: Callable[[Row], Row]
    what: str
    as_json: bool = False
    limit: int | None = None
    format: Format | None = None
    out: Path | None = None
    reaches: str = ""


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


def put_out(rows: Iterable[Row], how: Printing) -> None:
    """Print or export rows, the newest `limit` of them."""
    exporting = how.format is not None or how.out is not None
    person = not (how.as_json or exporting) and sys.stdout.isatty()
    limit = (FOR_A_PERSON if person else 0) if how.limit is None else how.limit
    passed = 0

    def counted() -> Iterator[Row]:
        nonlocal passed
        for row in rows:
            passed += 1
            yield row

    chosen = deque(counted(), maxlen=limit) if limit else counted()
    if exporting:
        written = export(how.columns, chosen, format=how.format, out=how.out)
        if written is not None:
            note(f"{written:,} {how.what} in {how.out}")
    elif how.as_json:
        for row in chosen:
            print_json(row)
    else:
        print_rows(how.shown_columns, (how.show(row) for row in chosen))
        if person and limit and passed > limit:
            note(f"the newest {limit} of {passed:,} {how.what}; --limit 0 shows all")
        elif person and not passed:
            note(f"no {how.what}")
        if how.reaches:
            note(f"showing {how.reaches}")
