"""Filters that take a text; see `templates.filters` for what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from jinja2.runtime import Undefined

from events.errors import RenderFailed
from templates.limits import MAX_TEXT_CHARS, Meter
from templates.operands import defined, text, whole


def of_text(change: Callable[[str], str]) -> Callable[[Meter, object], str | None]:
    """A filter that makes a text of a text."""

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
