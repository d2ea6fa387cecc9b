"""Filters that take a list, null being the empty one; see `templates.filters` for what all of them share."""

from __future__ import annotations

from typing import Any

from events.errors import RenderFailed
from templates import languages
from templates.limits import MAX_LOOP_ITEMS, Meter
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
from templates.plain import Plain


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
