"""The canonical form: a rulebook as JSON in the language's own words, equal for equal meaning.

Names are sorted; the order of dimensions, cases, bands, caps and channels is kept. What has its default value is left
out. Every scalar is a text, so that no number passes through floating point. The rulebook's reader reads it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from events.calendar import date_text
from events.durations import HOUR_MS, MINUTE_MS, duration_text
from events.numbers import shown_text
from events.schema import Fields
from projections.definitions import Bands, Cases, DimensionDef, SegmentDef, TraitDef, TraitKind, WorldDef
from projections.expressions.tree import Node
from projections.expressions.unparse import unparse
from triggers.definitions import MARKETING, Cap, Offer, On, Once, OnKind, Policy, QuietHours, RulesDef, TriggerDef

VERSION = 1
_PERCENT = 100


def dump(value: Any) -> str:
    """JSON in one way: no spaces, the order of names as given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def canonical_world(world: WorldDef, declared: Mapping[str, Fields]) -> dict[str, Any]:
    """The sections that the derived world depends on."""
    return _written(
        events={name: _fields(declared[name]) for name in sorted(declared) if name != "profile_updated"},
        profile=_fields(declared["profile_updated"]) if "profile_updated" in declared else {},
        traits={name: _trait(world.traits[name]) for name in sorted(world.traits)},
        segments={name: _segment(world.segments[name]) for name in sorted(world.segments)},
        dimensions={name: _dimension(dimension) for name, dimension in world.dimensions.items()},
    )


def canonical_rules(rules: RulesDef) -> dict[str, Any]:
    """The sections that only deciding depends on."""
    return _written(
        triggers={name: _trigger(rules.triggers[name]) for name in sorted(rules.triggers)},
        policy=_policy(rules.policy),
    )


def canonical_on(on: On) -> str:
    """What decisions record of the occasion that made a match."""
    return dump(_on(on))


def _written(**fields: Any) -> dict[str, Any]:
    """The fields without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [], False)}


def _text(node: Node | None) -> str | None:
    return None if node is None else unparse(node)


def _duration(duration_ms: int | None) -> str | None:
    return None if duration_ms is None else duration_text(duration_ms)


def _time_of_day(ms: int | None) -> str | None:
    return None if ms is None else f"{ms // HOUR_MS:02d}:{ms % HOUR_MS // MINUTE_MS:02d}"


def _fields(fields: Fields) -> dict[str, str]:
    return {name: str(fields.fields[name]) for name in sorted(fields.fields)}


def _trait(trait: TraitDef) -> dict[str, Any]:
    if trait.kind is TraitKind.FORMULA:
        return _written(formula=_text(trait.formula))
    source: Any = list(trait.types) if len(trait.types) > 1 else ".".join((*trait.types, *trait.path))
    options = _written(
        where=_text(trait.where),
        weight=_text(trait.weight),
        within=_duration(trait.within_ms),
        half_life=_duration(trait.half_life_ms),
        limit=None if trait.limit is None else str(trait.limit),
    )
    return {str(trait.kind): source, **options}


def _segment(segment: SegmentDef) -> dict[str, Any]:
    return _written(when=_text(segment.when), leaves_when=_text(segment.leaves_when))


def _dimension(dimension: DimensionDef) -> Any:
    form = dimension.form
    if isinstance(form, Cases):
        return [{value: "else" if condition is None else unparse(condition)} for value, condition in form.cases]
    if isinstance(form, Bands):
        return _written(
            bands=_text(form.number),
            at=[shown_text(cut) for cut in form.at],
            names=list(form.names),
            missing=form.missing,
        )
    return _written(values_of=_text(form.trait), missing=form.missing)


def _on(on: On) -> dict[str, Any]:
    if on.kind is OnKind.MOVES:
        return {"moves": {"dimension": on.name, **_ends(on)}}
    return {str(on.kind): on.name, **_written(where=_text(on.where))}


def _ends(on: On) -> dict[str, str]:
    ends = {"from": on.from_value, "to": on.to_value}
    return {end: value for end, value in ends.items() if value is not None}


def _trigger(trigger: TriggerDef) -> dict[str, Any]:
    message = trigger.message
    once = trigger.once if isinstance(trigger.once, Once) else duration_text(trigger.once)
    return _written(
        on=_on(trigger.on),
        after=_duration(trigger.after_ms or None),
        at=_time_of_day(trigger.at_ms),
        **{"if": _text(trigger.condition)},
        cancel_when=sorted((_on(on) for on in trigger.cancel_when), key=dump),
        even_if_left=_flag(trigger.even_if_left),
        include_existing=_flag(trigger.include_existing),
        priority=str(trigger.priority) if trigger.priority else None,
        once=None if once is Once.PER_CAUSE else str(once),
        holdout=f"{shown_text(trigger.holdout * _PERCENT)}%" if trigger.holdout else None,
        salt=trigger.salt,
        paused=_flag(trigger.paused),
        expires_after=_duration(trigger.expires_after_ms),
        goal=_goal(trigger.goal),
        message=_written(
            template=message.template,
            channels=list(message.channels),
            purpose=None if message.purpose == MARKETING else message.purpose,
            offer=None if message.offer is None else _offer(message.offer),
        ),
    )


def _flag(flag: bool) -> str | None:
    return "yes" if flag else None


def _goal(goal: Mapping[str, object] | None) -> dict[str, Any] | None:
    if goal is None:
        return None
    where, within_ms = goal.get("where"), goal["within_ms"]
    return _written(
        event=goal["event"],
        where=unparse(where) if isinstance(where, Node) else None,
        within=duration_text(within_ms) if isinstance(within_ms, int) else None,
    )


def _offer(offer: Offer) -> dict[str, Any]:
    until = offer.until
    return _written(
        code=offer.code,
        percent=None if offer.percent is None else shown_text(offer.percent),
        amount=None if offer.amount is None else shown_text(offer.amount),
        category=offer.category,
        until=date_text(until[1])
        if isinstance(until, tuple)
        else _duration(until)
        if isinstance(until, int)
        else until,
    )


def _policy(policy: Policy) -> dict[str, Any]:
    return _written(
        time_zone=policy.time_zone,
        quiet_hours=None if policy.quiet_hours is None else _quiet_hours(policy.quiet_hours),
        caps=[_cap(cap) for cap in policy.caps],
        sender=dict(sorted(policy.sender.items())),
        links=dict(sorted(policy.links.items())),
    )


def _quiet_hours(quiet: QuietHours) -> dict[str, Any]:
    return {
        "from": _time_of_day(quiet.from_ms),
        "to": _time_of_day(quiet.to_ms),
        "applies_to": sorted(quiet.applies_to),
    }


def _cap(cap: Cap) -> dict[str, Any]:
    return _written(
        at_most=str(cap.at_most),
        per=_duration(cap.per_ms),
        purpose=cap.purpose,
        channel=cap.channel,
        trigger=cap.trigger,
    )
