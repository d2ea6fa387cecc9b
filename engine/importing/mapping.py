"""From a table's columns to an event's fields: `--map FILE`, YAML, `field: column`.

id: order_number
type: =order_completed        # a constant
customer_id: client
occurred_at: paid_at
data:
total: amount               # or, the same, `data.total: amount`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from events.admission import KEYS, REQUIRED
from events.errors import CalledWrongly
from events.nearest import did_you_mean
from events.schema import FLAG, NUMBER, Field, Fields
from events.violations import fields_of

DATA = "data"
MAX_MAP_BYTES = 1 << 20
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which column each field comes from; `data.<name>` for fields of the data, None for all: columns are fields."""

    columns: Mapping[str, str] | None
    declared: Mapping[str, Fields] | None = None

    @classmethod
    def by_header(cls, declared: Mapping[str, Fields] | None = None) -> Mapped:
        """Columns are called like fields: `id`, `customer_id`, `data.total`; or `data` holds JSON."""
        return cls(None, declared)

    def check(self, header: Iterable[str], path: Path) -> None:
        """Raise CalledWrongly for a table that lacks a column, or has one that is no field."""
        columns = list(header)
        if self.columns is None:
            for column in columns:
                if column not in KEYS and not column.startswith(f"{DATA}."):
                    hint = did_you_mean(column, KEYS) or f"; name it {DATA}.{column}, or say with --map what it is"
                    raise CalledWrongly(f"{path}: an event has no field {column!r}{hint}")
            wanted: tuple[str, ...] = REQUIRED
        else:
            wanted = tuple(column for column in self.columns.values() if not column.startswith("="))
        for column in wanted:
            if column not in columns:
                hint = did_you_mean(column, columns) or f"; it has {', '.join(columns)}"
                raise CalledWrongly(f"{path} has no column {column!r}{hint}")

    def event_of_values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The event of a row of typed values."""
        event: dict[str, Any] = {}
        data: dict[str, Any] = {}
        for field, value in self._fields(row):
            if value is None:
                continue
            if field.startswith(f"{DATA}."):
                data[field[len(DATA) + 1 :]] = value
            elif field == DATA and isinstance(value, str):
                event[DATA] = _json_or_text(value)
            else:
                event[field] = value
        if data:
            whole = event.get(DATA)
            event[DATA] = {**whole, **data} if isinstance(whole, dict) else data
        return event

    def event_of_text(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The event of a row of text: cells become what the type's schema says, empty ones are left out."""
        event = self.event_of_values({column: cell if cell != "" else None for column, cell in row.items()})
        for name in ("occurred_at", "appended_at", "version"):
            if name in event:
                event[name] = _whole(event[name])
        data = event.get(DATA)
        known = fields_of(str(event.get("type", "")), self.declared)
        if isinstance(data, dict) and known is not None:
            event[DATA] = {name: _typed(cell, known.fields.get(name)) for name, cell in data.items()}
        return event

    def _fields(self, row: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        if self.columns is None:
            return row.items()
        return (
            (field, column[1:] if column.startswith("=") else row.get(column)) for field, column in self.columns.items()
        )


def read_mapping(path: Path, declared: Mapping[str, Fields] | None = None) -> Mapped:
    """The mapping in a file; raises CalledWrongly if it is none."""
    try:
        with path.open("rb") as file:
            written = YAML(typ="safe", pure=True).load(file.read(MAX_MAP_BYTES))
    except OSError as error:
        raise CalledWrongly(f"{path} cannot be read: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise CalledWrongly(f"{path} is not YAML: {error}") from None
    columns: dict[str, str] = {}
    for field, column in _flat(written, path):
        if field not in KEYS and not field.startswith(f"{DATA}."):
            raise CalledWrongly(f"{path}: an event has no field {field!r}{did_you_mean(field, KEYS)}")
        if not isinstance(column, str):
            raise CalledWrongly(f"{path}: {field} must name a column, or be =constant; found {column!r:.60}")
        columns[field] = column
    for field in REQUIRED:
        if field not in columns:
            raise CalledWrongly(f"{path}: {field} must be there: it names a column, or is =constant")
    return Mapped(columns, declared)


def _flat(written: object, path: Path) -> Iterable[tuple[str, object]]:
    if not isinstance(written, dict):
        raise CalledWrongly(f"{path} must have lines like `customer_id: column`")
    for field, column in written.items():
        if field == DATA and isinstance(column, dict):
            yield from ((f"{DATA}.{name}", each) for name, each in column.items())
        else:
            yield str(field), column


def _typed(cell: Any, kind: Field | None) -> Any:
    """A cell as its field's kind has it; what does not read so stays text, and the judge says what is wrong."""
    if not isinstance(cell, str):
        return cell
    if kind == NUMBER:
        return _number(cell)
    if kind == FLAG:
        return _FLAGS.get(cell.strip().lower(), cell)
    return _json_or_text(cell) if isinstance(kind, Fields) else cell


def _number(cell: str) -> Any:
    try:
        return int(cell) if len(cell) < 20 else float(cell)  # int() of long text is slow
    except ValueError:
        try:
            return float(cell)
        except ValueError:
            return cell


def _whole(cell: Any) -> Any:
    return int(cell) if isinstance(cell, str) and len(cell) < 20 and cell.lstrip("-").isdecimal() else cell


def _json_or_text(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
