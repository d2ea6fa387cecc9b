"""The filters and tests that templates have; there are no others, and every one is counted and bounded.

The first argument of each is the render's meter, the second the value before the bar. A filter of a null is null,
but for default, length and those that take a list (null is the empty list).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote

from jinja2.runtime import Undefined

from events.errors import RenderFailed
from templates import languages
from templates.limits import MAX_LOOP_ITEMS, MAX_TEXT_CHARS, Meter
from templates.operands import (
    calculate,
    compare,
    defined,
    field,
    items,
    join,
    kind_of,
    number,
    scalar,
    text,
    whole,
    written,
)
from templates.plain import ARITHMETIC, Plain

Filter = Callable[..., Any]


def _list(meter: Meter, value: object) -> list[Plain]:
    found = items(value)
    meter.walk(len(found))
    return found


def _texts(meter: Meter, value: object) -> list[str]:
    """The items as written, nulls left out."""
    parts = [written(item) for item in _list(meter, value) if item is not None]
    for part in parts:
        meter.reads(part)
    return parts


def _of_text(change: Callable[[str], str]) -> Filter:
    def changed(meter: Meter, value: object) -> str | None:
        if defined(value) is None:
            return None
        given = text(value)
        meter.reads(given)
        result = change(given)
        meter.makes(len(result))
        return result

    return changed


def replace(meter: Meter, value: object, old: object, new: object) -> str | None:
    """`old` by `new` in a text."""
    if defined(value) is None:
        return None
    given, wanted, instead = text(value), text(old), text(new)
    if not wanted:
        raise RenderFailed("replace needs a text to look for")
    meter.reads(given)
    meter.makes(len(given) + given.count(wanted) * (len(instead) - len(wanted)))
    return given.replace(wanted, instead)


def truncate(meter: Meter, value: object, length: object, end: object = "…") -> str | None:
    """A text of at most `length` characters, cut after a word where it can be, with `end` where it was cut."""
    if defined(value) is None:
        return None
    given, mark = text(value), text(end)
    most = whole(length, least=len(mark), most=MAX_TEXT_CHARS)
    if len(given) <= most:
        return given
    meter.makes(most)
    head = given[: most - len(mark)]
    cut = head.rfind(" ")
    return (head[:cut] if cut > 0 and given[len(head)] != " " else head).rstrip() + mark


def urlencode(meter: Meter, value: object) -> str | None:
    """A text as part of a link's query."""
    if defined(value) is None:
        return None
    given = text(value)
    meter.reads(given)
    result = quote(given, safe="", errors="replace")
    meter.makes(len(result))
    return result


def default(_meter: Meter, value: object, instead: object = "") -> object:
    """The value, or `instead` where it is null or not defined."""
    return instead if value is None or isinstance(value, Undefined) else value


def join_texts(meter: Meter, value: object, separator: object = "", attribute: object = None) -> str:
    """The items as one text."""
    return join(meter, _texts(meter, _attribute(meter, value, attribute)), text(separator))


def sentence(meter: Meter, value: object, attribute: object = None) -> str:
    """The items as people list them: `a, b and c`, in the part's language."""
    parts = _texts(meter, _attribute(meter, value, attribute))
    meter.makes(sum(map(len, parts)) + 2 * len(parts) + 5)
    return languages.sentence(parts, languages.language_of(meter.language))


def length(_meter: Meter, value: object) -> int:
    """How many items, fields or characters; 0 of a null."""
    if defined(value) is None:
        return 0
    if isinstance(value, (str, list, tuple, dict)):
        return len(value)
    raise RenderFailed(f"{kind_of(value)} has no length")


def first(_meter: Meter, value: object) -> Plain:
    """The first item, null of none."""
    found = items(value)
    return found[0] if found else None


def last(_meter: Meter, value: object) -> Plain:
    """The last item, null of none."""
    found = items(value)
    return found[-1] if found else None


def reverse(meter: Meter, value: object) -> list[Plain]:
    """The items, last first."""
    return _list(meter, value)[::-1]


def _attribute(meter: Meter, value: object, attribute: object) -> list[Plain]:
    found = items(value)
    if attribute is None:
        return found
    name = text(attribute)
    meter.walk(len(found))
    return [field(item, name) for item in found]


def map_field(meter: Meter, value: object, attribute: object) -> list[Plain]:
    """One field of each item."""
    return _attribute(meter, value, attribute)


def select(meter: Meter, value: object, attribute: object, equals: object = True) -> list[Plain]:
    """The items whose field is set, or equals a value."""
    name = text(attribute)
    return [item for item in _list(meter, value) if _fits(meter, field(item, name), equals)]


def reject(meter: Meter, value: object, attribute: object, equals: object = True) -> list[Plain]:
    """The items that `selectattr` would leave out."""
    name = text(attribute)
    return [item for item in _list(meter, value) if not _fits(meter, field(item, name), equals)]


def _fits(meter: Meter, found: Plain, equals: object) -> bool:
    return bool(found) if equals is True else compare(meter, "eq", found, equals)


def sort(meter: Meter, value: object, attribute: object = None, reverse: object = False) -> list[Plain]:
    """The items in order (of a field), equal ones as they were, nulls last; texts by code points."""
    found = _list(meter, value)
    keys = _attribute(meter, value, attribute)
    nulls = [item for key, item in zip(keys, found, strict=True) if key is None]
    pairs = [(key, item) for key, item in zip(keys, found, strict=True) if scalar(key) is not None]
    for key, _ in pairs:
        if isinstance(key, str):
            meter.work(len(key) >> 4)  # each text is read about log2(1,000) times
        if isinstance(key, bool) or isinstance(key, str) != isinstance(pairs[0][0], str):
            raise RenderFailed(f"{kind_of(pairs[0][0])} and {kind_of(key)} have no order")
    return [item for _, item in sorted(pairs, key=_first_of, reverse=bool(defined(reverse)))] + nulls


def _first_of(pair: tuple[Any, Plain]) -> Any:
    return pair[0]


def unique(meter: Meter, value: object, attribute: object = None) -> list[Plain]:
    """The items without those that came before (by a field)."""
    found = _list(meter, value)
    seen: set[tuple[bool, Plain]] = set()
    kept = []
    for key, item in zip(_attribute(meter, value, attribute), found, strict=True):
        if isinstance(key, str):
            meter.reads(key)
        mark = (isinstance(key, bool), scalar(key))
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


def batch(meter: Meter, value: object, size: object) -> list[Plain]:
    """The items in rows of `size`."""
    found, row = _list(meter, value), whole(size, least=1, most=MAX_LOOP_ITEMS)
    return [found[start : start + row] for start in range(0, len(found), row)]


def total(meter: Meter, value: object, attribute: object = None) -> Plain:
    """The sum of the items (of a field), nulls left out."""
    result: Plain = 0
    for item in _list(meter, _attribute(meter, value, attribute)):
        if item is not None:
            result = calculate(meter, "+", result, number(item))
    return result


def least(meter: Meter, value: object, attribute: object = None) -> Plain:
    """The smallest item (field), null of none."""
    ordered = sort(meter, _attribute(meter, value, attribute))
    return ordered[0] if ordered else None


def most(meter: Meter, value: object, attribute: object = None) -> Plain:
    """The largest item (field), null of none."""
    ordered = [item for item in sort(meter, _attribute(meter, value, attribute)) if item is not None]
    return ordered[-1] if ordered else None


def absolute(_meter: Meter, value: object) -> Plain:
    """A number without its sign."""
    if defined(value) is None:
        return None
    given = number(value)
    return given.copy_abs() if isinstance(given, Decimal) else abs(given)


def rounded(_meter: Meter, value: object, places: object = 0) -> Plain:
    """A number half away from zero, as the rule language's `round`."""
    if defined(value) is None:
        return None
    unit = Decimal(1).scaleb(-whole(places, least=0, most=6), ARITHMETIC)
    return Decimal(number(value)).quantize(unit, ROUND_HALF_UP, ARITHMETIC)


def as_number(meter: Meter, value: object, places: object = None) -> str | None:
    """A number half-even to `places`, grouped as the part's language does."""
    if defined(value) is None:
        return None
    shown_places = None if places is None else whole(places, least=0, most=6)
    return languages.grouped(number(value), shown_places, languages.language_of(meter.language))


def money(meter: Meter, value: object, currency: object = None) -> str | None:
    """An amount half-even to two places, with its currency if one is named."""
    if defined(value) is None:
        return None
    named = None if defined(currency) is None else text(currency)
    return languages.money(number(value), named, languages.language_of(meter.language))


def long_date(meter: Meter, value: object, language: object = None) -> str | None:
    """A date written out, in the part's language or the one named."""
    if defined(value) is None:
        return None
    named = meter.language if language is None else text(language)
    return languages.long_date(text(value), languages.language_of(named))


FILTERS: dict[str, Filter] = {
    "abs": absolute,
    "batch": batch,
    "capitalize": _of_text(str.capitalize),
    "count": length,
    "d": default,
    "default": default,
    "first": first,
    "join": join_texts,
    "last": last,
    "length": length,
    "long_date": long_date,
    "lower": _of_text(str.lower),
    "map": map_field,
    "max": most,
    "min": least,
    "money": money,
    "number": as_number,
    "rejectattr": reject,
    "replace": replace,
    "reverse": reverse,
    "round": rounded,
    "selectattr": select,
    "sentence": sentence,
    "sort": sort,
    "sum": total,
    "trim": _of_text(str.strip),
    "truncate": truncate,
    "unique": unique,
    "upper": _of_text(str.upper),
    "urlencode": urlencode,
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
