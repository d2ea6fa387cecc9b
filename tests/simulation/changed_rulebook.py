"""A marketer's afternoon: some traits, segments, a template and a trigger of a rulebook changed at once."""

from __future__ import annotations

import json

from engine.rulebook.canonical import dump
from engine.rulebook.rulebook import Rulebook, from_canonical

SHORTER = {"4w": "3w", "30d": "20d", "90d": "60d", "2w": "10d", "1w": "5d"}


def changed(rulebook: Rulebook, *, traits: int, segments: int) -> Rulebook:
    """Shorter windows for some traits, one more condition for some segments (those that triggers wait on first), a
    template and a trigger changed."""
    document = json.loads(rulebook.canonical)
    book = document["rulebook"]
    windowed = [trait for trait in book["traits"].values() if trait.get("within") in SHORTER][:traits]
    counted = next(name for name, trait in book["traits"].items() if trait == {"count": "order_completed"})
    entered = {trigger["on"].get("enters") for trigger in book["triggers"].values() if "after" in trigger}
    plain = sorted(
        (name for name, segment in book["segments"].items() if "leaves_when" not in segment),
        key=lambda name: name not in entered,
    )[:segments]
    assert len(windowed) == traits and len(plain) == segments, "the rulebook is too small for that"
    for trait in windowed:
        trait["within"] = SHORTER[trait["within"]]
    for name in plain:
        segment = book["segments"][name]
        segment["when"] = f"({segment['when']}) and {counted} <= 30"
    for name, content in document["templates"].items():
        if name.endswith("/email.subject"):
            document["templates"][name] = f"New: {content}"
            break
    delayed = next(trigger for trigger in book["triggers"].values() if "after" in trigger)
    delayed["after"] = "3d"
    return from_canonical(dump(document).encode())
