"""Rulebooks for tests, with conditions written in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from projections.expressions.tree import Const, Kind, Node, Ref, Root
from triggers.definitions import Cap, MessageDef, On, Once, OnKind, Policy, QuietHours, RulesDef, TriggerDef
from triggers.rules import Condition, Rules, cancel_key, if_key, on_key

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# What stands for an expression's tree: one that asks nothing of events, one that asks the event, one the cause.
PLAIN: Node = Const(value=True, kind=Kind.FLAG)
WITH_EVENT: Node = Ref(root=Root.EVENT, path=("total",), kind=Kind.NUMBER)
WITH_CAUSE: Node = Ref(root=Root.CAUSE, path=("cart_id",), kind=Kind.TEXT)


def at(text: str) -> int:
    """The instant written in ISO 8601, UTC where no offset is given."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def clock(text: str) -> int:
    """A local time of day, 'HH:MM', in ms since midnight."""
    hours, minutes = text.split(":")
    return int(hours) * HOUR_MS + int(minutes) * MINUTE_MS


def enters(segment: str) -> On:
    return On(kind=OnKind.ENTERS, name=segment, canonical=f"enters {segment}")


def leaves(segment: str) -> On:
    return On(kind=OnKind.LEAVES, name=segment, canonical=f"leaves {segment}")


def moves(dimension: str, *, before: str | None = None, to: str | None = None) -> On:
    words = f"moves {dimension} {before}>{to}"
    return On(kind=OnKind.MOVES, name=dimension, from_value=before, to_value=to, canonical=words)


def event(name: str, *, where: Node | None = None) -> On:
    return On(kind=OnKind.EVENT, name=name, where=where, canonical=f"event {name} {where is not None}")


def trigger(name: str, on: On, **said: Any) -> TriggerDef:
    """A trigger by e-mail; what a MessageDef takes is put there, `when` stands for `if:`."""
    message = {key: said.pop(key) for key in ("channels", "purpose", "offer", "template") if key in said}
    said.setdefault("once", Once.PER_CAUSE)
    return TriggerDef(
        name=name,
        on=on,
        message=MessageDef(**{"template": name, "channels": ("email",), **message}),
        **said,
    )


def cap(at_most: int, per_ms: int, **fits: str) -> Cap:
    return Cap(at_most=at_most, per_ms=per_ms, **fits)


def quiet(from_text: str, to_text: str, *purposes: str) -> QuietHours:
    hours = QuietHours(from_ms=clock(from_text), to_ms=clock(to_text))
    return replace(hours, applies_to=frozenset(purposes)) if purposes else hours


def rules(
    *triggers: TriggerDef,
    policy: Policy | None = None,
    conditions: dict[str, Condition] | None = None,
) -> Rules:
    """Bind the triggers; a condition that is not given is false, so that a test sees which one it depends on."""
    rules_def = RulesDef(triggers={each.name: each for each in triggers}, policy=policy or Policy())
    return Rules(rules_def, {**dict.fromkeys(_keys(triggers), _never), **(conditions or {})})


def _never(state: object, t_ms: int, event: object, cause: object) -> bool:
    return False


def _keys(triggers: Sequence[TriggerDef]) -> list[str]:
    keys = [if_key(each.name) for each in triggers] + [on_key(each.name) for each in triggers]
    return keys + [cancel_key(each.name, index) for each in triggers for index in range(len(each.cancel_when))]
