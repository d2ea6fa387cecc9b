"""Rows to a file or a pipe: JSON lines, CSV or Parquet; a file appears whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from engine.cli.output import json_text, print_json
from events.errors import CalledWrongly

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_ROWS = 50_000
INTEGERS = frozenset({"at_ms", "due_ms", "partition", "offset", "customers"})
NUMBERS = frozenset({"share"})


class Format(Enum):
    """What rows are exported as."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def export(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, format: Format | None, out: Path | None
) -> int | None:
    """Write rows and return how many; None where they went to standard output.

    Without a format the file's ending says it. Raises CalledWrongly for one that is unknown.
    """
    chosen = format or _by_ending(out)
    if out is None:
        if chosen is Format.PARQUET:
            raise CalledWrongly("parquet goes to a file; name it by --out FILE")
        _write_text(chosen, columns, rows, sys.stdout)
        return None
    if not out.parent.is_dir():
        raise CalledWrongly(f"{out.parent} is no folder; make it first, or name another file by --out")
    with _whole(out) as part:
        if chosen is Format.PARQUET:
            return _write_parquet(columns, rows, part)
        with part.open("w", encoding="utf-8", newline="") as file:
            return _write_text(chosen, columns, rows, file)


def _by_ending(out: Path | None) -> Format:
    if out is None:
        return Format.JSONL
    try:
        return Format(out.suffix.removeprefix("."))
    except ValueError:
        raise CalledWrongly(f"{out} does not end in .jsonl, .csv or .parquet; say which by --format") from None


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Where to write what becomes the file at once when all is written; a device or a pipe is written to as it is."""
    if out.exists() and not out.is_file():
        yield out
        return
    out = out.resolve()  # a link stays one
    part = out.with_name(out.name + ".part")
    try:
        yield part
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write_text(format: Format, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    written = 0
    if format is Format.CSV:
        import csv

        table = csv.writer(file)
        table.writerow(columns)
        for row in rows:
            table.writerow(["" if row[name] is None else flat(row[name]) for name in columns])
            written += 1
        return written
    for row in rows:
        if file is sys.stdout:
            print_json(row)
        else:
            file.write(json_text(row) + "\n")
        written += 1
    return written


def flat(value: object) -> object:
    """A value as one cell: what has parts is JSON."""
    return json_text(value) if isinstance(value, dict | list) else value


def _write_parquet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], path: Path) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise CalledWrongly("parquet needs pyarrow; try: pip install 'strand-journeys[parquet]'") from None
    schema = pa.schema([(name, _arrow_type(pa, name)) for name in columns])
    written, source = 0, iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while chunk := list(islice(source, PARQUET_ROWS)):
            table = {name: [flat(row[name]) for row in chunk] for name in columns}
            writer.write_table(pa.table(table, schema=schema))
            written += len(chunk)
    return written


def _arrow_type(arrow: Any, name: str) -> pa.DataType:
    if name in INTEGERS:
        return arrow.int64()
    return arrow.float64() if name in NUMBERS else arrow.string()
