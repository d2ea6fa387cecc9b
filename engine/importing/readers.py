"""Reads events from files, one by one: `.jsonl`, `.csv`, `.msgpack`, `.parquet`.

A reader judges nothing; what is no event is found all the same, so that it can become a dead letter.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgpack

from engine.importing.mapping import Mapped
from events.admission import MAX_EVENT_BYTES
from events.errors import CalledWrongly, InputRefused, Reason

# Told that so many more bytes are read.
Advance = Callable[[int], None]
READ_BYTES = 1 << 20
PARQUET_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Found:
    """One would-be event: a line of JSON or a value; `fault` where it could not even be read."""

    line: bytes | None = None
    value: object = None
    fault: InputRefused | None = None


def read(path: Path, mapped: Mapped | None, advance: Advance) -> Iterator[Found]:
    """Everything that a file holds; raises CalledWrongly for a file that is not there or of no known kind."""
    if not path.is_file():
        raise CalledWrongly(f"there is no file {path}")
    match path.suffix.lower():
        case ".jsonl" | ".ndjson" | ".json":
            return _lines(path, advance)
        case ".msgpack" | ".mpk":
            return _stream(path, advance)
        case ".csv":
            return _table(path, mapped or Mapped.by_header(), advance)
        case ".parquet":
            return _parquet(path, mapped or Mapped.by_header(), advance)
        case suffix:
            raise CalledWrongly(
                f"{path}: events are imported from .jsonl, .csv, .msgpack or .parquet; found {suffix!r}"
            )


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=READ_BYTES)
    except OSError as error:
        raise CalledWrongly(f"{path} cannot be read: {error.strerror}") from None


def _lines(path: Path, advance: Advance) -> Iterator[Found]:
    with _open(path) as file:
        while line := file.readline(MAX_EVENT_BYTES + 2):
            advance(len(line))
            whole = line
            while len(line) > MAX_EVENT_BYTES + 1 and not line.endswith(b"\n"):  # the rest of one too long
                line = file.readline(READ_BYTES)
                advance(len(line))
                if len(line) < READ_BYTES:
                    break
            if not whole.isspace():
                yield Found(line=whole.rstrip(b"\r\n"))


def _stream(path: Path, advance: Advance) -> Iterator[Found]:
    with _open(path) as file:
        unpacker = msgpack.Unpacker(
            file, read_size=READ_BYTES, max_buffer_size=64 * READ_BYTES, strict_map_key=False, raw=False, timestamp=3
        )
        done = 0
        while True:
            try:
                value = unpacker.unpack()
            except msgpack.OutOfData:
                if done < path.stat().st_size:
                    yield _broken(path, done, "it ends within an event")
                return
            except (ValueError, RecursionError, msgpack.UnpackException) as error:
                yield _broken(path, done, f"{type(error).__name__} {error}".strip())
                return
            position = unpacker.tell()
            advance(position - done)
            done = position
            yield Found(value=value)


def _broken(path: Path, at: int, why: str) -> Found:
    detail = f"{path.name} must be a stream of MessagePack maps; at byte {at}: {why}; nothing after it was read"
    with _open(path) as file:
        file.seek(at)
        rest = file.read(MAX_EVENT_BYTES)
    return Found(line=rest, fault=InputRefused(Reason.SYNTAX, detail))


def _table(path: Path, mapped: Mapped, advance: Advance) -> Iterator[Found]:
    with _open(path) as file:
        # What is no UTF-8 becomes text that the judge refuses.
        rows = csv.reader(_text_lines(file, advance), strict=True)
        try:
            header = next(rows, [])
        except csv.Error as error:
            raise CalledWrongly(f"{path}: the header cannot be read: {error}") from None
        mapped.check(header, path)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Found(line=b"", fault=InputRefused(Reason.SYNTAX, f"{path.name} line {rows.line_num}: {error}"))
                continue
            if row:
                yield _row(header, row, mapped, f"{path.name} line {rows.line_num}")


def _text_lines(file: BinaryIO, advance: Advance) -> Iterator[str]:
    first = True
    for line in file:
        advance(len(line))
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix("\ufeff") if first else text
        first = False


def _row(header: list[str], row: list[str], mapped: Mapped, place: str) -> Found:
    if len(row) != len(header):
        detail = f"{place} must have {len(header)} cells like the header; found {len(row)}"
        line = ",".join(row).encode(errors="surrogateescape")
        return Found(line=line, fault=InputRefused(Reason.SYNTAX, detail))
    return Found(value=mapped.event_of_text(dict(zip(header, row, strict=True))))


def _parquet(path: Path, mapped: Mapped, advance: Advance) -> Iterator[Found]:
    try:
        import pyarrow as pa  # noqa: PLC0415 -- optional: only who imports parquet needs it
        from pyarrow import parquet  # noqa: PLC0415 -- as above
    except ImportError:
        raise CalledWrongly("reading .parquet needs pyarrow; install strand-journeys[parquet]") from None
    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise CalledWrongly(f"{path} cannot be read as parquet: {error}") from None
    with file:
        mapped.check(file.schema_arrow.names, path)
        size = path.stat().st_size / max(file.metadata.num_rows, 1)
        try:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for row in batch.to_pylist():
                    yield Found(value=mapped.event_of_values(row))
                advance(int(size * batch.num_rows))
        except (pa.ArrowException, OSError) as error:
            fault = InputRefused(Reason.SYNTAX, f"{path.name} is damaged: {error}; nothing after it was read")
            yield Found(line=b"", fault=fault)
