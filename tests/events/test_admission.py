"""The judge at the doors: what is taken, and what is said of the rest."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.admission import MAX_EVENT_BYTES, Admitted, admit, admit_json, admit_msgpack, admit_value, judge_record
from events.codec import encode_record, encode_tick
from events.envelope import Event
from events.errors import InputRefused, Reason
from events.numbers import nearest_double, quantise
from events.schema import TEXT, Fields
from events.times import parse_instant

NOW_MS = parse_instant("2026-03-01T12:00Z")
ORDER: dict[str, Any] = {
    "id": "e1",
    "type": "order_completed",
    "customer_id": "ann",
    "occurred_at": "2026-03-01T10:00:00+02:00",
    "data": {"order_id": "o1", "total": 12.99, "items": [{"sku": "a", "price": None}]},
}


def seen(**fields: Any) -> dict[str, Any]:
    """An event of a type that nobody knows, with this data."""
    return {"id": "e1", "type": "cat_seen", "customer_id": "ann", "occurred_at": 0, "data": fields}


def take(value: object, now_ms: int | None = NOW_MS) -> Admitted:
    return admit_value(value, now_ms=now_ms)


def refused(judge: Callable[[], object], reason: Reason) -> str:
    with pytest.raises(InputRefused) as caught:
        judge()
    assert caught.value.reason is reason, caught.value
    return caught.value.detail


def test_the_three_doors_take_the_same() -> None:
    event = Event(
        id="e1",
        type="order_completed",
        customer_id="ann",
        occurred_at_ms=parse_instant("2026-03-01T08:00Z"),
        data=ORDER["data"],
    )
    assert take(ORDER) == Admitted(event, None)
    for raw in (json.dumps(ORDER).encode(), msgpack.packb(ORDER)):
        assert admit(raw, now_ms=NOW_MS) == Admitted(event, None)
    assert admit(ORDER, now_ms=None) == Admitted(event, None)
    assert judge_record(encode_record(event, NOW_MS)) == (event, NOW_MS)


def test_every_key_is_read() -> None:
    admitted = take({**ORDER, "appended_at": NOW_MS, "source": "shop", "version": 3, "data": None, "type": "cat_seen"})
    assert admitted.appended_at_ms == NOW_MS
    assert (admitted.event.source, admitted.event.version, admitted.event.data) == ("shop", 3, {})
    assert take({**ORDER, "appended_at": None, "source": None, "version": None}) == take(ORDER)


@pytest.mark.parametrize(
    ("change", "reason", "text"),
    [
        ({"id": ""}, Reason.BAD_ID, "id must not be empty"),
        ({"customer_id": ""}, Reason.BAD_ID, "customer_id must not be empty"),
        ({"id": "a\x00"}, Reason.BAD_ID, "id must have no control characters; found U+0000"),
        ({"id": "a\u0085"}, Reason.BAD_ID, "id must have no control characters; found U+0085"),
        ({"customer_id": "a\n"}, Reason.BAD_ID, "customer_id must have no control characters; found U+000A"),
        ({"customer_id": "\ud800"}, Reason.BAD_ID, "customer_id must be Unicode text; found a lone surrogate"),
        ({"id": "x" * 201}, Reason.BAD_ID, "id must have at most 200 bytes; found 201"),
        ({"id": "š" * 101}, Reason.BAD_ID, "id must have at most 200 bytes; found 202"),
        ({"id": 5}, Reason.SCHEMA, "id must be text; found the number 5"),
        ({"customer_id": True}, Reason.SCHEMA, "customer_id must be text; found true"),
        ({"id": None}, Reason.SCHEMA, "id must be there; found null"),
        ({"custmer_id": "x"}, Reason.SCHEMA, "an event has no key 'custmer_id'; did you mean 'customer_id'?"),
        ({"zzz": 1}, Reason.SCHEMA, "an event has no key 'zzz'; an event has id, type, customer_id"),
        ({5: 1}, Reason.SCHEMA, "an event has no key '5'"),
        ({"sealed": b"x"}, Reason.SCHEMA, "an event has no key 'sealed'"),
        ({"type": "Order Completed"}, Reason.SCHEMA, "type must be snake_case like order_completed; found 'Order"),
        ({"type": ""}, Reason.SCHEMA, "type must be snake_case like order_completed; found ''"),
        ({"type": "a" * 101}, Reason.SCHEMA, "type must be snake_case"),
        ({"type": ["tick"]}, Reason.SCHEMA, "type must be text; found a list"),
        ({"type": "tick"}, Reason.SCHEMA, "type must be an event's; tick is written by the engine alone"),
        ({"type": "rulebook_activated"}, Reason.SCHEMA, "rulebook_activated is written by the engine alone"),
        ({"occurred_at": "yesterday"}, Reason.SCHEMA, "occurred_at must be an instant: ISO 8601 like"),
        ({"occurred_at": 1.5}, Reason.SCHEMA, "occurred_at must be an instant"),
        ({"occurred_at": True}, Reason.SCHEMA, "occurred_at must be an instant"),
        ({"appended_at": "soon"}, Reason.SCHEMA, "appended_at must be an instant"),
        (
            {"occurred_at": -1},
            Reason.RANGE,
            "occurred_at must be in the years 1970 to 9999; found 1969-12-31T23:59:59.",
        ),
        ({"occurred_at": "0001-01-01T00:00Z"}, Reason.RANGE, "years 1970 to 9999; found 0001-01-01T00:00:00Z"),
        ({"occurred_at": 253_402_300_800_000}, Reason.RANGE, "years 1970 to 9999; found 10000-01-01T00:00:00Z"),
        ({"occurred_at": 10**30}, Reason.RANGE, "years 1970 to 9999; found a number beyond all years"),
        ({"appended_at": -1}, Reason.RANGE, "appended_at must be in the years 1970 to 9999"),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, Reason.FUTURE, "occurred_at must be at most 60 s after the clock"),
        ({"appended_at": NOW_MS + 60_001}, Reason.FUTURE, "found 2026-03-01T12:01:00.001Z"),
        ({"source": 5}, Reason.SCHEMA, "source must be text; found the number 5"),
        ({"source": "a\t"}, Reason.SCHEMA, "source must have at most 200 bytes and no control characters"),
        ({"source": "\udfff"}, Reason.SCHEMA, "source must have at most 200 bytes and no control characters"),
        ({"version": 0}, Reason.SCHEMA, "version must be a whole number from 1 on; found the number 0"),
        ({"version": "1"}, Reason.SCHEMA, "version must be a whole number from 1 on; found text '1'"),
        ({"version": 2**31}, Reason.SCHEMA, "version must be a whole number"),
        ({"data": []}, Reason.SCHEMA, "data must be an object; found a list"),
        ({"data": {"total": 1}}, Reason.SCHEMA, "order_completed.order_id must be there: text; found none"),
    ],
)
def test_what_is_wrong_is_named(change: dict[Any, Any], reason: Reason, text: str) -> None:
    assert text in refused(lambda: take({**ORDER, **change}), reason)


@pytest.mark.parametrize("key", ["id", "type", "customer_id", "occurred_at"])
def test_what_is_missing_is_named(key: str) -> None:
    event = {name: value for name, value in ORDER.items() if name != key}
    assert refused(lambda: take(event), Reason.SCHEMA) == f"{key} must be there; found none"


@pytest.mark.parametrize("value", [None, [], "x", 5, [ORDER]])
def test_an_event_is_an_object(value: object) -> None:
    assert "must be an object" in refused(lambda: take(value), Reason.SCHEMA)


def test_the_future_begins_after_a_minute() -> None:
    assert take({**ORDER, "occurred_at": NOW_MS + 60_000}).event.occurred_at_ms == NOW_MS + 60_000
    assert take({**ORDER, "occurred_at": "9999-12-31T23:59:59.999Z"}, None).event.occurred_at_ms == 253_402_300_799_999


@pytest.mark.parametrize(
    ("data", "reason", "text"),
    [
        ({"x": [1, {"y": math.nan}]}, Reason.RANGE, "data.x[1].y must be a number smaller than 10^15 in size"),
        ({"x": math.inf}, Reason.RANGE, "found the number inf"),
        ({"x": -math.inf}, Reason.RANGE, "found the number -inf"),
        ({"x": 10**15}, Reason.RANGE, "found the number 1000000000000000"),
        ({"x": -1e15}, Reason.RANGE, "data.x must be"),
        ({"x": 10**5000}, Reason.RANGE, "a number of more than 40 digits"),
        ({"x": Decimal("1e15")}, Reason.RANGE, "data.x must be"),
        ({"x": Decimal("NaN")}, Reason.RANGE, "data.x must be"),
        ({"x": "a\x00b"}, Reason.SYNTAX, "data.x must have no NUL character"),
        ({"x": ["\udc00"]}, Reason.SYNTAX, "data.x[0] must be Unicode text; found a lone surrogate"),
        ({"\udc00": 1}, Reason.SYNTAX, "data must be Unicode text; found a lone surrogate"),
        ({"x": {5: 1}}, Reason.SCHEMA, "data.x must have fields named by text; found the number 5"),
        ({"x": b"raw"}, Reason.SCHEMA, "data.x must be text, a number, true, false, null, a list or an object"),
        ({"x": {1, 2}}, Reason.SCHEMA, "found a value of type set"),
    ],
)
def test_data_is_judged_everywhere(data: dict[Any, Any], reason: Reason, text: str) -> None:
    assert text in refused(lambda: take(seen(z=0) | {"data": data}), reason)


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for level in range(depth - 1):
        data = {"x": [data]} if level % 2 else {"x": data}
    return data


def test_data_may_be_32_deep() -> None:
    deepest: Any = "x"
    for _ in range(31):
        deepest = [deepest]
    assert take(seen(x=deepest)).event.data == {"x": deepest}
    assert "at most 32 deep" in refused(lambda: take(seen(x=[deepest])), Reason.TOO_DEEP)
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    assert "at most 32 deep" in refused(lambda: take(seen(x=cyclic)), Reason.TOO_DEEP)


@pytest.mark.parametrize("depth", [33, 500, 100_000])
def test_however_deep_it_is_too_deep(depth: int) -> None:
    line = b'{"id":"a","type":"b","customer_id":"c","occurred_at":0,"data":{"x":' + b"[" * depth + b"]" * depth + b"}}"
    refused(lambda: admit_json(line, now_ms=None), Reason.TOO_DEEP)
    packed = msgpack.packb(seen())[:-1] + b"\x81\xa1x" + b"\x91" * depth + b"\xc0"
    refused(lambda: admit_msgpack(packed, now_ms=None), Reason.TOO_DEEP)


def test_events_have_a_largest_size() -> None:
    line = json.dumps(seen(x="")).encode()
    room = MAX_EVENT_BYTES - len(line)
    fits = json.dumps(seen(x="a" * room)).encode()
    assert admit_json(fits, now_ms=None).event.data["x"] == "a" * room
    assert "at most 262144 bytes; found 262145" in refused(
        lambda: admit_json(fits[:-3] + b"a" + fits[-3:], now_ms=None), Reason.TOO_LARGE
    )
    refused(lambda: admit_msgpack(b"\x81" + b"x" * MAX_EVENT_BYTES, now_ms=None), Reason.TOO_LARGE)
    refused(lambda: take(seen(x="a" * MAX_EVENT_BYTES)), Reason.TOO_LARGE)
    # Short as JSON, too long as a record: four characters become nine bytes.
    numbers = b'{"id":"a","type":"b","customer_id":"c","occurred_at":0,"data":{"x":[' + b"0.5," * 50_000 + b"0]}}"
    refused(lambda: admit_json(numbers, now_ms=None), Reason.TOO_LARGE)


@pytest.mark.parametrize(
    ("line", "reason", "text"),
    [
        (b"", Reason.SYNTAX, "must be one JSON object; expecting value at character 1"),
        (b'{"id": "e1"', Reason.SYNTAX, "at character 12"),
        (b"{} {}", Reason.SYNTAX, "extra data at character 4"),
        (b'{"id": "\xff"}', Reason.SYNTAX, "an event must be UTF-8; byte 8 is 0xff"),
        (b'\xef\xbb\xbf{"id": "a"}', Reason.SYNTAX, "must be one JSON object"),
        (b"[1]", Reason.SCHEMA, "an event must be an object; found a list"),
        (b"NaN", Reason.SCHEMA, "an event must be an object; found the number nan"),
        (b'{"id": ' + b"1" * 5000 + b"}", Reason.RANGE, "must be smaller than 10^15"),
        (b'{"id": 123456789012345678901234567890}', Reason.SCHEMA, "must be there"),
        (json.dumps(seen(x=math.nan)).encode(), Reason.RANGE, "data.x must be a number smaller"),
        (json.dumps(seen(x=[-math.inf])).encode(), Reason.RANGE, "data.x[0] must be a number smaller"),
        (json.dumps(seen(x=10**15)).encode(), Reason.RANGE, "data.x must be a number smaller"),
        (json.dumps(seen(x="\ud800")).encode(), Reason.SYNTAX, "data.x must be Unicode text; found a lone surrogate"),
        (json.dumps(seen(x="\x00")).encode(), Reason.SYNTAX, "data.x must have no NUL"),
        (json.dumps(seen(x=0)).encode().replace(b" 0}}", b" 1e999}}"), Reason.RANGE, "data.x must be a number"),
        (json.dumps(seen(x=0)).encode().replace(b"0}}", b"999999999999999.99999999}}"), Reason.RANGE, "10^15"),
    ],
)
def test_json_that_is_refused(line: bytes, reason: Reason, text: str) -> None:
    assert text in refused(lambda: admit_json(line, now_ms=None), reason)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.SYNTAX),
        (b"\xc1", Reason.SYNTAX),
        (msgpack.packb(ORDER)[:-1], Reason.SYNTAX),
        (msgpack.packb(ORDER) + b"\xc0", Reason.SYNTAX),
        (b"\x81\xa2\xff\xff\x01", Reason.SYNTAX),
        (b"\x81\x81\x01\x02\x03", Reason.SYNTAX),
        (b"\xdf\xff\xff\xff\xff", Reason.SYNTAX),
        (b"\x92\x01\x02", Reason.SCHEMA),
        (msgpack.packb(seen(x=math.nan)), Reason.RANGE),
        (msgpack.packb(seen(x=2**64 - 1)), Reason.RANGE),
        (msgpack.packb(seen(x=b"raw")), Reason.SCHEMA),
        (msgpack.packb(seen(x=msgpack.ExtType(5, b"x"))), Reason.SCHEMA),
        (msgpack.packb(dict([*seen().items(), (7, 1)])), Reason.SCHEMA),
    ],
)
def test_messagepack_that_is_refused(raw: bytes, reason: Reason) -> None:
    refused(lambda: admit_msgpack(raw, now_ms=None), reason)


def test_times_of_other_libraries_become_plain() -> None:
    moment = datetime(2026, 3, 1, 8, tzinfo=UTC)
    data = {"at": moment, "day": date(2026, 3, 1), "price": Decimal("12.99"), "pair": (1, 2)}
    plain = {"at": parse_instant(moment), "day": "2026-03-01", "price": 12.99, "pair": [1, 2]}
    assert take({**seen(), "occurred_at": moment, "data": data}).event.data == plain
    packed = msgpack.packb({**seen(x=moment), "occurred_at": moment}, datetime=True)
    admitted = admit_msgpack(packed, now_ms=None).event
    assert admitted.data == {"x": parse_instant(moment)}
    assert admitted.occurred_at_ms == parse_instant(moment)


def test_what_is_handed_in_is_neither_kept_nor_changed() -> None:
    data: dict[str, Any] = {"x": [Decimal(1)]}
    admitted = take({**seen(), "data": data})
    data["x"].append(2)
    assert admitted.event.data == {"x": [1.0]}
    assert data["x"][0] == Decimal(1)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.99", 12.99),
        ("0.30000000000000004", 0.30000000000000004),  # a double carries it
        ("0.12345650000000000001", 0.123457),  # none does: six places of the text
        ("0.12345649999999999999", 0.123456),
        ("0.1000000000000000055511151231257827", 0.1),
        ("1e-99999999999999999999", 0.0),
        ("-123456789.12345678901", -123456789.123457),
    ],
)
def test_json_numbers_are_their_decimal_text(text: str, number: float) -> None:
    line = json.dumps(seen(x=0)).encode().replace(b" 0}}", text.encode() + b"}}")
    assert admit_json(line, now_ms=None).event.data == {"x": number}


@given(st.decimals(min_value=-(10**8), max_value=10**8, allow_nan=False, allow_infinity=False))
@example(Decimal("0.0000005000000000000000000000000000000000000000000000000001"))
@example(Decimal("0.0000015"))
def test_a_number_s_text_survives_the_double(number: Decimal) -> None:
    """Below 10^8 a double has digits enough: what the log keeps reads as the millionths of the text."""
    assert quantise(nearest_double(str(number))) == quantise(number)


@pytest.mark.parametrize("text", ["1000000000000000.0000000000", "1e999", "-999999999999999.99999999999", "9e99999999"])
def test_a_text_out_of_range_stays_out_of_range(text: str) -> None:
    assert abs(nearest_double(text)) >= 1e15


def test_declared_types_are_judged() -> None:
    declared = {"cat_seen": Fields({"colour": TEXT})}
    assert admit_value(seen(colour="grey"), now_ms=None, declared=declared).event.data == {"colour": "grey"}
    assert take(seen(colour=5)).event.data == {"colour": 5}
    assert refused(lambda: admit_value(seen(colour=5), now_ms=None, declared=declared), Reason.SCHEMA) == (
        "cat_seen.colour must be text; found the number 5"
    )


@pytest.mark.parametrize(
    ("event", "appended_at_ms", "reason"),
    [
        (Event(id="", type="cat_seen", customer_id="a", occurred_at_ms=0), 0, Reason.BAD_ID),
        (Event(id="a", type="cat_seen", customer_id="a" * 201, occurred_at_ms=0), 0, Reason.BAD_ID),
        (Event(id="a", type="Cat", customer_id="a", occurred_at_ms=0), 0, Reason.SCHEMA),
        (Event(id="a", type="cat_seen", customer_id="a", occurred_at_ms=-1), 0, Reason.RANGE),
        (Event(id="a", type="cat_seen", customer_id="a", occurred_at_ms=0), 2**60, Reason.RANGE),
        (Event(id="a", type="cat_seen", customer_id="a", occurred_at_ms=0, data={"x": 1e15}), 0, Reason.RANGE),
        (Event(id="a", type="cat_seen", customer_id="a", occurred_at_ms=0, data=nested(40)), 0, Reason.TOO_DEEP),
        (Event(id="a", type="page_viewed", customer_id="a", occurred_at_ms=0), 0, Reason.SCHEMA),
        (Event(id="a", type="b", customer_id="a", occurred_at_ms=0, data={"x": "y" * 2**18}), 0, Reason.TOO_LARGE),
    ],
)
def test_the_fold_refuses_what_the_doors_refuse(event: Event, appended_at_ms: int, reason: Reason) -> None:
    refused(lambda: judge_record(encode_record(event, appended_at_ms)), reason)


def test_a_control_record_is_not_for_the_judge() -> None:
    with pytest.raises(InputRefused):
        judge_record(encode_tick(5))
