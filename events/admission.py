"""The judge of events: what the doors take, and what the fold would refuse.

Whatever comes in, the answer is an `Admitted` or an `InputRefused` with its reason, what must be and what was found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from events.codec import encode_record, read_record
from events.envelope import CONTROL_TYPES, Event
from events.errors import InputRefused, Reason
from events.nearest import did_you_mean
from events.numbers import LIMIT, nearest_double
from events.plain import control_character, found, plain_object, text_fault
from events.schema import Fields, is_type_name
from events.times import END_MS, FIRST_MS, instant_text, parse_instant
from events.types import BUILTIN
from events.violations import check_data

MAX_EVENT_BYTES = 256 * 1024
MAX_ID_BYTES = 200
MAX_SOURCE_BYTES = 200
MAX_VERSION = 2**31 - 1
FUTURE_MS = 60_000

KEYS = ("id", "type", "customer_id", "occurred_at", "appended_at", "source", "version", "data")
REQUIRED = KEYS[:4]

_JSON = msgspec.json.Decoder(float_hook=nearest_double)
_MSGPACK = msgspec.msgpack.Decoder()
# First bytes of a MessagePack map; no JSON text begins with one.
_MAP_BYTES = frozenset({*range(0x80, 0x90), 0xDE, 0xDF})
# A number takes at most 2.25 times its JSON text in a record, so shorter input need not be measured again.
_SURELY_SMALL = MAX_EVENT_BYTES // 3


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event that a door takes; `appended_at_ms` is None where the publisher named none."""

    event: Event
    appended_at_ms: int | None


Declared = Mapping[str, Fields]


def admit(raw: bytes | Mapping[str, Any], *, now_ms: int | None, declared: Declared | None = None) -> Admitted:
    """An event from JSON or MessagePack bytes (told apart by the first byte) or from an object.

    `now_ms` is the wall clock; None asks nothing of the future. `declared` are the types of the rulebook. Raises
    InputRefused and nothing else.
    """
    if not isinstance(raw, bytes):
        return admit_value(raw, now_ms=now_ms, declared=declared)
    if raw[:1] and raw[0] in _MAP_BYTES:
        return admit_msgpack(raw, now_ms=now_ms, declared=declared)
    return admit_json(raw, now_ms=now_ms, declared=declared)


def admit_json(line: bytes, *, now_ms: int | None, declared: Declared | None = None) -> Admitted:
    """An event from one JSON object, UTF-8."""
    _check_size(len(line))
    try:
        value = _JSON.decode(line)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # UnicodeDecodeError and msgspec's errors are ValueErrors
        value = _reread_json(line)
    return _judge(value, len(line), now_ms, declared)


def admit_msgpack(raw: bytes, *, now_ms: int | None, declared: Declared | None = None) -> Admitted:
    """An event from one MessagePack map."""
    _check_size(len(raw))
    try:
        value = _MSGPACK.decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise InputRefused(Reason.SYNTAX, f"an event must be one whole MessagePack map; {error}") from None
    return _judge(value, len(raw), now_ms, declared)


def admit_value(value: object, *, now_ms: int | None, declared: Declared | None = None) -> Admitted:
    """An event from a mapping of plain values; datetimes, dates and Decimals are taken too."""
    return _judge(value, MAX_EVENT_BYTES, now_ms, declared)


def judge_record(raw: bytes, declared: Declared | None = None) -> tuple[Event, int]:
    """(event, appended_at_ms) of a log's value that is no control record, judged as at the doors but for the future.

    Raises InputRefused with the reason for which a fold would not take it.
    """
    _check_size(len(raw))
    event, appended_at_ms = read_record(raw)
    _check_identity(event.id, event.customer_id)
    _check_type(event.type)
    for name, at_ms in (("occurred_at", event.occurred_at_ms), ("appended_at", appended_at_ms)):
        _check_in_range(name, at_ms)
    check_data(event.type, plain_object(event.data), declared)
    return event, appended_at_ms


def _judge(value: object, size: int, now_ms: int | None, declared: Declared | None) -> Admitted:
    if not isinstance(value, Mapping):
        raise InputRefused(Reason.SCHEMA, f"an event must be an object; found {found(value)}")
    _check_keys(value)
    _check_identity(value["id"], value["customer_id"])
    type_ = _check_type(value["type"])
    occurred_at_ms = _instant("occurred_at", value["occurred_at"], now_ms)
    appended_at = value.get("appended_at")
    appended_at_ms = None if appended_at is None else _instant("appended_at", appended_at, now_ms)
    data = value.get("data")
    plain = {} if data is None else plain_object(data)
    check_data(type_, plain, declared)
    event = Event(
        id=value["id"],
        type=type_,
        customer_id=value["customer_id"],
        occurred_at_ms=occurred_at_ms,
        source=_source(value.get("source")),
        version=_version(value.get("version")),
        data=plain,
    )
    if size > _SURELY_SMALL:
        _check_size(len(encode_record(event, occurred_at_ms if appended_at_ms is None else appended_at_ms)))
    return Admitted(event, appended_at_ms)


def _reread_json(line: bytes) -> object:
    """What the strict reader refused, read by the lenient one, so that the judge can name what is wrong inside."""
    try:
        return json.loads(line.decode("utf-8"), parse_float=nearest_double)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        detail = f"an event must be UTF-8; byte {error.start} is 0x{line[error.start]:02x}"
    except json.JSONDecodeError as error:
        detail = f"an event must be one JSON object; {error.msg.lower()} at character {error.pos + 1}"
    except ValueError:  # an integer of more than 4,300 digits
        raise InputRefused(Reason.RANGE, "a number must be smaller than 10^15 in size; found a longer one") from None
    raise InputRefused(Reason.SYNTAX, detail)


def _check_size(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise InputRefused(Reason.TOO_LARGE, f"an event must have at most {MAX_EVENT_BYTES} bytes; found {size}")


def _too_deep() -> InputRefused:
    return InputRefused(Reason.TOO_DEEP, "an event's data must be nested at most 32 deep")


def _check_keys(value: Mapping[Any, Any]) -> None:
    for key in value:
        if key not in KEYS:
            name = key if isinstance(key, str) else repr(key)
            hint = did_you_mean(name, KEYS) or f"; an event has {', '.join(KEYS)}"
            raise InputRefused(Reason.SCHEMA, f"an event has no key {name!r:.60}{hint}")
    for key in REQUIRED:
        if value.get(key) is None:
            raise InputRefused(Reason.SCHEMA, f"{key} must be there; found {'null' if key in value else 'none'}")


def _check_identity(event_id: object, customer_id: object) -> None:
    _check_id("id", event_id)
    _check_id("customer_id", customer_id)


def _check_id(name: str, value: object) -> None:
    if type(value) is not str:
        raise InputRefused(Reason.SCHEMA, f"{name} must be text; found {found(value)}")
    if value.isascii() and value.isprintable() and 0 < len(value) <= MAX_ID_BYTES:
        return
    if not value:
        raise InputRefused(Reason.BAD_ID, f"{name} must not be empty")
    control = control_character(value)
    if control is not None:
        raise InputRefused(Reason.BAD_ID, f"{name} must have no control characters; found {control}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InputRefused(Reason.BAD_ID, f"{name} must be Unicode text; found a lone surrogate") from None
    if size > MAX_ID_BYTES:
        raise InputRefused(Reason.BAD_ID, f"{name} must have at most {MAX_ID_BYTES} bytes; found {size}")


def _check_type(value: object) -> str:
    if type(value) is not str:
        raise InputRefused(Reason.SCHEMA, f"type must be text; found {found(value)}")
    if value in BUILTIN:
        return value
    if not is_type_name(value):
        raise InputRefused(Reason.SCHEMA, f"type must be snake_case like order_completed; found {value!r:.60}")
    if value in CONTROL_TYPES:
        raise InputRefused(Reason.SCHEMA, f"type must be an event's; {value} is written by the engine alone")
    return value


def _instant(name: str, value: object, now_ms: int | None) -> int:
    try:
        at_ms = parse_instant(value)
    except ValueError as error:
        raise InputRefused(Reason.SCHEMA, f"{name} {error}") from None
    _check_in_range(name, at_ms)
    if now_ms is not None and at_ms > now_ms + FUTURE_MS:
        detail = f"{name} must be at most 60 s after the clock ({instant_text(now_ms)}); found {instant_text(at_ms)}"
        raise InputRefused(Reason.FUTURE, detail)
    return at_ms


def _check_in_range(name: str, at_ms: int) -> None:
    if not FIRST_MS <= at_ms < END_MS:
        shown = instant_text(at_ms) if abs(at_ms) < LIMIT else "a number beyond all years"
        raise InputRefused(Reason.RANGE, f"{name} must be in the years 1970 to 9999; found {shown}")


def _source(value: object) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise InputRefused(Reason.SCHEMA, f"source must be text; found {found(value)}")
    if text_fault(value) or control_character(value) or len(value.encode(errors="replace")) > MAX_SOURCE_BYTES:
        rule = f"source must have at most {MAX_SOURCE_BYTES} bytes and no control characters"
        raise InputRefused(Reason.SCHEMA, f"{rule}; found {value!r:.60}")
    return value


def _version(value: object) -> int:
    if value is None:
        return 1
    if type(value) is not int or not 1 <= value <= MAX_VERSION:
        raise InputRefused(Reason.SCHEMA, f"version must be a whole number from 1 on; found {found(value)}")
    return value
