"""`strand transitions`, `decisions`, `messages` and `dead-letters`: what happened, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.instants import instant_of, shown_instant
from engine.cli.lists import Asked, Customer, Row, Shown, listing, put_out, where
from engine.cli.named import among, hint_at_channel, hint_at_customer, hint_at_trigger
from engine.cli.opening import reading, zone_of
from engine.cli.wording import cause_words, decision_words, evidence_words, transition_words

if TYPE_CHECKING:
    from engine.views.partition import PartitionView, Views

TRANSITIONS = ("customer", "name", "of", "from", "to", "at_ms", "cause", "evidence")
DECISIONS = (
    "customer", "trigger", "decision", "reason", "channel", "due_ms", "at_ms", "cause", "message_id", "rulebook",
    "evidence",
)  # fmt: skip
MESSAGES = ("id", "customer", "trigger", "channel", "to", "subject", "text", "html", "at_ms", "cause")
LETTERS = ("reason", "detail", "door", "at_ms", "partition", "offset", "raw")

Trigger = Annotated[str | None, typer.Option(metavar="NAME", help="Only this trigger's.")]
Rows = Callable[["PartitionView"], Iterator[dict[str, Any]]]


@listing
def transitions(
    customer: Customer = None,
    segment: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this segment or dimension.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Only to this value: in, out or a dimension's.")
    ] = None,
    *,
    asked: Asked,
) -> None:
    """List who entered and left which segment, and why.

    They are those of the active rulebook over the whole log.

    \b
    Examples:
      strand transitions
      strand transitions --segment lapsing --to in --since 2025-02-01
      strand transitions --out transitions.parquet
    """
    from engine.views.rows import transition_rows

    with reading(asked.workspace) as views:
        zone = zone_of(views)
        if segment is not None:
            among(segment, "segment or dimension", views.names)
        if (values := views.values(segment)) is not None:
            among(to, "value", values)
        hint_at_customer(customer, views)
        rows = filtered(views, transition_rows, asked, customer=customer, name=segment, to=to)
        columns = ("when", "customer", "what", "because", "cause")
        put_out(rows, Shown("transitions", TRANSITIONS, columns, _transition(zone)), asked, views.shows)


@listing
def decisions(
    customer: Customer = None,
    trigger: Trigger = None,
    decision: Annotated[
        str | None, typer.Option(metavar="KIND", help="Only schedule, hold, cancel, suppress or send.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="WHY", help="Only for this reason, e.g. consent.")] = None,
    *,
    asked: Asked,
) -> None:
    """List what was decided about each match, and why: a message that was not sent has a reason too.

    \b
    Examples:
      strand decisions
      strand decisions --trigger we_miss_you --decision suppress
      strand decisions --reason cap --json
    """
    from engine.views.rows import decision_rows
    from triggers.reasons import Kind, Reason

    among(decision, "decision", map(str, Kind))
    among(reason, "reason", map(str, Reason))
    with reading(asked.workspace) as views:
        zone = zone_of(views)
        hint_at_trigger(trigger, views)
        hint_at_customer(customer, views)
        rows = filtered(
            views, decision_rows, asked, customer=customer, trigger=trigger, decision=decision, reason=reason
        )
        columns = ("when", "customer", "trigger", "decision", "due", "channel", "cause", "evidence")
        put_out(rows, Shown("decisions", DECISIONS, columns, _decision(zone)), asked, views.shows)


@listing
def messages(
    customer: Customer = None,
    trigger: Trigger = None,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Only by this channel.")] = None,
    *,
    asked: Asked,
) -> None:
    """List the messages that were sent, as they were rendered.

    \b
    Examples:
      strand messages
      strand messages --customer ann --json
      strand messages --out messages.csv
    """
    from engine.views.rows import message_rows

    with reading(asked.workspace) as views:
        zone = zone_of(views)
        hint_at_trigger(trigger, views)
        hint_at_channel(channel, views)
        hint_at_customer(customer, views)
        rows = filtered(views, message_rows, asked, customer=customer, trigger=trigger, channel=channel)
        columns = ("when", "customer", "trigger", "channel", "to", "subject", "id")
        put_out(rows, Shown("messages", MESSAGES, columns, _message(zone)), asked, views.shows)


def dead_letters(reason: str | None, door: str | None, asked: Asked) -> None:
    """List the events that an embedded workspace refused (`dead_letters.py` has the command)."""
    from engine.views.rows import letter_rows
    from events.dead_letters import Door
    from events.errors import Reason

    among(reason, "reason", map(str, Reason))
    among(door, "door", map(str, Door))
    with reading(asked.workspace) as views:
        zone = zone_of(views)
        rows = filtered(views, letter_rows, asked, in_order=False, reason=reason, door=door)
        columns = ("when", "door", "reason", "detail", "partition", "offset")
        put_out(rows, Shown("dead letters", LETTERS, columns, _letter(zone)), asked, views.shows)


# ---------------------------------------------------------------- rows


def filtered(views: Views, rows: Rows, asked: Asked, *, in_order: bool = True, **equal: str | None) -> Iterable[Row]:
    """The rows of all partitions, or of the customer's own, in order of time, that fit."""
    zone = zone_of(views)
    since_ms = None if asked.since is None else instant_of(asked.since, zone)
    until_ms = None if asked.until is None else instant_of(asked.until, zone)
    customer = equal.get("customer")
    partitions = views.partitions if customer is None else [views.of(customer)]
    found = [where(rows(view), since_ms, until_ms, **equal) for view in partitions]
    if in_order:
        return views.rows(*found)
    return sorted((row for each in found for row in each), key=lambda row: row["at_ms"])


# ---------------------------------------------------------------- for people


def _transition(zone: str) -> Callable[[Row], Row]:
    return lambda row: {
        "when": shown_instant(row["at_ms"], zone),
        "customer": row["customer"],
        "what": transition_words(row),
        "because": evidence_words(row["evidence"], zone),
        "cause": cause_words(row["cause"], zone),
    }


def _decision(zone: str) -> Callable[[Row], Row]:
    return lambda row: {
        "when": shown_instant(row["at_ms"], zone),
        "customer": row["customer"],
        "trigger": row["trigger"],
        "decision": decision_words(row),
        "due": shown_instant(row["due_ms"], zone),
        "channel": row["channel"],
        "cause": cause_words(row["cause"], zone),
        "evidence": evidence_words(row["evidence"], zone),
    }


def _message(zone: str) -> Callable[[Row], Row]:
    return lambda row: {**row, "when": shown_instant(row["at_ms"], zone), "subject": row["subject"] or row["text"]}


def _letter(zone: str) -> Callable[[Row], Row]:
    return lambda row: {**row, "when": shown_instant(row["at_ms"], zone)}
