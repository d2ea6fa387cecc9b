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
# Room in an output for its position and claim; a constant, since what is decided must not depend on the claim.
ENVELOPE_BYTES: Final = 1024


def decide(occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> list[Decision]:
    """Decide one step and apply it to the ledger.

    Gives the decisions in the order of their records: cancels by (trigger, age), schedules by trigger, then what was
    asked by (priority, highest first; trigger; age).
    """
    step = _Step(occasion, view, ledger, rules)
    for end in cancelled(occasion, view, ledger, rules):
        step.record(end.match, Kind.CANCEL, reason=end.reason.value, evidence=end.evidence)
    due = []
    for match in new_matches(occasion, view, rules):
        if match.due_ms > occasion.t_ms:
            evidence = occasion.evidence.get(rules.rules[match.trigger].definition.on.name, {})
            step.record(match, Kind.SCHEDULE, ask_ms=match.due_ms, evidence={"traits": evidence})
        else:
            due.append(match)
    for queue in ledger.pending:
        due += asked_by(queue, occasion.t_ms, paused=rules.rules[queue[0].trigger].definition.paused)
    for match in sorted(due, key=step.turn):
        step.settle(match)
    return step.decisions


class _Step:
    """One step's decisions so far."""

    def __init__(self, occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> None:
        self.occasion = occasion
        self.view = view
        self.ledger = ledger
        self.rules = rules
        self.decisions: list[Decision] = []
        self.bytes = ENVELOPE_BYTES

    def turn(self, match: Pending) -> tuple[int, str, object]:
        """What the asking is sorted by."""
        return -self.rules.rules[match.trigger].definition.priority, match.trigger, match.made

    def settle(self, match: Pending) -> None:
        """Ask the gates and record their verdict."""
        asking = Asking(
            match=match,
            rule=self.rules.rules[match.trigger],
            t_ms=self.occasion.t_ms,
            view=self.view,
            ledger=self.ledger,
            policy=self.rules.policy,
            event=self.occasion.event_at(match.cause_offset),
        )
        verdict = ask(asking)
        if isinstance(verdict, Send):
            verdict = self._too_large(match, verdict, asking.purpose) or held_out(asking, verdict) or verdict
        self._keep(self._verdict(match, verdict, asking.purpose))

    def _too_large(self, match: Pending, send: Send, purpose: str) -> Suppress | None:
        """The template gate's objection to a message with which the step's output would pass its limit."""
        if self.bytes + _size(self._verdict(match, send, purpose)) <= OUTPUT_LIMIT_BYTES:
            return None
        error = f"the step's output would pass {OUTPUT_LIMIT_BYTES} bytes"
        return not_rendered(error, send.channel, send.address)

    def _verdict(self, match: Pending, verdict: Verdict, purpose: str) -> Decision:
        said: dict[str, Any] = {"purpose": purpose, "channel": verdict.channel, "address": verdict.address}
        if isinstance(verdict, Send):
            said.update(message_id=verdict.message_id, parts=verdict.parts)
            return self._decision(match, Kind.SEND, evidence=verdict.evidence, **said)
        said["reason"] = verdict.reason.value
        if isinstance(verdict, Hold):
            return self._decision(match, Kind.HOLD, evidence=verdict.evidence, ask_ms=verdict.ask_ms, **said)
        return self._decision(match, Kind.SUPPRESS, evidence=verdict.evidence, **said)

    def record(self, match: Pending, kind: Kind, **said: Any) -> None:
        """Record a decision about a match."""
        self._keep(self._decision(match, kind, **said))

    def _keep(self, decision: Decision) -> None:
        apply(self.ledger, decision)
        self.decisions.append(decision)
        self.bytes += _size(decision)

    def _decision(
        self, match: Pending, kind: Kind, *, evidence: Mapping[str, Any], ask_ms: int = NOT_ASKED, **said: Any
    ) -> Decision:
        return Decision(
            kind=kind.value,
            trigger=match.trigger,
            on=match.on,
            cause=match.cause,
            cause_offset=match.cause_offset,
            made=match.made,
            matched_at_ms=match.matched_at_ms,
            due_ms=match.due_ms,
            ask_ms=ask_ms,
            at_ms=self.occasion.t_ms,
            rulebook=self.occasion.rulebook,
            evidence=dict(evidence),
            **said,
        )


def _size(decision: Decision) -> int:
    return len(msgspec.msgpack.encode(decision))
