"""The functions of the language: what each takes, gives and refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import re2

from events.numbers import MICRO
from projections.expressions.kinds import COLLECTIONS, MOMENTS, Refusal, Rule, Typed, a_kind, in_words
from projections.expressions.tree import Const, Kind, Node

MAX_PLACES = 6
# Bounds the automaton of one pattern; RE2 refuses what would need more.
_PATTERN_BYTES = 1 << 20

_NUMBER = frozenset({Kind.NUMBER})
_TEXT = frozenset({Kind.TEXT})
_SINGLE = _NUMBER | _TEXT | MOMENTS | {Kind.FLAG}

Arguments = Sequence[Node]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it is written, the kinds of each argument, what a call whose kinds fit gives.

    The last `takes` holds for all further arguments where `most` is None.
    """

    shape: str
    takes: tuple[frozenset[Kind], ...]
    least: int
    most: int | None
    gives: Rule


def type_call(function: Function, arguments: Arguments) -> Typed | Refusal:
    """What a call gives, or why it is refused; every argument has its kind."""
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        return Refusal(f"write {function.shape}: {_how_many(function)}, not {len(arguments)}")
    for index, argument in enumerate(arguments):
        kinds = function.takes[min(index, len(function.takes) - 1)]
        if argument.kind not in kinds:
            takes = " or ".join(in_words(kind) for kind in sorted(kinds))
            return Refusal(f"{function.shape} takes {takes} here, not {a_kind(argument)}", index)
    return function.gives(arguments)


def _how_many(function: Function) -> str:
    least, most = function.least, function.most
    if most is None:
        return f"at least {least} arguments"
    count = str(least) if least == most else f"{least} or {most}"
    return f"{count} argument" + ("" if most == 1 else "s")


def _since(arguments: Arguments) -> Typed:
    return Typed(Kind.NUMBER, nullable=arguments[0].nullable, moving=True)


def _len(arguments: Arguments) -> Typed:
    return Typed(Kind.NUMBER, nullable=arguments[0].nullable)


def _of_numbers(arguments: Arguments) -> Typed:
    nullable = any(argument.nullable for argument in arguments)
    return Typed(Kind.NUMBER, nullable=nullable, moving=any(argument.moving for argument in arguments))


def _round(arguments: Arguments) -> Typed | Refusal:
    if arguments[0].moving:
        return Refusal("a number that moves with time cannot be rounded; compare it as it is", 0)
    if len(arguments) == 2:
        places = arguments[1]
        value = places.value if isinstance(places, Const) else None
        if type(value) is not int or value % MICRO or not 0 <= value <= MAX_PLACES * MICRO:
            return Refusal(f"the places of round are a whole number from 0 to {MAX_PLACES}, written as such", 1)
    return Typed(Kind.NUMBER, nullable=arguments[0].nullable)


def _lower(arguments: Arguments) -> Typed:
    return Typed(Kind.TEXT, nullable=arguments[0].nullable)


def _coalesce(arguments: Arguments) -> Typed | Refusal:
    first = arguments[0]
    for index, argument in enumerate(arguments):
        if argument.kind is not first.kind:
            return Refusal(f"coalesce takes values of one kind, not {a_kind(first)} and {a_kind(argument)}", index)
    nullable = all(argument.nullable for argument in arguments)
    return Typed(first.kind or Kind.NULL, nullable=nullable, moving=any(argument.moving for argument in arguments))


def _text_test(_: Arguments) -> Typed:
    return Typed(Kind.FLAG)


def _matches(arguments: Arguments) -> Typed | Refusal:
    pattern = arguments[1]
    if not isinstance(pattern, Const) or not isinstance(pattern.value, str):
        return Refusal("the pattern of matches is a text in quotes, not something computed", 1)
    try:
        compile_pattern(pattern.value)
    except ValueError as error:
        return Refusal(f"this is no regular expression: {error}", 1)
    return Typed(Kind.FLAG)


@lru_cache(maxsize=1_024)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A function that says whether RE2 finds the pattern anywhere in a text, in time linear in the text.

    Raises ValueError with RE2's reason.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES
    try:
        search = re2.compile(pattern, options=options).search
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(text or "not a regular expression") from None
    return lambda text: search(text) is not None


FUNCTIONS: dict[str, Function] = {
    "days_since": Function("days_since(t)", (MOMENTS,), 1, 1, _since),
    "hours_since": Function("hours_since(t)", (MOMENTS,), 1, 1, _since),
    "len": Function("len(x)", (COLLECTIONS | _TEXT,), 1, 1, _len),
    "abs": Function("abs(x)", (_NUMBER,), 1, 1, _of_numbers),
    "min": Function("min(a, b, ...)", (_NUMBER,), 2, None, _of_numbers),
    "max": Function("max(a, b, ...)", (_NUMBER,), 2, None, _of_numbers),
    "round": Function("round(x, places)", (_NUMBER,), 1, 2, _round),
    "lower": Function("lower(s)", (_TEXT,), 1, 1, _lower),
    "coalesce": Function("coalesce(a, b, ...)", (_SINGLE,), 2, None, _coalesce),
    "starts_with": Function("starts_with(s, p)", (_TEXT,), 2, 2, _text_test),
    "matches": Function("matches(s, 'pattern')", (_TEXT,), 2, 2, _matches),
}
