"""The words by which a decision says why."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What was decided about a match; the last three end it."""

    SCHEDULE = "schedule"
    HOLD = "hold"
    CANCEL = "cancel"
    SUPPRESS = "suppress"
    SEND = "send"


class Reason(StrEnum):
    """Why a match was cancelled, held or suppressed; the gates' in the order in which they are asked."""

    TRIGGER_REMOVED = "trigger_removed"
    LEFT = "left"
    CANCEL_WHEN = "cancel_when"

    EXPIRED = "expired"
    PAUSED = "paused"
    CONDITION = "condition"
    ONCE = "once"
    CONSENT = "consent"
    NO_ADDRESS = "no_address"
    UNREACHABLE = "unreachable"
    CAP = "cap"
    QUIET_HOURS = "quiet_hours"
    TEMPLATE = "template"
    HOLDOUT = "holdout"
