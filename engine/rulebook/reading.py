"""Reads single values out of nodes; what is wrong goes to the problems and the value is None."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as Lookup
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from engine.rulebook.broken_halves import mended
from engine.rulebook.nodes import CANONICAL, Mapping, Node, Scalar, Sequence, describe, is_recorded
from engine.rulebook.problems import Problems
from events.calendar import parse_date
from events.durations import HOUR_MS, MINUTE_MS, parse_duration
from events.errors import NumberOutOfRange
from events.nearest import did_you_mean
from events.numbers import MICRO, quantise
from projections.expressions.suggestions import Suggestions

MAX_TEXT = 500
MAX_NAME = 100
# A message lists so many words at most.
_FEW = 6

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_PERCENT = re.compile(r"([0-9]+(\.[0-9]+)?) ?%", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}

_NOTHING: Lookup[str, str] = MappingProxyType({})
T = TypeVar("T")


class Keys(dict[str, Node]):
    """Values by key; `whole` where no key of the mapping was refused."""

    whole = False


class Reading:
    """Reads values and collects problems.

    `incomplete` says that some file could not be read: what seems unknown may be defined there and is not reported.
    """

    def __init__(self, problems: Problems, *, incomplete: bool = False) -> None:
        self.problems = problems
        self.incomplete = incomplete
        self.suggest = Suggestions()

    def refuse(self, node: Node, message: str) -> None:
        """Report a problem with a node."""
        self.problems.add(node, message)

    def refuse_unknown(self, node: Node, message: str) -> None:
        """Report a name that is defined nowhere, where all definitions could be read."""
        if not self.incomplete:
            self.refuse(node, message)

    # Mappings and lists

    def keys(
        self,
        node: Node,
        what: str,
        known: Collection[str],
        *,
        needed: Collection[str] = (),
        example: str = "",
        later: Lookup[str, str] = _NOTHING,
    ) -> Keys:
        """The values by key of a mapping whose keys are all known; unknown ones are reported and left out.

        `needed` keys are reported where they are absent, with an `example` of how it is written, unless one that is
        unknown may be meant for them. `later` says of keys why they are not in this release.
        """
        found = Keys()
        if not isinstance(node, Mapping):
            words = _some(needed) if needed else _some(known, "or") if len(known) <= _FEW else "names with values"
            self.refuse(node, f"{what} needs {words}{_as_in(example)}; found {describe(node)}")
            return found
        node = self.mended(node)
        for key, value in node.entries:
            if key.text in known:
                found[key.text] = value
            elif key.text in later:
                self.refuse(key, later[key.text])
            else:
                guess = _glued(key.text, known) or did_you_mean(key.text, known) or f"; it has {_some(known)}"
                self.refuse(key, f"{what} has no '{key.text:.60}'{guess}")
        found.whole = len(found) == len(node.entries)
        absent = [key for key in needed if key not in found]
        if absent and found.whole:
            self.refuse(node, f"{what} needs {_some(absent)}{_as_in(example)}")
        return found

    def mended(self, node: Mapping) -> Mapping:
        """The mapping with expressions that YAML cut whole again; that they were is reported."""
        whole, faults = mended(node)
        for scalar, message in faults:
            self.refuse(scalar, message)
        return whole

    def entries(self, node: Node, what: str) -> list[tuple[Scalar, Node]]:
        """The names and values of a mapping that is free to name them."""
        if isinstance(node, Mapping):
            return list(node.entries)
        if not (isinstance(node, Scalar) and node.is_null):
            self.refuse(node, f"{what} needs names with values; found {describe(node)}")
        return []

    def items(self, node: Node, what: str) -> list[Node]:
        """The elements of a list that has some."""
        if isinstance(node, Sequence) and node.items:
            return list(node.items)
        self.refuse(
            node, f"{what} needs a list; found {'an empty one' if isinstance(node, Sequence) else describe(node)}"
        )
        return []

    # Single values

    def text(self, node: Node, what: str) -> str | None:
        """A text in one line that is not empty."""
        if isinstance(node, Scalar) and not node.is_null and node.text.strip():
            if len(node.text) <= MAX_TEXT and not _CONTROL.search(node.text):
                return node.text
            found = f"{len(node.text):,} characters" if len(node.text) > MAX_TEXT else "a control character"
            self.refuse(node, f"{what} is one line of at most {MAX_TEXT} characters; found {found}")
        else:
            self.refuse(node, f"{what} needs a text; found {describe(node)}")
        return None

    def name(self, node: Node, what: str) -> str | None:
        """A name that expressions can say."""
        if isinstance(node, Scalar) and _NAME.fullmatch(node.text) and len(node.text) <= MAX_NAME:
            return node.text
        self.refuse(node, f"{what} needs a name of letters, digits and _, not a digit first; found {describe(node)}")
        return None

    def stored_name(self, node: Node, what: str) -> str | None:
        """A name that fields of events and states can have too: Python keeps those that begin with __ for itself."""
        name = self.name(node, what)
        if name is None or name.removeprefix("_")[:1] not in ("", "_") or is_recorded(node):
            return name
        self.refuse(node, f"{what} begins with a letter, or with one _ before a letter or digit; found '{name:.60}'")
        return None

    def flag(self, node: Node, what: str) -> bool | None:
        """yes, no, true or false."""
        if isinstance(node, Scalar) and node.text in _FLAGS:
            return _FLAGS[node.text]
        guess = did_you_mean(node.text.lower(), _FLAGS) if isinstance(node, Scalar) else ""
        self.refuse(node, f"{what} is yes or no; found {describe(node)}{guess}")
        return None

    def one_of(self, node: Node, what: str, words: Collection[str], *, other: str = "") -> str | None:
        """One of a few words; `other` tells what else may stand there, which the caller reads."""
        if isinstance(node, Scalar) and node.text in words:
            return node.text
        guess = did_you_mean(node.text, words) if isinstance(node, Scalar) else ""
        valid = f"{', '.join(map(repr, words))} or {other}" if other else _some(words, "or")
        self.refuse(node, f"{what} is {valid}; found {describe(node)}{guess}")
        return None

    def whole(self, node: Node, what: str, *, least: int = 1, most: int = 10**6) -> int | None:
        """A whole number within bounds."""
        if isinstance(node, Scalar) and _WHOLE.fullmatch(node.text.removeprefix("-")):
            number = int(node.text)
            if least <= number <= most:
                return number
        self.refuse(node, f"{what} is a whole number from {least:,} to {most:,}; found {describe(node)}")
        return None

    def number(self, node: Node, what: str) -> int | None:
        """A number in millionths."""
        if isinstance(node, Scalar) and node.style in ("", CANONICAL) and _NUMBER.fullmatch(node.text):
            try:
                return quantise(Decimal(node.text))
            except NumberOutOfRange:
                self.refuse(node, f"{what} must be smaller than 10^15 in size; found {describe(node)}")
                return None
        self.refuse(node, f"{what} is a number; found {describe(node)}")
        return None

    def share(self, node: Node, what: str) -> int | None:
        """A percentage from 0% to 100%, as a share in millionths."""
        written = _PERCENT.fullmatch(node.text) if isinstance(node, Scalar) else None
        share = quantise(Decimal(written[1]).scaleb(-2)) if written and len(written[1]) < 20 else None
        if share is not None and share <= MICRO:
            return share
        self.refuse(node, f"{what} is a share from 0% to 100%, like 10%; found {describe(node)}")
        return None

    def duration(self, node: Node, what: str) -> int | None:
        """A duration in ms."""
        return self._parsed(node, what, parse_duration, "a duration must be like 45s, 90m, 36h, 14d, 2w or 1d12h")

    def positive_duration(self, node: Node, what: str) -> int | None:
        """A duration in ms that is longer than nothing."""
        duration_ms = self.duration(node, what)
        if duration_ms == 0:
            self.refuse(node, f"{what} must be longer than nothing")
            return None
        return duration_ms

    def date(self, node: Node, what: str) -> int | None:
        """A calendar day, in days since 1970-01-01."""
        return self._parsed(node, what, parse_date, "a date is like 2026-03-29")

    def time_of_day(self, node: Node, what: str) -> int | None:
        """A time of day, in ms since midnight."""
        written = _TIME_OF_DAY.fullmatch(node.text) if isinstance(node, Scalar) else None
        if written is not None:
            return int(written[1]) * HOUR_MS + int(written[2]) * MINUTE_MS
        self.refuse(node, f'{what} is a time of day from 00:00 to 23:59, like "10:00"; found {describe(node)}')
        return None

    def _parsed(self, node: Node, what: str, parse: Callable[[str], T], expected: str) -> T | None:
        if not isinstance(node, Scalar) or node.is_null:
            self.refuse(node, f"{what}: {expected}; found {describe(node)}")
            return None
        try:
            return parse(node.text)
        except ValueError as error:
            self.refuse(node, f"{what}: {error}")
            return None


def _glued(text: str, known: Collection[str]) -> str:
    """For a known name to which its value is glued, `when:orders`."""
    name, colon, _ = text.partition(":")
    return f"; a space must stand after '{name}:'" if colon and name in known else ""


def _as_in(example: str) -> str:
    return f", as in {example}" if example else ""


def _some(words: Collection[str], joint: str = "and") -> str:
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" {joint} {quoted[-1]}"
