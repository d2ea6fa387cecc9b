"""What a decision stream holds, in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.hashes import MODULUS, decisions_hash
from triggers.decisions import Output
from triggers.reasons import Kind


@dataclass(slots=True)
class Recorded:
    """Decisions counted by decision and reason, and messages; the hash adds up over partitions."""

    decisions: dict[str, dict[str, int]] = field(default_factory=dict)
    messages: int = 0
    decisions_hash: int = 0

    def add(self, other: Recorded) -> None:
        """Add another partition's."""
        for kind, reasons in other.decisions.items():
            mine = self.decisions.setdefault(kind, {})
            for reason, number in reasons.items():
                mine[reason] = mine.get(reason, 0) + number
        self.messages += other.messages
        self.decisions_hash = (self.decisions_hash + other.decisions_hash) % MODULUS


def recorded_in(outputs: Iterable[Output]) -> Recorded:
    """The numbers of one partition's outputs."""
    held = list(outputs)
    found = Recorded(decisions_hash=decisions_hash(held))
    for output in held:
        for decision in output.decisions:
            reasons = found.decisions.setdefault(decision.kind, {})
            reasons[decision.reason] = reasons.get(decision.reason, 0) + 1
            found.messages += decision.kind == Kind.SEND
    return found
