"""The second kind of fact: what was decided about a match, and where in the log's order.

A decision holds all that a later fold needs, so that nothing is looked up in another rulebook.
"""

from __future__ import annotations

from typing import Any

import msgspec

# The second part of the position of a record's own step and of an activation's steps: after every due instant.
OWN = 1 << 60
# ... and of the mark that ends a batch: after every step of its record.
MARK = OWN + 1

# (offset, due_ms | OWN | MARK, customer id): compared in this order; a mark's customer is ''.
Position = tuple[int, int, str]

START: Position = (-1, MARK, "")


class Decision(msgspec.Struct, array_like=True, kw_only=True, omit_defaults=True):
    """One decided step of a match.

    `kind` is schedule, hold, cancel, suppress or send; `reason` says why (empty for schedule and send).
    `cause` is `event:<id>`, `due:<ms>` or `activation:<ms>`, `cause_offset` the record whose event caused it (-1:
    none). `made` is the position at which the match was made: with `trigger` it is the match's key. `due_ms` is the
    due instant fixed at the match, `ask_ms` when a schedule or hold is asked next (-1: not before an activation, for
    a paused trigger), `at_ms` when this was decided, `matched_at_ms` the t of the match.
    """

    version: int = 1
    kind: str
    trigger: str
    reason: str = ""
    on: str
    cause: str
    cause_offset: int = -1
    made: Position
    matched_at_ms: int
    due_ms: int
    ask_ms: int
    at_ms: int
    rulebook: str
    message_id: str = ""
    purpose: str = ""
    channel: str = ""
    address: str = ""
    parts: dict[str, str] = msgspec.field(default_factory=dict)
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)


class Output(msgspec.Struct, array_like=True):
    """One step's decisions, whole or not at all; none for the mark that ends a batch."""

    position: Position
    decisions: list[Decision]
    claim: int = 0
