"""Transitions, decisions and evidence in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cli.instants import shown_instant, shown_span

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


def value_words(value: object) -> str:
    """A value of a trait, short."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(value_words, value)) or "nothing"
    text = str(value)
    return text.removesuffix(":00Z").replace("T", " ") if text.endswith(":00Z") else text


def transition_words(row: Mapping[str, Any]) -> str:
    """What changed: `enters cat_home`, `lifecycle: lead -> repeat`."""
    if row["of"] == "segment":
        return f"{'enters' if row['to'] == 'in' else 'leaves'} {row['name']}"
    return f"{row['name']}: {row['to']}" if row["from"] is None else f"{row['name']}: {row['from']} → {row['to']}"


def evidence_words(evidence: Mapping[str, Any]) -> str:
    """The traits behind it: `orders 1 → 2, spend 75`; what did not change stands once. The rest by its own words."""
    parts = []
    for name, value in evidence.items():
        if name == "traits" and isinstance(value, Mapping):
            parts.append(evidence_words(value))
        elif isinstance(value, list) and len(value) == 2:
            before, after = map(value_words, value)
            parts.append(f"{name} {after}" if before == after else f"{name} {before} → {after}")
        elif isinstance(value, Mapping):
            parts += [f"{key} {value_words(each)}" for key, each in value.items()]
        elif name.endswith("_ms") and isinstance(value, int):
            parts.append(f"{name.removesuffix('_ms').replace('_', ' ')} {shown_span(value)}")
        else:
            parts.append(f"{name} {value_words(value)}")
    return ", ".join(part for part in parts if part)


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
