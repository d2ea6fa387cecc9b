"""What the engine made of the grocer's year, for a person to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from engine.cli.instants import shown_instant, shown_span
from engine.cli.opening import reading, zone_of
from engine.cli.wording import REASONS, evidence_words
from engine.outputs import kept
from engine.steps import read_steps
from engine.views.partition import Views
from engine.views.rows import event_row, segment_rows
from projections.expressions.tree import Kind
from triggers.decisions import Decision
from triggers.definitions import OnKind

SHOWN = ("cat_litter_thanks", "we_miss_you", "coupon_thanks")
MICRO_SEGMENTS = 10
BUSIEST = 8
WIDTH = 110
LISTED = 8

Pair = tuple[str, Decision]


def print_report(workspace: Path, ran: Mapping[str, Any], *, seconds: float) -> None:
    """Print what was read, who is where, what changed, what was decided and why; `ran` is what `run --json` said."""
    console = Console(highlight=False, soft_wrap=False, width=None if Console().is_terminal else WIDTH)
    with reading(workspace) as views:
        zone = zone_of(views)
        pairs = list(decisions(views))
        console.print(_read(ran, zone))
        console.print(_micro_segments(views))
        console.print(_transitions(views, ran["transitions"]))
        console.print(_decisions(pairs))
        for customer, decision in examples(pairs):
            _print_message(console, views, customer, decision, zone)
    console.print(_totals(ran, seconds))


def decisions(views: Views) -> Iterator[Pair]:
    """(customer, decision) of every partition."""
    for view in views.partitions:
        for output in kept(view.stream.read()):
            for decision in output.decisions:
                yield output.position[2], decision


def examples(pairs: list[Pair]) -> list[Pair]:
    """The first message of each trigger in SHOWN, or of any trigger where those sent none."""
    sent = sorted((pair for pair in pairs if pair[1].kind == "send"), key=lambda pair: (pair[1].at_ms, pair[0]))
    first: dict[str, Pair] = {}
    for customer, decision in sent:
        first.setdefault(decision.trigger, (customer, decision))
    order = [*SHOWN, *sorted(first.keys() - set(SHOWN))]
    return [first[trigger] for trigger in order if trigger in first][: len(SHOWN)]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _read(ran: Mapping[str, Any], zone: str) -> Table:
    table = _table("What was read", "", "")
    table.show_header = False
    table.add_row("events", f"{ran['events']:,}")
    table.add_row("duplicates, dead letters", f"{ran['duplicates']:,}, {ran['dead_letters']:,}")
    table.add_row("households", f"{ran['customers']:,}")
    table.add_row("up to", shown_instant(ran["as_of_ms"], zone))
    return table


def _micro_segments(views: Views) -> Table:
    table = _table(
        "The largest micro-segments", "lifecycle / value / bargains / household / aisle", "households", "share"
    )
    rows = [row for row in segment_rows(views) if row["of"] == "micro-segment"]
    for row in rows[:MICRO_SEGMENTS]:
        table.add_row(row["name"], f"{row['customers']:,}", f"{row['share']:.1%}")
    if len(rows) > MICRO_SEGMENTS:
        rest = rows[MICRO_SEGMENTS:]
        table.add_row(
            f"and {len(rest):,} smaller ones",
            f"{sum(row['customers'] for row in rest):,}",
            f"{sum(row['share'] for row in rest):.1%}",
        )
    return table


def _transitions(views: Views, total: int) -> Table:
    found: Counter[str] = Counter()
    for view in views.partitions:
        if view.store is None or views.compiled is None:
            continue
        names = views.compiled.program.names
        for _, packed in view.store.transitions():
            for step in read_steps(packed):
                found.update(names[change[0]] for change in step.changes)
    table = _table(f"Transitions: {total:,}", "segment or dimension", "changes")
    for name, number in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:BUSIEST]:
        table.add_row(name, f"{number:,}")
    table.add_row(f"and {max(0, len(found) - BUSIEST)} others", f"{sum(sorted(found.values())[:-BUSIEST]):,}")
    return table


def _decisions(pairs: list[Pair]) -> Table:
    counts: dict[str, Counter[str]] = {}
    for _, decision in pairs:
        if decision.kind not in ("schedule", "hold"):
            key = "sent" if decision.kind == "send" else decision.reason
            counts.setdefault(decision.trigger, Counter())[key] += 1
    table = _table("Decisions by trigger", "trigger", "sent", "not sent, and why")
    for trigger, found in sorted(counts.items(), key=lambda item: (-item[1]["sent"], item[0])):
        sent = found.pop("sent", 0)
        reasons = ", ".join(f"{REASONS.get(why, why)} {number:,}" for why, number in found.most_common())
        table.add_row(trigger, f"{sent:,}", Text(reasons, justify="left"))
    table.columns[2].justify = "left"
    return table


def _totals(ran: Mapping[str, Any], seconds: float) -> Table:
    table = _table("In all", "", "")
    table.show_header = False
    table.add_row("messages sent", f"{ran['messages']:,}")
    table.add_row("processed now", f"{ran['processed']:,} records, {ran['events_per_second']:,.0f} a second")
    table.add_row("state hash", ran["state_hash"])
    table.add_row("decisions hash", ran["decisions_hash"])
    table.add_row("time", f"{seconds:.1f} s")
    return table


def _print_message(console: Console, views: Views, customer: str, decision: Decision, zone: str) -> None:
    console.print(Text(f"Message {decision.message_id}", style="bold"))
    console.print(f"  to       {decision.address}", markup=False)
    console.print(f"  at       {shown_instant(decision.at_ms, zone)}")
    console.print(f"  subject  {decision.parts.get('subject', '')}", markup=False)
    console.print(Padding(Text(decision.parts.get("txt", "").strip(), style="dim"), (1, 2)))
    console.print(Padding(Text(f"Why: {why(views, customer, decision, zone)}"), (0, 2, 1, 2)))


def why(views: Views, customer: str, decision: Decision, zone: str) -> str:
    """The reason for which a message was sent, in some sentences."""
    occasion = f"{_occasion(views, customer, decision)} at {shown_instant(decision.matched_at_ms, zone)}"
    said = [f"{occasion}{_cause(views, customer, decision)}."]
    if decision.due_ms > decision.matched_at_ms:
        waited = shown_span(decision.due_ms - decision.matched_at_ms)
        said.append(f"The rule {decision.trigger} was due {waited} later, at {shown_instant(decision.due_ms, zone)}.")
    if decision.at_ms > decision.due_ms:
        said.append(f"It was held until {shown_instant(decision.at_ms, zone)}.")
    traits = _known(views, decision, zone)
    if traits:
        said.append(f"Known then: {evidence_words(traits, zone)}.")
    return " ".join([*said, "No gate objected: there was consent, an address, and no cap was reached."])


def _occasion(views: Views, customer: str, decision: Decision) -> str:
    compiled = views.compiled
    trigger = None if compiled is None else compiled.rulebook.rules.triggers.get(decision.trigger)
    if trigger is None:
        return f"{customer} matched {decision.trigger}"
    on = trigger.on
    if on.kind is OnKind.MOVES:
        return f"{customer} moved to {on.to_value or 'another value'} in {on.name}"
    return {
        OnKind.ENTERS: f"{customer} entered {on.name}",
        OnKind.LEAVES: f"{customer} left {on.name}",
        OnKind.EVENT: f"{customer} did what the rule waits for",
    }[on.kind]


def _cause(views: Views, customer: str, decision: Decision) -> str:
    kind, _, name = decision.cause.partition(":")
    if kind == "due":
        return ", since enough time had passed"
    if kind != "event" or decision.cause_offset < 0:
        return ", when the rulebook was activated"
    event = event_row(views.of(customer), decision.cause_offset)
    return f" by {event['type']} {name}"


def _known(views: Views, decision: Decision, zone: str) -> dict[str, Any]:
    """The traits of the evidence as people read them: times by the clock, a long list by its length."""
    traits = {} if views.compiled is None else views.compiled.rulebook.world.traits
    found: dict[str, Any] = {}
    for name, value in (decision.evidence.get("traits") or {}).items():
        if isinstance(value, list) and len(value) > LISTED:
            value = f"{len(value)} values"
        elif name in traits and traits[name].value is Kind.TIME and isinstance(value, int):
            value = shown_instant(value, zone)
        found[name] = value
    return found
