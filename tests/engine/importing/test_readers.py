"""Each kind of file gives the events it holds, and what is none becomes a dead letter."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pyarrow as pa
import pytest
from pyarrow import parquet

from engine.importing.importer import import_files
from engine.importing.report import ImportReport
from engine.workspace.workspace import Workspace
from events.dead_letters import DeadLetter, Door, decode_dead_letter
from events.errors import CalledWrongly, Reason
from tests.engine.runtimes.shop import START_MS, event, history, ids, line, logged, make_shop, write_lines

Writer = Callable[[Path, list[dict[str, Any]]], None]


def letters(shop: Path) -> list[DeadLetter]:
    with Workspace.open(shop, owner=True) as workspace:
        return [decode_dead_letter(raw) for facts in workspace.facts for raw in facts.dead_letters.read()]


def imported(tmp_path: Path, name: str, content: bytes, **options: Any) -> tuple[Path, ImportReport]:
    """A new shop that imported one file."""
    shop = make_shop(tmp_path / "shop", partitions=2)
    path = tmp_path / name
    path.write_bytes(content)
    return shop, import_files(shop, [path], **options)


def as_jsonl(path: Path, events: list[dict[str, Any]]) -> None:
    write_lines(path, events)


def as_msgpack(path: Path, events: list[dict[str, Any]]) -> None:
    path.write_bytes(b"".join(msgpack.packb(each) for each in events))


def as_csv(path: Path, events: list[dict[str, Any]]) -> None:
    """Columns called like fields; the data as JSON."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(events[0]))
        writer.writeheader()
        writer.writerows({**each, "data": json.dumps(each["data"])} for each in events)


def as_flat_csv(path: Path, events: list[dict[str, Any]]) -> None:
    """A column for each field of the data."""
    rows = [
        {
            **{key: each[key] for key in each if key != "data"},
            **{f"data.{key}": cell for key, cell in each["data"].items()},
        }
        for each in events
    ]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, sorted({key for row in rows for key in row}))
        writer.writeheader()
        writer.writerows(rows)


def as_parquet(path: Path, events: list[dict[str, Any]]) -> None:
    """The data as a struct, in which rows lack fields."""
    parquet.write_table(pa.Table.from_pylist(events), path)


def as_flat_parquet(path: Path, events: list[dict[str, Any]]) -> None:
    """Times as timestamps, the data as JSON."""
    rows = [{**each, "data": json.dumps(each["data"])} for each in events]
    table = pa.Table.from_pylist(rows)
    for name in ("occurred_at", "appended_at"):
        table = table.set_column(
            table.schema.get_field_index(name), name, table[name].cast(pa.timestamp("ms", tz="UTC"))
        )
    parquet.write_table(table, path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("h.msgpack", as_msgpack),
        ("h.csv", as_csv),
        ("flat.csv", as_flat_csv),
        ("h.parquet", as_parquet),
        ("flat.parquet", as_flat_parquet),
    ],
)
def test_every_kind_of_file_gives_the_same_events(tmp_path: Path, name: str, write: Writer) -> None:
    as_jsonl(tmp_path / "h.jsonl", history())
    expected = import_files(make_shop(tmp_path / "jsonl", partitions=2), [tmp_path / "h.jsonl"])
    write(tmp_path / name, history())
    shop = make_shop(tmp_path / "shop", partitions=2)
    found = import_files(shop, [tmp_path / name])
    assert found.refused == 0
    assert found.events == len(history())
    if write is as_parquet:  # a struct has every field of every row, null where it was not written
        assert ids(shop) == ids(tmp_path / "jsonl")
    else:
        assert found.identity == expected.identity
        assert logged(shop) == logged(tmp_path / "jsonl")


def test_lines_that_are_no_events_are_kept_with_their_reasons(tmp_path: Path) -> None:
    good = line(event("good", "ann", START_MS))
    content = b"\n".join(
        [b"{", b"", good, b"\xff\xfe", b"[1]", b"x" * 3_000_000, line({"id": "a"}), good.replace(b"good", b"end")]
    )
    shop, report = imported(tmp_path, "h.jsonl", content)
    assert (report.events, report.refused) == (2, 5)
    assert ids(shop) == ["end", "good"]
    kept = letters(shop)
    assert sorted(each.reason for each in kept) == sorted(
        [Reason.SYNTAX, Reason.SYNTAX, Reason.SCHEMA, Reason.TOO_LARGE, Reason.SCHEMA]
    )
    assert {each.door for each in kept} == {Door.IMPORT}
    assert b"{" in {each.raw for each in kept}


@pytest.mark.parametrize("end", [b"\xc1", b"\x92", b"\xde\xff\xff", b"\xdb\xff\xff\xff\xff", b"\x81\xa2id"])
def test_a_stream_that_breaks_off_gives_what_stands_before(tmp_path: Path, end: bytes) -> None:
    content = b"".join(msgpack.packb(each) for each in history()) + end
    shop, report = imported(tmp_path, "h.msgpack", content)
    assert (report.events, report.refused) == (len(history()), 1)
    (letter,) = letters(shop)
    assert letter.reason is Reason.SYNTAX
    assert letter.raw == end


def test_a_streams_values_that_are_no_events_are_refused_one_by_one(tmp_path: Path) -> None:
    values = [1, b"bytes", [], {"id": 1}, {1: 2}, event("o", "ann", START_MS), None, msgpack.ExtType(5, b"x")]
    shop, report = imported(tmp_path, "h.msgpack", b"".join(msgpack.packb(each) for each in values))
    assert (report.events, report.refused) == (1, 7)
    assert ids(shop) == ["o"]
    assert len(letters(shop)) == 7


def test_a_table_is_mapped(tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "id: number\ntype: =order_completed\ncustomer_id: client\noccurred_at: paid\n"
        "data:\n  order_id: number\n  total: amount\n  items: lines\ndata.note: remark\n"
    )
    content = (
        "number,client,paid,amount,remark,lines\n"
        '7,ann,2025-01-01T10:00:00Z,12.50,"two, please","[{""sku"": ""a""}]"\n'
        "8,bob,2025-01-01T11:00:00Z,,,\n"
        "9,bob,2025-01-01T11:00:00Z,many,,\n"
        "10,bob\n"
    )
    shop, report = imported(tmp_path, "orders.csv", content.encode(), mapping=mapping)
    assert (report.events, report.refused) == (1, 3)
    (found,) = [each for part in logged(shop) for each, _ in part]
    assert found.id == "7"
    assert found.data == {"order_id": "7", "total": 12.5, "note": "two, please", "items": [{"sku": "a"}]}
    details = sorted(each.detail for each in letters(shop))
    assert details == [
        "order_completed.total must be a number; found text 'many'",
        "order_completed.total must be there: a number; found none",
        "orders.csv line 5 must have 6 cells like the header; found 2",
    ]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("id: number\n", "type must be there"),
        ("id: number\ntype: =x\ncustomer_id: client\noccurred_at: payed\n", "no column 'payed'; did you mean 'paid'"),
        ("id: number\ntipe: =x\n", "no field 'tipe'; did you mean 'type'"),
        ("id: 7\n", "id must name a column"),
        ("- id\n", "must have lines like"),
        ("id: [\n", "is not YAML"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path: Path, mapping: str, message: str) -> None:
    (tmp_path / "map.yaml").write_text(mapping)
    with pytest.raises(CalledWrongly, match=message):
        imported(tmp_path, "orders.csv", b"number,client,paid\n1,ann,2025-01-01\n", mapping=tmp_path / "map.yaml")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("h.csv", b"id,type,customer_id,occured_at\n", "no field 'occured_at'; did you mean 'occurred_at'"),
        ("h.csv", b"id,type,customer_id\n", "no column 'occurred_at'"),
        ("h.csv", b"id,type,customer_id,occurred_at,total\n", "name it data.total"),
        ("h.csv", b"", "no column 'id'"),
        ("h.xlsx", b"", "imported from .jsonl, .csv, .msgpack or .parquet; found '.xlsx'"),
        ("h.parquet", b"PAR1 and no more", "cannot be read as parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(CalledWrongly, match=message):
        imported(tmp_path, name, content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CalledWrongly, match="there is no file"):
        import_files(make_shop(tmp_path / "shop", partitions=2), [tmp_path / "h.jsonl"])


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CalledWrongly, match=r"install strand-journeys\[parquet\]"):
        imported(tmp_path, "h.parquet", b"PAR1")


def test_text_that_is_no_utf_8_in_a_table_is_refused(tmp_path: Path) -> None:
    rows = b"id,type,customer_id,occurred_at,data.note\n1,noticed,ann,1,ok\n2,noticed,ann,1,\xff\n3,noticed,\xff,1,\n"
    shop, report = imported(tmp_path, "h.csv", rows)
    assert (report.events, report.refused) == (1, 2)
    assert len(letters(shop)) == 2


def test_times_that_a_file_leaves_out(tmp_path: Path) -> None:
    value = event("o", "ann", START_MS)
    del value["appended_at"]
    shop, _ = imported(tmp_path, "h.jsonl", line(value))
    assert [at_ms for part in logged(shop) for _, at_ms in part] == [START_MS]
