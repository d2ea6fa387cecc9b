"""What commands print: tables to a terminal, tab-separated lines to a pipe, JSON where asked."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

import typer

from events.errors import CalledWrongly, StrandError, WorkspaceBusy

FOUND_A_FAULT = 1
CALLED_WRONGLY = 2

# From so many columns on, `when` stays in one piece.
WIDE = 60

# Told that so many more units of work are done.
Advance = Callable[[int], None]


def say(text: str = "") -> None:
    """Print a line on standard output."""
    typer.echo(text)


def say_folded(text: str, indent: int) -> None:
    """Print a line; a terminal that is narrower gets it folded between words, what follows indented."""
    width = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or len(text) <= width or width < 2 * indent:
        say(text)
        return
    fold = textwrap.TextWrapper(
        width, subsequent_indent=" " * indent, replace_whitespace=False, drop_whitespace=True, break_on_hyphens=False
    )
    for line in fold.wrap(text):
        say(line)


def note(text: str) -> None:
    """Print a line for a person on standard error, where it is in no pipe's way."""
    typer.echo(text, err=True)


def exit_code(error: StrandError) -> int:
    """What a command that ends with it exits with."""
    return CALLED_WRONGLY if isinstance(error, CalledWrongly | WorkspaceBusy) else FOUND_A_FAULT


def print_json(value: object) -> None:
    """Print one value as one line of JSON."""
    typer.echo(json_text(value))


def json_text(value: object) -> str:
    """A value as one line of JSON; decimals are numbers."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_number)


def _number(value: object) -> float | str:
    """A decimal as the number that reads back as the same; as text where a double cannot hold it."""
    if not isinstance(value, Decimal):
        raise TypeError(f"JSON has nothing for {type(value).__name__}")
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


def print_rows(columns: Sequence[str], rows: Iterable[Mapping[str, object]], *, as_json: bool = False) -> None:
    """Print rows: as JSON whole, a line each; else the named columns, as a table if a person is reading."""
    if as_json:
        for row in rows:
            print_json(row)
    elif sys.stdout.isatty():
        _print_table(columns, rows)
    else:
        typer.echo("\t".join(columns))
        for row in rows:
            typer.echo("\t".join(shown(row.get(column)) for column in columns))


def shown(value: object) -> str:
    """A value in a cell: one line, nothing for null, lists separated by commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(shown(item) for item in value)
    return " ".join(str(value).split())


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on standard error while the body runs, if that is a terminal; yields what moves it on."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)


def _ignore(_done: int) -> None:
    """Nobody is watching."""


def _print_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:  # a narrow terminal folds what is long, and cuts nothing off
        table.add_column(column, overflow="fold", no_wrap=column == "when" and console.width >= WIDE)
    for row in rows:
        # Text, not str: what customers wrote must not be read as markup.
        table.add_row(*(Text(shown(row.get(column))) for column in columns))
    console.print(table)
