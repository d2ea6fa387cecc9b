"""Numbers as the engine computes with them: integers of millionths.

A number is its decimal text (of a double, the shortest that reads back), rounded half-even to six places when it is
read and never again before it is shown.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from events.errors import NumberOutOfRange

MICRO = 1_000_000
PLACES = 6
# Sizes from here on are refused when read.
LIMIT = 10**15
_LIMIT_EXPONENT = 15

_FLOAT_LIMIT = 1e15
_SURE_DIGITS = 15
# Below this, scaling a double to millionths and reading it as its shortest text are each off by at most 1/8.
_FAST_LIMIT = float(2**50)
_QUANTUM = Decimal(1).scaleb(-PLACES)
# 15 digits before the point and 6 after it fit; no trap raises and no ambient context takes part.
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX, capitals=1, clamp=0, traps=[])


def quantise(number: int | float | Decimal) -> int:
    """The number in millionths, its decimal text rounded half-even to six places.

    Raises NumberOutOfRange for NaN, an infinity or a size of 10^15 and more, TypeError for what is no number
    (a bool is none).
    """
    kind = type(number)
    if kind is int:
        if -LIMIT < number < LIMIT:
            return int(number * MICRO)
        raise NumberOutOfRange(number)
    if kind is float:
        if not -_FLOAT_LIMIT < number < _FLOAT_LIMIT:  # true of NaN too
            raise NumberOutOfRange(number)
        scaled = float(number * MICRO)
        nearest = round(scaled)
        if abs(scaled - nearest) < 0.25 and abs(scaled) < _FAST_LIMIT:
            return nearest
        return _quantise_decimal(Decimal(repr(number)))
    if isinstance(number, Decimal):
        if not number.is_finite() or (number and number.adjusted() >= _LIMIT_EXPONENT):
            raise NumberOutOfRange(number)
        return _quantise_decimal(number)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"a number must be an int, a float or a Decimal; found {kind.__name__}")
    # A subclass (numpy.float64, IntEnum): its plain value.
    return quantise(int(number) if isinstance(number, int) else float(number))


def _quantise_decimal(number: Decimal) -> int:
    rounded = _EXACT.quantize(number, _QUANTUM)
    return int(_EXACT.scaleb(rounded, PLACES))


def nearest_double(text: str) -> float:
    """The double that stands for a JSON number's text in the log; beyond the range of numbers it is beyond it too.

    Where no double carries the text, its six decimal places count: they are rounded from the text first, so that
    0.12345650000000000001 becomes 0.123457.
    """
    number = float(text)
    if len(text) <= _SURE_DIGITS or not -_FLOAT_LIMIT < number < _FLOAT_LIMIT:  # a double carries any 15 digits
        return number
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds: the double is 0
        return number
    return number if exact == Decimal(repr(number)) else quantise(exact) / MICRO


def half_even(numerator: int, denominator: int) -> int:
    """The fraction rounded to an integer, a tie to the even one; the denominator is not 0, of either sign."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole & 1))


def shown_text(numerator: int, denominator: int = MICRO) -> str:
    """The fraction as decimal text, half-even at six places, without trailing zeros; the default reads millionths."""
    micro = numerator if denominator == MICRO else half_even(numerator * MICRO, denominator)
    whole, rest = divmod(abs(micro), MICRO)
    # A Decimal prints integers of any length; str(int) stops at 4,300 digits.
    text = str(Decimal(whole)) if whole >= LIMIT else str(whole)
    if rest:
        text += f".{rest:06d}".rstrip("0")
    return f"-{text}" if micro < 0 else text


def shown(numerator: int, denominator: int = MICRO) -> int | Decimal:
    """The fraction as it is shown: half-even at six places, an int where it is whole, else an exact Decimal."""
    micro = numerator if denominator == MICRO else half_even(numerator * MICRO, denominator)
    whole, rest = divmod(micro, MICRO)
    return Decimal(shown_text(micro)) if rest else whole
