"""Transitions, decisions and evidence in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.cli.instants import shown_instant, shown_span

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")

FIGURES = frozenset({"used_by", "local_time"})  # of decisions; a trait keeps its name
VERBS = {"schedule": "scheduled", "hold": "held", "cancel": "cancelled", "suppress": "suppressed", "send": "sent"}
REASONS = {
    "trigger_removed": "its rule is gone or was changed",
    "left": "the customer left the segment",
    "cancel_when": "what cancels it happened",
    "expired": "it was too old",
    "paused": "its rule is paused",
    "condition": "its condition did not hold",
    "once": "it was sent before",
    "consent": "no consent",
    "no_address": "no address",
    "unreachable": "the address is unreachable",
    "cap": "the cap on messages was reached",
    "quiet_hours": "quiet hours",
    "template": "the template failed",
    "holdout": "held out for comparison",
}


def value_words(value: object, zone: str = "UTC") -> str:
    """A value of a trait, short; instants on the zone's clocks."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value_words(each, zone) for each in value) or "nothing"
    text = str(value)
    if _INSTANT.fullmatch(text):
        from events.times import parse_instant

        return shown_instant(parse_instant(text), zone)
    return text


def transition_words(row: Mapping[str, Any]) -> str:
    """What changed: `enters cat_home`, `lifecycle: lead -> repeat`."""
    if row["of"] == "segment":
        return f"{'enters' if row['to'] == 'in' else 'leaves'} {row['name']}"
    return f"{row['name']}: {row['to']}" if row["from"] is None else f"{row['name']}: {row['from']} → {row['to']}"


def evidence_words(evidence: Mapping[str, Any], zone: str) -> str:
    """The traits behind it, those that changed if any did: `orders 1 → 2`; and the rest by its own words."""
    changed = {name: value for name, value in evidence.items() if _is_change(value)}
    parts = []
    for name, value in (changed or evidence).items():
        if name == "traits":
            parts.append(evidence_words(value, zone))
        elif name == "channels":
            parts += [f"not by {channel}: {REASONS.get(why, why)}" for channel, why in value.items()]
        elif isinstance(value, list) and len(value) == 2:
            before, after = value
            shown = value_words(after, zone)
            parts.append(f"{name} {value_words(before, zone)} → {shown}" if _is_change(value) else f"{name} {shown}")
        else:
            parts.append(_figure(name, value, zone))
    return ", ".join(part for part in parts if part)


def _is_change(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] != value[1]


def _figure(name: str, value: object, zone: str) -> str:
    """A figure of a decision: spans, instants and shares as people write them."""
    words = name.removesuffix("_ms").replace("_", " ") if name.endswith("_ms") or name in FIGURES else name
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith("_at_ms"):
            return f"{words} {shown_instant(value, zone)}"
        if name.endswith("_ms") or name == "once":
            return f"{words} {shown_span(value)}"
        if name in {"share", "draw"}:
            return f"{words} {value / 10_000:.4g}%"
    return f"{words} {value_words(value, zone)}"


def cause_words(cause: str, zone: str) -> str:
    """What caused it: an event's id, time alone, or a rulebook."""
    kind, _, rest = cause.partition(":")
    if kind == "event":
        return rest
    return {"due": "time passed", "activation": "rulebook activated"}.get(kind, kind) + (
        f" at {shown_instant(int(rest), zone)}" if rest.isdecimal() else ""
    )


def decision_words(row: Mapping[str, Any]) -> str:
    """What was decided, with its reason in words."""
    verb = VERBS[row["decision"]]
    return f"{verb}: {REASONS.get(row['reason'], row['reason'])}" if row["reason"] else verb
