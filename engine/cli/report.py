"""What a run did, in words and figures that a person understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.cli.instants import shown_instant
from engine.cli.wording import REASONS, cause_words, evidence_words

if TYPE_CHECKING:
    from engine.runtimes.embedded.report import RunReport

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
            (report.unknown_types, "of unknown types"),
        )
        if number
    ]
    yield field("events", f"{report.events:,}" + (f" ({', '.join(notes)})" if notes else ""))
    yield field("customers", f"{report.customers:,}")
    yield field("transitions", f"{report.transitions:,}")
    yield field("messages", f"{report.messages:,}")
    yield field("as of", f"{shown_instant(report.as_of_ms, zone)} {zone}")


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


def micro_segment_lines(rows: list[dict[str, Any]], most: int = 10) -> Iterator[str]:
    """The largest micro-segments, with a bar for each."""
    largest = [row for row in rows if row["of"] == "micro-segment"][:most]
    total = sum(row["of"] == "micro-segment" for row in rows)
    yield f"the largest of {total:,} micro-segments"
    widest = max((row["customers"] for row in largest), default=1)
    for row in largest:
        yield f"  {row['customers']:>7,}  {'█' * max(1, round(24 * row['customers'] / widest)):<24} {row['name']}"


def trigger_lines(counts: Mapping[str, Mapping[tuple[str, str], int]]) -> Iterator[str]:
    """Decisions by trigger: how many were sent, and what became of the others, each by its reason."""
    width = max(map(len, counts), default=0)
    yield f"{'decisions by trigger':<{width + 2}} {'sent':>8}   not sent, and why"
    for name in sorted(counts, key=lambda each: (-counts[each].get(("send", ""), 0), each)):
        found = counts[name]
        rest = sorted(
            ((number, reason) for (kind, reason), number in found.items() if kind in {"suppress", "cancel"}),
            reverse=True,
        )
        why = ", ".join(f"{number:,} {reason}" for number, reason in rest)
        yield f"  {name:<{width}} {found.get(('send', ''), 0):>8,}   {why}".rstrip()


def message_lines(number: int, row: Mapping[str, Any], decision: Mapping[str, Any], zone: str) -> Iterator[str]:
    """One message and why it was sent."""
    yield f"{number}. {row['trigger']} to {row['customer']} ({row['to']}), {shown_instant(row['at_ms'], zone)}"
    cause = cause_words(row["cause"], zone)
    evidence = evidence_words(decision["evidence"], zone)
    yield f"   because of {cause}" + (f", with {evidence}" if evidence else "")
    if row["subject"]:
        yield f"   Subject: {row['subject']}"
    body = [line for line in (row["text"] or "").splitlines() if line.strip()]
    for line in body[:14]:
        yield f"   | {line}"
    if len(body) > 14:
        yield f"   | ... {len(body) - 14} lines more"
