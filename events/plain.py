"""What an event's data may be made of: text, numbers, flags, null, lists and objects, to a bounded depth."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from events.errors import InputRefused, Reason
from events.numbers import LIMIT, nearest_double
from events.times import parse_instant

MAX_DEPTH = 32

_LIMIT = float(LIMIT)


def found(value: object) -> str:
    """A value as errors name it: its kind and, where it is short, itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {value[:40]!r}" + ("..." if len(value) > 40 else "")
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    if isinstance(value, int | float | Decimal):
        return f"the number {value!s:.60}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a value of type {type(value).__name__}"


def control_character(text: str) -> str | None:
    """The first control character as U+XXXX, None where there is none."""
    for character in text:
        if unicodedata.category(character) == "Cc":
            return f"U+{ord(character):04X}"
    return None


def plain_object(data: object) -> dict[str, Any]:
    """A copy of an event's data in plain values; the object itself is level 1 of 32.

    Datetimes become integer milliseconds, dates `YYYY-MM-DD`, Decimals the nearest double. Raises InputRefused for a
    number out of range (anywhere), nesting too deep, text that is not Unicode or has a NUL, and what is no plain value.
    """
    if not isinstance(data, Mapping):
        raise InputRefused(Reason.SCHEMA, f"data must be an object; found {found(data)}")
    try:
        return _object(data, 1)
    except _Misplaced as refused:
        where = "".join(reversed(refused.steps))
        raise InputRefused(refused.reason, f"data{where} {refused.detail}") from None


class _Misplaced(InputRefused):
    """A refusal on its way up, which collects the steps to what was refused, the innermost first."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.steps: list[str] = []


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _Misplaced(Reason.TOO_DEEP, f"must be nested at most {MAX_DEPTH} deep")
    plain: dict[str, Any] = {}
    for name, item in value.items():
        if not (type(name) is str and name.isascii() and "\0" not in name):
            name = _name(name)
        kind = type(item)  # as _is_plain, without the call: here most of an event's values pass
        if kind is str:
            usual = item.isascii() and "\0" not in item
        elif kind is int or kind is float:
            usual = -_LIMIT < item < _LIMIT
        else:
            usual = item is None or kind is bool
        if usual:
            plain[name] = item
            continue
        try:
            plain[name] = _made_plain(item, depth)
        except _Misplaced as refused:
            refused.steps.append(f".{name}" if name.isidentifier() and len(name) <= 60 else f"[{name!r:.60}]")
            raise
    return plain


def _list(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    if depth > MAX_DEPTH:
        raise _Misplaced(Reason.TOO_DEEP, f"must be nested at most {MAX_DEPTH} deep")
    plain: list[Any] = []
    for index, item in enumerate(value):
        if _is_plain(item):
            plain.append(item)
            continue
        try:
            plain.append(_made_plain(item, depth))
        except _Misplaced as refused:
            refused.steps.append(f"[{index}]")
            raise
    return plain


def _is_plain(item: Any) -> bool:
    """Whether the value is usual and right; False also for what only needs a closer look."""
    kind = type(item)
    if kind is str:
        return bool(item.isascii() and "\0" not in item)
    if kind is int or kind is float:
        return bool(-_LIMIT < item < _LIMIT)  # false of NaN
    return item is None or kind is bool


def _made_plain(item: object, depth: int) -> Any:
    """The value in plain form; raises _Misplaced for what has none."""
    if isinstance(item, Mapping):
        return _object(item, depth + 1)
    if isinstance(item, list | tuple):
        return _list(item, depth + 1)
    if isinstance(item, str):
        return _text(str(item))
    if isinstance(item, int | float | Decimal):
        return _number(item)
    if isinstance(item, datetime):
        return parse_instant(item)
    if isinstance(item, date):
        return item.isoformat()
    rule = "must be text, a number, true, false, null, a list or an object"
    raise _Misplaced(Reason.SCHEMA, f"{rule}; found {found(item)}")


def _number(number: int | float | Decimal) -> int | float:
    plain: int | float
    if isinstance(number, Decimal):
        plain = nearest_double(str(number)) if number.is_finite() else _LIMIT
    else:
        plain = int(number) if isinstance(number, int) else float(number)
    if not -LIMIT < plain < LIMIT:
        raise _out_of_range(number)
    return plain


def _out_of_range(number: int | float | Decimal) -> _Misplaced:
    return _Misplaced(Reason.RANGE, f"must be a number smaller than 10^15 in size; found {found(number)}")


def _text(text: str) -> str:
    fault = text_fault(text)
    if fault is not None:
        raise _Misplaced(Reason.SYNTAX, fault)
    return text


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise _Misplaced(Reason.SCHEMA, f"must have fields named by text; found {found(name)}")
    return _text(str(name))


def text_fault(text: str) -> str | None:
    """Why text is refused anywhere in an event: a NUL or a lone surrogate; None where there is nothing."""
    if "\0" in text:
        return "must have no NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must be Unicode text; found a lone surrogate"
    return None
