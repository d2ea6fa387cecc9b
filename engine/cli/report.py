"""What a run did, in words and figures that a person understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from engine.cli.instants import shown_instant
from engine.cli.wording import REASONS

if TYPE_CHECKING:
    from engine.runtimes.embedded.report import RunReport

SHOWN = 3
"""Unknown types that are named; `strand status` has all."""

KINDS = {
    "send": "sent",
    "suppress": "not sent",
    "cancel": "cancelled",
    "hold": "held for later",
    "schedule": "scheduled",
}


def run_lines(report: RunReport, zone: str) -> Iterator[str]:
    """The report of `run --until-idle`."""
    yield from figures(report, zone)
    yield ""
    yield from decision_lines(report.decisions)
    yield ""
    yield from hash_lines(report.state_hash, report.decisions_hash)


def figures(report: RunReport, zone: str) -> Iterator[str]:
    """What was read and what it came to."""
    pace = f", {report.processed / report.seconds:,.0f} a second" if report.processed and report.seconds else ""
    yield field("processed", f"{report.processed:,} records in {report.seconds:.1f} s{pace}")
    notes = [
        f"{number:,} {what}"
        for number, what in (
            (report.duplicates, "duplicates"),
            (report.dead_letters, "dead letters"),
            (sum(report.unknown_types.values()), f"of unknown types: {', '.join(islice(report.unknown_types, SHOWN))}"),
        )
        if number
    ]
    yield field("events", f"{report.events:,}" + (f" ({', '.join(notes)})" if notes else ""))
    yield field("customers", f"{report.customers:,}")
    yield field("transitions", f"{report.transitions:,}")
    yield field("messages", f"{report.messages:,}")
    yield as_of_line(report.as_of_ms, zone)


def as_of_line(as_of_ms: int | None, zone: str, otherwise: str = "no rulebook is active") -> str:
    """Up to when, or why there is no time."""
    return field("as of", f"{shown_instant(as_of_ms, zone)} {zone}" if as_of_ms else f"no time: {otherwise}")


def decision_lines(decisions: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """How often what was decided, and why."""
    if not decisions:
        yield "no decisions yet"
        return
    yield "decisions"
    for kind, word in KINDS.items():
        reasons = decisions.get(kind)
        if not reasons:
            continue
        yield f"  {sum(reasons.values()):>9,} {word}"
        if set(reasons) != {""}:
            for reason, number in sorted(reasons.items(), key=lambda item: -item[1]):
                yield f"  {number:>9,}    {REASONS.get(reason, reason)}"


def hash_lines(state_hash: str, decisions_hash: str) -> Iterator[str]:
    """The two hashes, equal for equal logs."""
    yield field("state hash", state_hash)
    yield field("decisions hash", decisions_hash)


def field(name: str, value: str) -> str:
    """One line of figures."""
    return f"{name:<15} {value}"
