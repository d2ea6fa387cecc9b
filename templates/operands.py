"""What operators and filters accept: each operand is judged before it is touched.

Null follows the rule language: arithmetic and functions of a null are null, an order with a null is false.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from jinja2.runtime import Undefined

from events.errors import RenderFailed
from templates.limits import MAX_NUMBER, Meter
from templates.plain import ARITHMETIC, TOO_LARGE, Nulls, Plain, shown

Number = int | Decimal
Scalar = str | int | Decimal | bool | None


def kind_of(value: object) -> str:
    """What an author would call it."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "null" if value is None else "a function"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a flag"),
    (int, "a number"),
    (Decimal, "a number"),
    (str, "a text"),
    (list, "a list"),
    (tuple, "a list"),
    (dict, "a group of fields"),
)


def defined(value: object) -> object:
    """The value; raises RenderFailed with what is missing if it is undefined."""
    if isinstance(value, Undefined):
        raise RenderFailed(str(value._undefined_message))  # noqa: SLF001  # Jinja's own documentation overrides it
    return value


def scalar(value: object) -> Scalar:
    """A text, number, flag or null."""
    defined(value)
    if value is None or isinstance(value, (str, int, Decimal)):
        return value
    raise RenderFailed(f"a text, number, flag or null belongs here; found {kind_of(value)}")


def number(value: object) -> Number:
    """A number."""
    defined(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    raise RenderFailed(f"a number belongs here; found {kind_of(value)}")


def whole(value: object, *, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    given = number(value)
    if given != int(given):
        raise RenderFailed(f"a whole number belongs here; found {shown(given)}")
    if not least <= given <= most:
        raise RenderFailed(f"a number from {least:,} to {most:,} belongs here; found {shown(given)}")
    return int(given)


def text(value: object) -> str:
    """A text; numbers and flags as they would be written."""
    if type(value) is str:
        return value
    return written(value)


def items(value: object) -> list[Plain]:
    """A list; null is the empty one, a group of fields its names."""
    defined(value)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    if isinstance(value, (tuple, dict)):
        return list(value)
    raise RenderFailed(f"a list belongs here; found {kind_of(value)}")


def field(value: object, name: str) -> Plain:
    """One field of a group; raises RenderFailed if the group has no such field."""
    if isinstance(value, dict) and not name.startswith("_"):
        if name in value:
            return value[name]  # type: ignore[no-any-return]  # groups hold plain data only
        if isinstance(value, Nulls):
            return None
    defined(value)
    raise RenderFailed(f"{kind_of(value)} has no {name!r}")


def written(value: object) -> str:
    """A value as a message shows it: null as nothing; raises RenderFailed for lists and groups."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, Decimal)):
        return shown(value)
    defined(value)
    if isinstance(value, (list, tuple)):
        raise RenderFailed("a list cannot be written as it is; say how: `| sentence`, `| join(', ')` or a loop")
    raise RenderFailed(f"{kind_of(value)} cannot be written; write one of its fields")


_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": ARITHMETIC.add,
    "-": ARITHMETIC.subtract,
    "*": ARITHMETIC.multiply,
    "/": ARITHMETIC.divide,
    "//": ARITHMETIC.divide_int,
    "%": ARITHMETIC.remainder,
}


def calculate(meter: Meter, operator: str, left: object, right: object) -> str | Number | None:
    """`left operator right` on numbers, and `+` on texts; null with a null, and for a division by zero."""
    defined(left)
    defined(right)
    if left is None or right is None:
        return None
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return join(meter, [left, right], "")
    one, other = number(left), number(right)
    if operator in ("/", "//", "%") and other == 0:
        return None
    if type(one) is int and type(other) is int and operator in ("+", "-", "*"):
        result: Number = one + other if operator == "+" else one - other if operator == "-" else one * other
    else:
        result = _ARITHMETIC[operator](Decimal(one), Decimal(other))
    if not -MAX_NUMBER < result < MAX_NUMBER:
        raise RenderFailed(TOO_LARGE)
    return result


_ORDERS: dict[str, Callable[[object, object], bool]] = {
    "lt": lambda left, right: left < right,  # type: ignore[operator]  # both are numbers or both are texts
    "lteq": lambda left, right: left <= right,  # type: ignore[operator]  # likewise
    "gt": lambda left, right: left > right,  # type: ignore[operator]  # likewise
    "gteq": lambda left, right: left >= right,  # type: ignore[operator]  # likewise
}


def compare(meter: Meter, operator: str, left: object, right: object) -> bool:
    """One link of a comparison; `operator` is Jinja's name of it."""
    defined(left)
    defined(right)
    for side in (left, right):
        if isinstance(side, str):
            meter.reads(side)
    if operator in ("in", "notin"):
        return contains(meter, right, left) is (operator == "in")
    one, other = scalar(left), scalar(right)
    if operator in ("eq", "ne"):
        return (_comparable(one) == _comparable(other)) is (operator == "eq")
    if one is None or other is None:
        return False
    if isinstance(one, str) != isinstance(other, str) or isinstance(one, bool) or isinstance(other, bool):
        raise RenderFailed(f"{kind_of(one)} and {kind_of(other)} have no order")
    return _ORDERS[operator](one, other)


def _comparable(value: Scalar) -> tuple[bool, Scalar]:
    # Python's True == 1 would surprise authors.
    return (isinstance(value, bool), value)


def contains(meter: Meter, container: object, wanted: object) -> bool:
    """Whether a list has the value, a text the part, a group the field; false in null."""
    defined(container)
    key = scalar(wanted)
    if container is None or (key is None and not isinstance(container, list)):
        return False
    if isinstance(container, str):
        return text(key) in container
    if isinstance(container, dict):
        return key in container
    found = items(container)
    meter.work(len(found))
    return any(_comparable(one) == _comparable(key) for one in found if not isinstance(one, (list, dict)))


def join(meter: Meter, parts: list[str], separator: str) -> str:
    """The parts as one text, counted before it is made."""
    meter.makes(sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1))
    return separator.join(parts)
