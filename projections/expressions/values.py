"""Pieces of generated source: how a number, another value or a condition reads in Python.

A number is an exact fraction: `numerator / (scale * denominator)` with a static positive `scale` and, where it depends
on the customer, a positive integer `denominator`. `guard` is a condition that must be asked first: it is false for
null and may bind temporaries (walrus) that the other parts use. None means never null.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from math import lcm

from events.numbers import MICRO


@dataclass(frozen=True, slots=True)
class Num:
    """An exact fraction in source form."""

    numerator: str
    scale: int = 1
    denominator: str | None = None
    guard: str | None = None
    nonnegative: bool = False


@dataclass(frozen=True, slots=True)
class Val:
    """Any other value in source form; `code` may only be read after `guard` held."""

    code: str
    guard: str | None = None


@dataclass(slots=True)
class Temporaries:
    """Names for values bound on the way; one counter a generated function."""

    prefix: str = "v"
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new(self) -> str:
        """A name not used before in this function."""
        return f"{self.prefix}{next(self.counter)}"


def constant(value: Fraction) -> Num:
    """A literal number, in lowest terms."""
    return Num(str(value.numerator), value.denominator, nonnegative=value >= 0)


def both(*guards: str | None) -> str | None:
    """The conjunction of guards in the order in which they must be asked."""
    present = [guard for guard in guards if guard is not None]
    return " and ".join(present) if present else None


def times(code: str, factor: int, *more: str | None) -> str:
    """`code` multiplied by a constant and by further factors."""
    parts = [code]
    if factor != 1:
        parts.append(str(factor))
    parts += [part for part in more if part is not None]
    if parts[0] == "1" and len(parts) > 1:
        parts = parts[1:]
    return " * ".join(parts) if len(parts) > 1 else parts[0]


def _product(left: str | None, right: str | None) -> str | None:
    if left is None or right is None:
        return left or right
    return f"{left} * {right}"


def add(left: Num, right: Num, op: str) -> Num:
    """`left + right` or `left - right`."""
    scale = lcm(left.scale, right.scale)
    a = times(left.numerator, scale // left.scale, right.denominator)
    b = times(right.numerator, scale // right.scale, left.denominator)
    return Num(
        f"({a} {op} {b})",
        scale,
        _product(left.denominator, right.denominator),
        both(left.guard, right.guard),
        op == "+" and left.nonnegative and right.nonnegative,
    )


def multiply(left: Num, right: Num) -> Num:
    """`left * right`."""
    return Num(
        f"({times(left.numerator, 1, right.numerator)})",
        left.scale * right.scale,
        _product(left.denominator, right.denominator),
        both(left.guard, right.guard),
        left.nonnegative and right.nonnegative,
    )


def divide(left: Num, right: Num, names: Temporaries) -> Num:
    """`left / right`; null where right is 0."""
    divisor = names.new()
    bind = f"({divisor} := {right.numerator}) != 0"
    top = times(left.numerator, right.scale, right.denominator)
    if not right.nonnegative:
        top, bottom = f"({top} if {divisor} > 0 else -({top}))", f"abs({divisor})"
    else:
        top, bottom = f"({top})", divisor
    return Num(
        top,
        left.scale,
        _product(left.denominator, bottom),
        both(left.guard, right.guard, bind),
        left.nonnegative and right.nonnegative,
    )


def negate(number: Num) -> Num:
    """`-number`."""
    return Num(f"(-{number.numerator})", number.scale, number.denominator, number.guard)


def absolute(number: Num) -> Num:
    """`abs(number)`."""
    return Num(f"abs({number.numerator})", number.scale, number.denominator, number.guard, nonnegative=True)


def extreme(function: str, numbers: Sequence[Num], names: Temporaries) -> Num:
    """The `min` or the `max`, as `function` says, of several; null where one is."""
    guard = both(*(number.guard for number in numbers))
    name = names.new()
    if all(number.denominator is None for number in numbers):
        scale = lcm(*(number.scale for number in numbers))
        each = ", ".join(times(number.numerator, scale // number.scale) for number in numbers)
        bind = f"({name} := {function}({each})) is not None"
        return Num(name, scale, guard=both(guard, bind))
    choose = "larger" if function == "max" else "smaller"
    code = reduce(lambda left, right: f"{choose}({left}, {right})", (pair(number) for number in numbers))
    bind = f"({name} := {code}) is not None"
    return Num(f"{name}[0]", 1, f"{name}[1]", both(guard, bind))


def rounded(number: Num, places: int) -> Num:
    """The number with as many decimals, half away from 0."""
    denominator = times(str(number.scale), 1, number.denominator)
    code = f"round_half_away({number.numerator}, {denominator}, {places})[0]"
    return Num(code, 10**places, guard=number.guard, nonnegative=number.nonnegative)


def compare(left: Num, op: str, right: Num) -> str:
    """The condition `left op right`, false where a side is null; fractions are compared by cross-multiplication."""
    scale = lcm(left.scale, right.scale)
    a = times(left.numerator, scale // left.scale, right.denominator)
    b = times(right.numerator, scale // right.scale, left.denominator)
    guard = both(left.guard, right.guard)
    return f"({guard} and {a} {op} {b})" if guard else f"({a} {op} {b})"


def pair(number: Num) -> str:
    """A tuple (numerator, denominator) of a number that is not null."""
    return f"({number.numerator}, {times(str(number.scale), 1, number.denominator)})"


def micro_key(number: Num) -> str:
    """A number that is not null as sets key it: whole millionths, or None where they are not whole."""
    if number.denominator is None and MICRO % number.scale == 0:
        return times(number.numerator, MICRO // number.scale)
    return f"micro_key({pair(number)})"


def bound(code: str, guard: str | None) -> str:
    """`code`, or None where the guard does not hold."""
    return f"({code} if {guard} else None)" if guard else code
