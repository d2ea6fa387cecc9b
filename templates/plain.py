"""The plain data that templates see: dict, list, str, int, Decimal, bool and None, converted deeply.

No object of ours, and none with methods that a template could reach, passes this door.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, TypeAlias

from events.errors import RenderFailed
from events.numbers import MICRO, PLACES, half_even
from templates.limits import MAX_NUMBER

Plain: TypeAlias = "str | int | Decimal | bool | list[Plain] | dict[str, Plain] | None"

MAX_DEPTH = 40
MAX_VALUES = 1_000_000

# Our own, so that no setting of the process's decimal context can change a message.
ARITHMETIC = Context(prec=70, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
MAX_DIGITS = 30
TOO_LARGE = "a number must be smaller than 10^30 in size"
SIX_PLACES = Decimal("0.000001")


class Variables(dict[str, Plain]):
    """What a template is given, known to be plain."""

    __slots__ = ()


class Group(dict[str, Plain]):
    """Fields known to be plain: made once, given to many messages."""

    __slots__ = ()


class Nulls(dict[str, Plain]):
    """A group of fields in which every field that is not there is null, as in all groups within it."""

    __slots__ = ()


def plain_number(value: int | float | Decimal) -> int | Decimal:
    """A number as templates see it: rounded half-even to 6 places, an int where it is whole.

    Raises RenderFailed for NaN, an infinity, or 10^30 and more in size.
    """
    if type(value) is int and -MAX_NUMBER < value < MAX_NUMBER:
        return value
    if type(value) is Decimal and _has_six_places(value):
        return _whole_if_it_is(value)
    if isinstance(value, float) and -1e15 < value < 1e15:
        if value.is_integer():
            return int(value)
        text = repr(value)
        if text[-7:].find(".") >= 0 and "e" not in text:
            return Decimal(text)  # six places or fewer: nothing to round
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or number.adjusted() >= MAX_DIGITS:
        raise RenderFailed(TOO_LARGE)
    return _whole_if_it_is(ARITHMETIC.quantize(number, SIX_PLACES) if number.adjusted() >= -7 else Decimal(0))


def _whole_if_it_is(number: Decimal) -> int | Decimal:
    whole = int(number)
    return whole if number == whole else number


def rounded(numerator: int, denominator: int = MICRO) -> int | Decimal:
    """A fraction, by default one of millionths, half-even to 6 places, an int where it is whole; of any size."""
    ties = MICRO % denominator  # most are decimal fractions of few places, which have nothing to round
    micro = half_even(numerator * MICRO, denominator) if ties else numerator * (MICRO // denominator)
    whole, rest = divmod(micro, MICRO)
    return ARITHMETIC.scaleb(Decimal(micro), -PLACES) if rest else whole


def plain_text(value: str) -> str:
    """Exactly a str, without lone surrogates, which no encoding could write."""
    text = value if type(value) is str else str.__str__(value)  # exactly a str, whatever its class says
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain(value: object) -> Plain:
    """`value` deeply converted; sets become lists sorted by code points, floats exact decimals of 6 places.

    Raises RenderFailed for what is no data (naming its type), for too deep nesting and for too many values.
    """
    return _Conversion().convert(value, 0)


def plain_fields(fields: Mapping[str, Any], *, lenient: bool = False) -> dict[str, Plain]:
    """`plain` of a group of fields (`lenient`: as Nulls), quicker where each is one text, number, flag or null."""
    made: dict[str, Plain] = Nulls() if lenient else {}
    for name, value in fields.items() if len(fields) <= MAX_VALUES else ():
        kind = type(value)
        if type(name) is not str or not name.isascii():
            break
        if value is None or kind is bool or (kind is str and value.isascii()):
            made[name] = value
        elif kind is int or kind is Decimal or kind is float:
            made[name] = plain_number(value)
        else:
            break
    if len(made) == len(fields):
        return made
    converted = plain(Nulls(fields) if lenient else fields)
    assert isinstance(converted, dict)
    return converted


class _Conversion:
    """Counts values, so that data that shares or contains itself ends in an error."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values = 0

    def convert(self, value: object, depth: int, lenient: bool = False) -> Plain:
        if isinstance(value, str):
            return value if type(value) is str and value.isascii() else plain_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float, Decimal)):
            return plain_number(int(value) if isinstance(value, int) else value)
        if isinstance(value, (dict, list, tuple)):
            return self.container(value, depth, lenient)
        if isinstance(value, (set, frozenset)):
            return self.container(sorted(value, key=_by_kind_and_value), depth, lenient)
        if isinstance(value, Mapping):
            return self.container(dict(value), depth, lenient)
        raise RenderFailed(f"templates are given plain data only; found {type(value).__name__}")

    def container(
        self, value: dict[object, object] | list[object] | tuple[object, ...], depth: int, lenient: bool
    ) -> Plain:
        self.values += len(value)
        if self.values > MAX_VALUES:
            raise RenderFailed(f"a template may be given {MAX_VALUES:,} values; there are more")
        if depth >= MAX_DEPTH:
            raise RenderFailed(f"data for a template may be nested {MAX_DEPTH} deep; this is deeper")
        convert = self.convert
        lenient = lenient or type(value) is Nulls
        if isinstance(value, dict):
            key = self.key
            fields = {key(name): convert(item, depth + 1, lenient) for name, item in value.items()}
            return Nulls(fields) if lenient else fields
        return [convert(item, depth + 1, lenient) for item in value]

    @staticmethod
    def key(key: object) -> str:
        if isinstance(key, str):
            return plain_text(key)
        raise RenderFailed(f"fields have names that are text; found {type(key).__name__}")


def _by_kind_and_value(value: object) -> tuple[str, object]:
    return ("number" if isinstance(value, (int, float, Decimal)) else type(value).__name__, value)


def shown(value: int | Decimal) -> str:
    """A number as text, half-even to 6 places, without trailing zeros and without an exponent."""
    if type(value) is Decimal and _has_six_places(value):
        text = str(value).rstrip("0")
        if text[-1] != ".":  # not whole
            return text
    return str(number) if type(number := plain_number(value)) is int else str(number).rstrip("0")


def _has_six_places(number: Decimal) -> bool:
    """Whether there is nothing to round and nothing to refuse."""
    return number.same_quantum(SIX_PLACES) and number.adjusted() < MAX_DIGITS
