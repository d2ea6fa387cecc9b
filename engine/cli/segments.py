"""`strand segments`: how many customers are where."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.exporting import export
from engine.cli.lists import Formats, Out
from engine.cli.named import among
from engine.cli.opening import reading
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_rows

COLUMNS = ("of", "name", "value", "customers", "share")


def segments(
    of: Annotated[str | None, typer.Option(metavar="KIND", help="Only segment, dimension or micro-segment.")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only this segment or dimension.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=0, help="The first N; 0 for all.")] = None,
    format: Formats = None,
    out: Out = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Count the customers of each segment, of each value of each dimension, and of each micro-segment.

    \b
    Examples:
      strand segments
      strand segments --of micro-segment --limit 10
      strand segments --json
    """
    from engine.views.rows import segment_rows

    among(of, "kind", ["segment", "dimension", "micro-segment"])
    with reading(workspace) as views:
        rows = [row for row in segment_rows(views) if of is None or row["of"] == of]
        if name is not None:
            rows = [row for row in rows if row["name"] == name]
            among(None if rows else name, "segment or dimension", views.names)
        rows = rows[:limit] if limit else rows
        if format is not None or out is not None:
            written = export(COLUMNS, rows, format=format, out=out)
            if written is not None:
                note(f"{written:,} rows in {out}")
        elif as_json:
            print_rows(COLUMNS, rows, as_json=True)
        else:
            print_rows(COLUMNS, ({**row, "share": f"{row['share']:.1%}"} for row in rows))
            note(f"showing {views.shows}")
