"""On what a live state, as its worker tells it, and a fold of the topics disagree."""

from __future__ import annotations

from typing import Any

from engine.hashes import as_text
from engine.replay.folding import Difference, Folded
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.refolding import activations_of
from events.fold_version import FOLD_VERSION
from triggers.decisions import MARK


def incomparable(live: LiveState) -> str:
    """Why a live state can be compared with nothing, '' if it can."""
    if live.applied < 0:
        return "no rulebook is active in the live state"
    if live.fold_version != FOLD_VERSION:
        return f"the live state is of fold version {live.fold_version}, this engine folds by {FOLD_VERSION}"
    return ""


def foreign(followed: Followed, live: LiveState) -> list[Difference]:
    """What of a live state cannot be, by the topics: its claim, or the rulebook that it is of."""
    position = (live.applied, MARK, "")
    kept_under = followed.decisions.end_of(live.claim)
    if kept_under is None or position > kept_under:
        reached = "unknown" if kept_under is None else f"decided up to offset {kept_under[0]}"
        return [Difference(followed.partition, "", f"claim {live.claim}", f"applied {live.applied}", reached)]
    active = activations_of(followed).active_at(position)
    if active != live.activation_offset:
        return [Difference(followed.partition, "", "activation_offset", live.activation_offset, active)]
    return []


def compared(folded: Folded, live: LiveState) -> list[Difference]:
    """Every figure on which the fold and the live state differ; of the customers the sum of their hashes only."""
    assert folded.meta is not None
    figures = {"journey_ms": live.journey_ms, **live.counters}
    pairs: list[tuple[str, Any, Any]] = [(name, was, getattr(folded.meta, name)) for name, was in figures.items()]
    pairs.append(("state_hash", live.state_hash, as_text(folded.state_hash)))
    return [Difference(folded.partition, "", name, was, now) for name, was, now in pairs if was != now]
