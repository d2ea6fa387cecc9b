"""Deciding one step: cancels, then new matches, then the matches that are due.

Pure: all it knows of the world is in its arguments, and what it decides is a value that the ledger folds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from triggers.asking import Asking, Hold, Send, Suppress, Verdict
from triggers.cancels import cancelled
from triggers.decisions import Decision
from triggers.gates import ask, held_out, not_rendered
from triggers.ledger import NOT_ASKED, Ledger, Pending, apply, asked_by
from triggers.matching import new_matches
from triggers.occasion import CustomerView, Occasion
from triggers.reasons import Kind
from triggers.rules import Rules

OUTPUT_LIMIT_BYTES: Final = 900 * 1024
SCHEDULE, HOLD, CANCEL, SUPPRESS, SEND = (kind.value for kind in Kind)
# Room in an output for its position and claim; a constant, since what is decided must not depend on the claim.
ENVELOPE_BYTES: Final = 1024
_encode = msgspec.msgpack.Encoder().encode


def decide(occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> list[Decision]:
    """Decide one step and apply it to the ledger.

    Gives the decisions in the order of their records: cancels by (trigger, age), schedules by trigger, then what was
    asked by (priority, highest first; trigger; age).
    """
    step = _Step(occasion, view, ledger, rules)
    for end in cancelled(occasion, view, ledger, rules):
        step.keep(step.decision(end.match, CANCEL, end.evidence, reason=end.reason.value))
    t_ms = occasion.t_ms
    due = []
    for match in new_matches(occasion, view, rules):
        if match.due_ms > t_ms:
            evidence = occasion.evidence.get(rules.rules[match.trigger].definition.on.name, {})
            step.keep(step.decision(match, SCHEDULE, {"traits": evidence}, ask_ms=match.due_ms))
        else:
            due.append(match)
    for queue in ledger.pending:
        if queue[0].ask_ms <= t_ms:
            due += asked_by(queue, t_ms, paused=rules.rules[queue[0].trigger].definition.paused)
    if len(due) > 1:
        due.sort(key=step.turn)
    for match in due:
        step.settle(match)
    return step.decisions


class _Step:
    """One step's decisions so far."""

    __slots__ = ("bytes", "decisions", "ledger", "measured", "occasion", "rules", "view")

    def __init__(self, occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> None:
        self.occasion = occasion
        self.view = view
        self.ledger = ledger
        self.rules = rules
        self.decisions: list[Decision] = []
        self.bytes, self.measured = ENVELOPE_BYTES, 0  # of the first `measured` decisions

    def turn(self, match: Pending) -> tuple[int, str, object]:
        """What the asking is sorted by."""
        return -self.rules.rules[match.trigger].definition.priority, match.trigger, match.made

    def settle(self, match: Pending) -> None:
        """Ask the gates and record their verdict."""
        asking = Asking.of(match, self.occasion, self.view, self.ledger, self.rules)
        verdict = ask(asking)
        decision = self._verdict(match, verdict, asking.purpose)
        if isinstance(verdict, Send):
            objection = self._too_large(decision, verdict) or held_out(asking, verdict)
            if objection is not None:
                decision = self._verdict(match, objection, asking.purpose)
        self.keep(decision)

    def _too_large(self, decision: Decision, send: Send) -> Suppress | None:
        """The template gate's objection to a message with which the step's output would pass its limit."""
        self.bytes += sum(map(_size, self.decisions[self.measured :]))
        self.measured = len(self.decisions)
        if self.bytes + _size(decision) <= OUTPUT_LIMIT_BYTES:
            return None
        error = f"the step's output would pass {OUTPUT_LIMIT_BYTES} bytes"
        return not_rendered(error, send.channel, send.address)

    def _verdict(self, match: Pending, verdict: Verdict, purpose: str) -> Decision:
        kind = SEND if isinstance(verdict, Send) else HOLD if isinstance(verdict, Hold) else SUPPRESS
        decision = self.decision(match, kind, verdict.evidence)
        decision.purpose, decision.channel, decision.address = purpose, verdict.channel, verdict.address
        if isinstance(verdict, Send):
            decision.message_id, decision.parts = verdict.message_id, verdict.parts
            return decision
        decision.reason = verdict.reason.value
        if isinstance(verdict, Hold):
            decision.ask_ms = verdict.ask_ms
        return decision

    def keep(self, decision: Decision) -> None:
        """Record a decision."""
        apply(self.ledger, decision)
        self.decisions.append(decision)

    def decision(
        self, match: Pending, kind: str, evidence: Mapping[str, Any], *, ask_ms: int = NOT_ASKED, reason: str = ""
    ) -> Decision:
        """A decision about a match at this step."""
        return Decision(
            kind=kind,
            trigger=match.trigger,
            reason=reason,
            on=match.on,
            cause=match.cause,
            cause_offset=match.cause_offset,
            made=match.made,
            matched_at_ms=match.matched_at_ms,
            due_ms=match.due_ms,
            ask_ms=ask_ms,
            at_ms=self.occasion.t_ms,
            rulebook=self.occasion.rulebook,
            evidence=evidence if type(evidence) is dict else dict(evidence),
        )


def _size(decision: Decision) -> int:
    return len(_encode(decision))
