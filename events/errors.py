"""Every exception Strand raises on purpose.

StrandError
├── InputRefused            an event a door or the fold would not take; carries a Reason
│   └── NumberOutOfRange    a number of 10^15 or more in size, NaN or an infinity
├── RulebookInvalid         carries every Problem of every file
├── ExpressionInvalid       an expression's faults, with their places in its text
├── CalledWrongly           a command or function was asked for what cannot be; commands exit 2
├── RenderFailed            a template failed or passed a limit
└── OperatorError           what only a person can mend; its text ends with `Operator action:`
    ├── WorkspaceBusy       another process owns the workspace
    ├── FactsDamaged        facts/ cannot be read whole; names partition, file and offset
    ├── DerivedDamaged      derived/ cannot be read; a rebuild mends it
    └── StorageFailed       the disk is full, read-only, failing, or another user's
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an event became a dead letter."""

    SYNTAX = "syntax"
    SCHEMA = "schema"
    RANGE = "range"
    FUTURE = "future"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    BAD_ID = "bad_id"
    WRONG_KEY = "wrong_key"


class StrandError(Exception):
    """The root of what Strand raises on purpose; it goes whole from one process to another.

    Its text is the `message`, and the `action` of whoever can mend it, where there is one.
    """

    def __init__(self, message: str, action: str = "") -> None:
        super().__init__(f"{message}\nOperator action: {action}" if action else message)
        self.message = message
        self.action = action

    def __reduce__(self) -> tuple[Callable[..., StrandError], tuple[object, ...]]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[StrandError], arguments: tuple[object, ...], fields: dict[str, object]) -> StrandError:
    """An error as another process raised it: its constructor takes other arguments than its text."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(fields)
    return error


class InputRefused(StrandError):
    """An event was refused; `reason` is the dead letter's, the text says what must be and what was found."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class NumberOutOfRange(InputRefused):
    """A number of 10^15 or more in size, NaN or an infinity."""

    def __init__(self, found: object) -> None:
        # repr of an int stops at 4,300 digits
        text = "one of more than 1,000 digits" if isinstance(found, int) and abs(found) >= 10**1000 else repr(found)
        super().__init__(Reason.RANGE, f"a number must be smaller than 10^15 in size; found {text:.60}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a rulebook: where, what, and what would be right. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str
    excerpt: str = ""
    width: int = 1

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        if self.excerpt:
            text += f"\n      {self.excerpt}"
        return text


class RulebookInvalid(StrandError):
    """A rulebook cannot be used; `problems` holds all of them, of all files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an expression; it lies in text[at:end]."""

    at: int
    end: int
    message: str


class ExpressionInvalid(StrandError):
    """An expression cannot be used; `faults` is empty where only a name it uses is broken elsewhere."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


class CalledWrongly(StrandError):
    """What was asked for cannot be; the text says what could be, as an `Operator action:` where that is to do."""


class RenderFailed(StrandError):
    """A template failed or passed a limit; the text names template, line (from 1, 0 if none is known) and cause."""

    def __init__(self, cause: str, *, template: str = "", line: int = 0) -> None:
        super().__init__(f"templates/{template}:{line}: {cause}" if template else cause)
        self.cause = cause
        self.template = template
        self.line = line


class OperatorError(StrandError):
    """What only a person can mend: `action` says how."""

    def __init__(self, message: str, action: str) -> None:
        super().__init__(message, action)


class WorkspaceBusy(OperatorError):
    """Another process owns the workspace."""


class FactsDamaged(OperatorError):
    """facts/ cannot be read whole."""


class DerivedDamaged(OperatorError):
    """derived/ cannot be read; facts/ are unharmed and a rebuild mends it."""


class StorageFailed(OperatorError):
    """The disk is full, read-only, failing, or another user's."""
