"""What the decision stream alone must show: each match's life, its policy recounted, nothing overdue at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from tests.evaluator.model import Cap, Rulebook
from tests.simulation.protocol.broken import need
from triggers.decisions import Decision, Output, Position

Key = tuple[str, Position]
WAITS = ("schedule", "hold")


def check_lives(outputs: list[Output], counted: Counter[str]) -> dict[Key, Decision]:
    """Each match: a schedule or nothing, holds, one end. Gives what still waits."""
    waiting: dict[Key, Decision] = {}
    ended: set[Key] = set()
    newest_ms: dict[str, int] = {}
    for output in outputs:
        customer = output.position[2]
        for decision in output.decisions:
            key = decision.trigger, decision.made
            need(key not in ended, "i", "decided again", key, decision.kind)
            need(decision.kind != "schedule" or key not in waiting, "i", "scheduled twice", key)
            need(decision.kind != "cancel" or key in waiting, "i", "cancel of no match", key)
            need(decision.at_ms >= newest_ms.get(customer, 0), "i", "decided in the past", key, decision.at_ms)
            newest_ms[customer] = decision.at_ms
            if decision.kind in WAITS:
                waiting[key] = decision
            else:
                waiting.pop(key, None)
                ended.add(key)
            counted[f"{decision.kind} {decision.reason}".strip()] += 1
    return waiting


def check_overdue(waiting: Mapping[Key, Decision], end_ms: int) -> None:
    """Whatever was to be asked by the end was asked; what a pause holds waits for an activation."""
    late = [key for key, decision in waiting.items() if 0 <= decision.ask_ms <= end_ms]
    need(not late, "vi", "overdue and left pending", late[:1])


def check_policy(outputs: list[Output], books: Mapping[str, Rulebook]) -> None:
    """Once and caps, counted anew with the rulebook in force at each send; also the position order of `at_ms`."""
    used: dict[str, list[Decision]] = defaultdict(list)
    for output in outputs:
        for decision in output.decisions:
            if decision.kind != "send" and decision.reason != "holdout":
                continue
            earlier, book = used[output.position[2]], books[decision.rulebook]
            need_once(decision, earlier, book)
            if decision.kind == "send":
                for cap in book.policy.caps:
                    need_cap(decision, earlier, cap)
            earlier.append(decision)


def need_once(decision: Decision, earlier: list[Decision], book: Rulebook) -> None:
    once = book.triggers[decision.trigger].once
    for other in earlier:
        if other.trigger != decision.trigger:
            continue
        clash = (
            other.cause == decision.cause
            if once == "per_cause"
            else once == "per_customer" or decision.at_ms < other.at_ms + int(once)
        )
        need(not clash, "v", "once", once, decision.trigger, other.at_ms, decision.at_ms)


def need_cap(decision: Decision, earlier: list[Decision], cap: Cap) -> None:
    if not fits(cap, decision):
        return
    within = [
        other
        for other in earlier
        if other.kind == "send" and fits(cap, other) and decision.at_ms - cap.per < other.at_ms <= decision.at_ms
    ]
    need(len(within) < cap.at_most, "v", "cap", cap, decision.trigger, decision.at_ms)


def fits(cap: Cap, decision: Decision) -> bool:
    if decision.purpose == "transactional" and cap.purpose is None:
        return False
    named = ((cap.purpose, decision.purpose), (cap.channel, decision.channel), (cap.trigger, decision.trigger))
    return all(wanted in (None, found) for wanted, found in named)
