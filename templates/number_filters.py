"""Filters that take a number or a date; see `templates.filters` for what all of them share."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from templates import languages
from templates.limits import Meter
from templates.operands import defined, number, text, whole
from templates.plain import ARITHMETIC, Plain


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
