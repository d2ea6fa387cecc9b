"""The filters and tests that templates have; there are no others, and every one is counted and bounded.

The first argument of each is the render's meter, the second the value before the bar. A filter of a null is null,
but for default, length and those that take a list (null is the empty list).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from jinja2.runtime import Undefined

from templates import list_filters, number_filters, text_filters
from templates.limits import Meter
from templates.operands import calculate, defined

Filter = Callable[..., Any]

FILTERS: dict[str, Filter] = {
    "abs": number_filters.absolute,
    "batch": list_filters.batch,
    "capitalize": text_filters.of_text(str.capitalize),
    "count": list_filters.length,
    "d": text_filters.default,
    "default": text_filters.default,
    "first": list_filters.first,
    "join": list_filters.join_texts,
    "last": list_filters.last,
    "length": list_filters.length,
    "long_date": number_filters.long_date,
    "lower": text_filters.of_text(str.lower),
    "map": list_filters.map_field,
    "max": list_filters.most,
    "min": list_filters.least,
    "money": number_filters.money,
    "number": number_filters.as_number,
    "rejectattr": list_filters.reject,
    "replace": text_filters.replace,
    "reverse": list_filters.reverse,
    "round": number_filters.rounded,
    "selectattr": list_filters.select,
    "sentence": list_filters.sentence,
    "sort": list_filters.sort,
    "sum": list_filters.total,
    "trim": text_filters.of_text(str.strip),
    "truncate": text_filters.truncate,
    "unique": list_filters.unique,
    "upper": text_filters.of_text(str.upper),
    "urlencode": text_filters.urlencode,
}


def _is_null(_meter: Meter, value: object) -> bool:
    return defined(value) is None


def _is_divisible(meter: Meter, value: object, by: object) -> bool:
    return value is not None and calculate(meter, "%", value, by) == 0


TESTS: dict[str, Filter] = {
    "defined": lambda _, value: not isinstance(value, Undefined),
    "undefined": lambda _, value: isinstance(value, Undefined),
    "none": _is_null,
    "null": _is_null,
    "odd": lambda meter, value: value is not None and calculate(meter, "%", value, 2) != 0,
    "even": lambda meter, value: _is_divisible(meter, value, 2),
    "divisibleby": _is_divisible,
    "string": lambda _, value: isinstance(defined(value), str),
    "number": lambda _, value: isinstance(defined(value), (int, Decimal)) and not isinstance(value, bool),
}
