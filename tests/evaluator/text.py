"""A generated rulebook as its author would write it: YAML, expressions and templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.evaluator.model import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Dimension,
    Expr,
    On,
    Policy,
    Rulebook,
    Segment,
    Trait,
    Trigger,
)

UNITS = (("w", 7 * DAY_MS), ("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", 1000))
# How tightly an operator binds: an operand that binds less tightly needs parentheses.
BINDS = {"if": 0, "or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7}
COMPARISON, ATOM = 4, 8


def expression(expr: Expr) -> str:
    """The expression as text."""
    return write(expr)[0]


def write(expr: Expr) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    op, *rest = expr
    if op in ("num", "flag", "text", "list"):
        return literal(expr), ATOM if not str(rest[0]).startswith("-") else BINDS["neg"]
    if op in ("trait", "segment", "dimension", "builtin"):
        return rest[0], ATOM
    if op in ("profile", "consent", "event", "cause", "item"):
        return ".".join(expr), ATOM
    if op == "call":
        return f"{rest[0]}({', '.join(map(expression, rest[1]))})", ATOM
    if op in ("is null", "is not null"):
        return f"{within(rest[0], COMPARISON + 1)} {op}", COMPARISON
    if op == "chain":
        ops, (first, *others) = rest
        text = within(first, COMPARISON + 1)
        for sign, other in zip(ops, others, strict=True):
            text += f" {sign} {within(other, COMPARISON + 1)}"
        return text, COMPARISON
    if op in ("and", "or"):
        return f" {op} ".join(within(part, BINDS[op] + 1) for part in rest[0]), BINDS[op]
    if op == "not":
        return f"not {within(rest[0], BINDS[op])}", BINDS[op]
    if op == "neg":
        return f"-{within(rest[0], BINDS[op])}", BINDS[op]
    if op == "if":
        then, condition, otherwise = (within(part, 1) for part in rest)
        return f"{then} if {condition} else {otherwise}", BINDS[op]
    if op in BINDS:
        return f"{within(rest[0], BINDS[op])} {op} {within(rest[1], BINDS[op] + 1)}", BINDS[op]
    return f"{within(rest[0], COMPARISON + 1)} {op} {within(rest[1], COMPARISON + 1)}", COMPARISON


def within(expr: Expr, tightness: int) -> str:
    """The text as an operand of something that binds so tightly."""
    text, binds = write(expr)
    return text if binds >= tightness else f"({text})"


def literal(expr: Expr) -> str:
    op, value = expr
    if op == "list":
        return f"[{', '.join(map(literal, value))}]"
    if op == "flag":
        return "true" if value else "false"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" if op == "text" else str(value)


def duration(length_ms: int) -> str:
    """The shortest sum of units; the language has none below a second."""
    text = ""
    for unit, unit_ms in UNITS:
        count, length_ms = divmod(length_ms, unit_ms)
        text += f"{count}{unit}" if count else ""
    assert not length_ms
    return text or "0s"


def time_of_day(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def without_nothing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is not left out."""
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def optional(expr: Expr | None) -> str | None:
    return None if expr is None else expression(expr)


def trait(definition: Trait) -> dict[str, Any]:
    if definition.formula is not None:
        return {"formula": expression(definition.formula)}
    types = list(definition.types)
    of: Any = definition.path or (types if len(types) > 1 else types[0])
    return without_nothing(
        {
            definition.kind: of,
            "where": optional(definition.where),
            "weight": optional(definition.weight),
            "within": duration(definition.within) if definition.within else None,
            "half_life": duration(definition.half_life) if definition.half_life else None,
            "limit": definition.limit,
        }
    )


def segment(definition: Segment) -> dict[str, Any]:
    return without_nothing({"when": expression(definition.when), "leaves_when": optional(definition.leaves_when)})


def dimension(definition: Dimension) -> Any:
    if definition.cases:
        return [{value: "else" if when is None else expression(when)} for value, when in definition.cases]
    if definition.bands is not None:
        at = [json.loads(edge) for edge in definition.at]
        fields: dict[str, Any] = {"bands": expression(definition.bands), "at": at, "names": list(definition.names)}
    else:
        fields = {"values_of": optional(definition.values_of)}
    return without_nothing({**fields, "missing": definition.missing})


def on(definition: On) -> dict[str, Any]:
    if definition.kind == "moves":
        moved = {"dimension": definition.name, "from": definition.from_value, "to": definition.to_value}
        return {"moves": without_nothing(moved)}
    return without_nothing({definition.kind: definition.name, "where": optional(definition.where)})


def trigger(definition: Trigger) -> dict[str, Any]:
    cancels = [on(each) for each in definition.cancel_when]
    once = definition.once
    return without_nothing(
        {
            "on": on(definition.on),
            "after": duration(definition.after) if definition.after else None,
            "at": None if definition.at is None else time_of_day(definition.at),
            "if": optional(definition.condition),
            "cancel_when": None if not cancels else cancels[0] if len(cancels) == 1 else cancels,
            "even_if_left": definition.even_if_left,
            "include_existing": definition.include_existing,
            "priority": definition.priority or None,
            "once": once if isinstance(once, str) else duration(once),
            "holdout": f"{definition.holdout}%" if definition.holdout else None,
            "salt": definition.salt or None,
            "paused": definition.paused,
            "expires_after": None if definition.expires_after is None else duration(definition.expires_after),
            "message": {
                "purpose": definition.purpose,
                "template": definition.template,
                "channels": list(definition.channels),
            },
        }
    )


def policy(definition: Policy) -> dict[str, Any]:
    quiet = None
    if definition.quiet is not None:
        start, end = map(time_of_day, definition.quiet)
        both = ["marketing", "transactional"] if definition.quiet_transactional else None
        quiet = without_nothing({"from": start, "to": end, "applies_to": both})
    caps = [without_nothing({**vars(cap), "per": duration(cap.per)}) for cap in definition.caps]
    return without_nothing(
        {
            "time_zone": definition.time_zone,
            "quiet_hours": quiet,
            "caps": caps or None,
            "sender": {"name": "Shop", "email": "hello@shop.example"},
            "links": {"unsubscribe": "https://shop.example/stop"},
        }
    )


def yaml(value: Any, indent: int = 0) -> str:
    """Block style for mappings, JSON (which YAML contains) for the rest."""
    if not isinstance(value, Mapping) or not value:
        return " " + json.dumps(value, ensure_ascii=False) + "\n"
    lines = "\n" if indent else ""
    for name, inner in value.items():
        key = name if name.isidentifier() else json.dumps(name)
        lines += " " * indent + f"{key}:{yaml(inner, indent + 2)}"
    return lines


# Only data can break it, so that `check` with its example data lets it pass.
FAILING = "{% if customer.first_name == 'Broken' %}{{ [][1].nothing }}{% endif %}"


def files(rulebook: Rulebook) -> dict[str, str]:
    """The rulebook's folder: path -> text."""
    world = {
        "events": {name: dict(fields) for name, fields in rulebook.types.items()},
        "profile": dict(rulebook.profile),
        "traits": {name: trait(each) for name, each in rulebook.traits.items()},
    }
    choices = {
        "segments": {name: segment(each) for name, each in rulebook.segments.items()},
        "dimensions": {name: dimension(each) for name, each in rulebook.dimensions.items()},
    }
    rules = {
        "triggers": {name: trigger(each) for name, each in rulebook.triggers.items()},
        "policy": policy(rulebook.policy),
    }
    found = {
        "a.yaml": yaml({name: part for name, part in world.items() if part}),
        "b.yaml": yaml({name: part for name, part in choices.items() if part}),
        "c.yaml": yaml({name: part for name, part in rules.items() if part}),
    }
    for template, channel in {(each.template, name) for each in rulebook.triggers.values() for name in each.channels}:
        end = FAILING if template == "failing" else ""
        found[f"templates/{template}/{channel}.txt"] = "Hello. Stop: {{ links.unsubscribe }}" + end
        if channel == "email":
            found[f"templates/{template}/{channel}.subject"] = "Hello"
    return found
