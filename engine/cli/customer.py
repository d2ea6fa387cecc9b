"""`strand customer`: everything about one customer, at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from engine.cli.instants import instant_of, shown_instant
from engine.cli.lists import Since
from engine.cli.opening import reading
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, progress, say_folded
from engine.cli.wording import cause_words, decision_words, evidence_words, transition_words, value_words

SHOWN_ENTRIES = 60
INDENT = 24
SIGNS = {"schedule": "◷", "hold": "◷", "cancel": "✕", "suppress": "✕", "send": "✉"}
DETAIL = ("order_id", "total", "sku", "code", "survey", "score", "channel", "campaign_id", "ticket_id", "url")


def customer(
    id: Annotated[str, typer.Argument(metavar="ID", help="The customer's id.")],
    since: Since = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=0, help="The newest N entries of the timeline; 0 for all.")
    ] = SHOWN_ENTRIES,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Show one customer: traits, segments, what is pending, and how it came to be.

    \b
    Examples:
      strand customer ann
      strand customer ann --since 2025-02-01
      strand customer ann --json
    """
    from engine.views.customer import customer_profile, timeline

    with reading(workspace) as views:
        view = views.of(id)
        profile = customer_profile(view, id)
        since_ms = None if since is None else instant_of(since, profile["time_zone"])
        with progress("reading the log", view.applied + 1) as advance:
            entries = timeline(view, id, advance)
        if since_ms is not None:
            entries = [entry for entry in entries if entry["at_ms"] >= since_ms]
        if as_json:
            print_json({**profile, "timeline": entries})
            return
        for line in page(profile, entries[-limit:] if limit else entries):
            say_folded(line, indent=INDENT)
        if limit and len(entries) > limit:
            note(f"\nthe newest {limit} of {len(entries):,} entries; --limit 0 shows all")
        note(f"showing {views.shows}")


def page(profile: dict[str, Any], entries: list[dict[str, Any]]) -> Iterator[str]:
    """The lines that a person reads."""
    zone = profile["time_zone"]
    yield f"{profile['customer']}   {profile['micro_segment']}"
    yield f"as of {shown_instant(profile['as_of_ms'], zone)} {zone}"
    yield ""
    yield from block("Profile", pairs(profile["profile"], zone))
    yield from block("Consent", [key for key, granted in profile["consent"].items() if granted] or ["none"])
    yield from block("DNA", pairs(profile["traits"], zone))
    yield from block("Segments", profile["segments"] or ["none"])
    yield from block("Dimensions", [f"{name} {value}" for name, value in profile["dimensions"].items()])
    waiting = [pending_words(each, zone) for each in profile["pending"]]
    yield from block("Pending", waiting or ["nothing"])
    yield ""
    yield "Timeline" + ("" if entries else "    nothing in this time")
    last = None
    for entry in entries:
        when = shown_instant(entry["at_ms"], zone)
        sign, words = entry_words(entry, zone)
        yield f"  {when if when != last else '':<19} {sign} {words}".rstrip()
        last = when


def pending_words(match: dict[str, Any], zone: str) -> str:
    """A match that awaits its decision, and until when."""
    if match["ask_ms"] is None:
        return f"{match['trigger']} held while its rule is paused"
    until = shown_instant(match["ask_ms"], zone)
    return f"{match['trigger']} {'held until' if match['held'] else 'due'} {until}"


def pairs(values: dict[str, Any], zone: str) -> list[str]:
    """`name value` for each that has one."""
    return [f"{name} {value_words(value, zone)}" for name, value in values.items() if value is not None and value != []]


def block(title: str, items: list[str], width: int = 112) -> Iterator[str]:
    """A title, and beside it items that are broken into lines, never inside one."""
    line = f"{title:<12}"
    for item in items:
        if len(line) > 12 and len(line) + len(item) + 3 > width:
            yield line.rstrip(" ·")
            line = " " * 12
        line += item + " · "
    if items:
        yield line.rstrip(" ·")


def entry_words(entry: dict[str, Any], zone: str) -> tuple[str, str]:
    """The sign and the words of one entry of the timeline."""
    if entry["kind"] == "event":
        return "●", f"{entry['type']}  {data_words(entry['data'], zone)}".rstrip()
    if entry["kind"] == "transition":
        evidence = evidence_words(entry["evidence"], zone)
        return " ", f"→ {transition_words(entry)}" + (f"   ({evidence})" if evidence else "")
    words = f"{entry['trigger']} {decision_words(entry)}"
    match entry["decision"]:
        case "schedule" | "hold":
            until = "when it is no longer paused" if entry["ask_ms"] is None else shown_instant(entry["ask_ms"], zone)
            words += f" until {until}" if entry["decision"] == "hold" else f" for {until}"
        case "send":
            title = entry["subject"] or (entry["text"] or "").split("\n", 1)[0]
            words += f" by {entry['channel']} to {entry['to']}: {title}"
        case "suppress":
            evidence = evidence_words(entry["evidence"], zone)
            words += f" ({evidence})" if evidence else ""
    if entry["decision"] in {"suppress", "send", "cancel"} and entry["cause"].startswith("event:"):
        words += f"   (because of {cause_words(entry['cause'], zone)})"
    return SIGNS[entry["decision"]], words


def data_words(data: dict[str, Any], zone: str) -> str:
    """The few fields of an event's data that tell most, and how many things a list holds."""
    parts = [f"{name} {data[name]}" for name in DETAIL if data.get(name) is not None]
    if not parts:
        plain = {name: value for name, value in data.items() if not isinstance(value, dict | list)}
        parts = [f"{name} {value_words(plain[name], zone)}" for name in list(plain)[:4]]
    items = data.get("items")
    if isinstance(items, list) and items:
        named = [
            str(item.get("name") or item.get("category") or item.get("sku")) for item in items if isinstance(item, dict)
        ]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        parts.append(f"{', '.join(named[:3])}{more}")
    return ", ".join(parts)
