"""`strand apply`: shows what activating the changed rulebook does, asks, and activates it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.instants import instant_of, shown_instant
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, print_rows, progress, say
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.replay.preview import Preview
    from engine.rulebook.rulebook import Rulebook


def apply(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Activate without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and end.")] = False,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Activate as of this date or instant, not before journey time.")
    ] = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Activate the rulebook in rulebook/: shows what that does, then asks.

    Shown are matches cancelled and made, how many customers enter and leave each segment, and whether the log is
    folded again. Nothing is sent again that was sent before. On Kafka it is not tried out before: say --yes.

    \b
    Examples:
      strand apply
      strand apply --dry-run --json
      strand apply --yes --at 2025-03-01
    """
    from engine.runtimes.embedded.applying import apply_rulebook
    from engine.runtimes.embedded.rulebooks import load_rulebook

    rulebook = load_rulebook(workspace / "rulebook") if (workspace / "rulebook").is_dir() else None
    if rulebook is None:
        raise CalledWrongly(f"{workspace} has no rulebook/; a workspace is made by `strand init`")
    zone = rulebook.world.time_zone
    at_ms = None if at is None else instant_of(at, zone)
    if on_kafka(workspace):
        if dry_run or not yes:
            raise CalledWrongly("on Kafka what activating does cannot be shown before; say --yes to activate")
        apply_on_kafka(workspace, rulebook, at_ms, as_json=as_json)
        return
    found = previewed(workspace, rulebook, at_ms)
    if found is None:
        say_active(rulebook, as_json=as_json)
        return
    if not as_json:
        show(found, rulebook, zone)
    applied = not dry_run and (yes or confirmed())
    activation = apply_rulebook(workspace, rulebook, at_ms) if applied else None
    if as_json:
        at_told = found.at_ms if activation is None else activation.at_ms
        print_json({"applied": applied, "hash": rulebook.hash, "at_ms": at_told, **preview_json(found)})
    elif activation is not None:
        say(f"activated {rulebook.hash[:12]} at {shown_instant(activation.at_ms, zone)} {zone}")
    else:
        say("nothing was changed")


def on_kafka(folder: Path) -> bool:
    """Whether the workspace's log is on Kafka."""
    from engine.workspace.settings import FILE, load_settings

    return (folder / FILE).is_file() and not load_settings(folder).embedded


def apply_on_kafka(folder: Path, rulebook: Rulebook, at_ms: int | None, *, as_json: bool) -> None:
    """Activate a rulebook in every partition of the topics; workers take it as they come to it."""
    import asyncio

    from engine.runtimes.kafka.applying import apply_unless_active
    from engine.runtimes.kafka.topic_differences import safe_connection

    connection = safe_connection(folder)
    activation = asyncio.run(apply_unless_active(connection, rulebook, at_ms))
    if activation is None:
        say_active(rulebook, as_json=as_json)
    elif as_json:
        print_json({"applied": True, "hash": rulebook.hash, "at_ms": activation.at_ms, "id": activation.id})
    else:
        zone = rulebook.world.time_zone
        say(f"activated {rulebook.hash[:12]} at {shown_instant(activation.at_ms, zone)} {zone}")


def say_active(rulebook: Rulebook, *, as_json: bool) -> None:
    """Say that it is active already."""
    if as_json:
        print_json({"applied": False, "active": rulebook.hash, "already_active": True})
    else:
        say(f"the rulebook {rulebook.hash[:12]} is active already")


def previewed(folder: Path, rulebook: Rulebook, at_ms: int | None) -> Preview | None:
    """What activating would do now; None if the rulebook is active already. Raises CalledWrongly for a wrong time."""
    from engine.replay.partition_jobs import jobs_for
    from engine.replay.preview import preview
    from engine.runtimes.clock import wall_clock_ms
    from engine.runtimes.embedded.rulebooks import Rulebooks
    from engine.views.status import is_running
    from engine.workspace.missing import no_events
    from engine.workspace.workspace import Workspace as Opened
    from events.admission import FUTURE_MS
    from events.codec import appended_at_of

    with Opened.open(folder, owner=False) as opened:
        if not opened.has_facts():
            raise no_events(folder)
        logs = [facts.log for facts in opened.facts]
        newest = Rulebooks().newest(logs[0])
        total = sum(log.end() for log in logs)
        if not total:  # without any record there is no time at which it could be activated
            raise no_events(folder)
        latest_ms = max((appended_at_of(log.get(log.end() - 1)) for log in logs if log.end()), default=0)
        live = is_running(opened)
    if newest is not None and newest.hash == rulebook.hash:
        return None
    if at_ms is not None and at_ms < latest_ms:
        zone = rulebook.world.time_zone
        raise CalledWrongly(f"--at must not be before journey time, {shown_instant(latest_ms, zone)} {zone}")
    if at_ms is not None and at_ms > wall_clock_ms() + FUTURE_MS:
        raise CalledWrongly("--at must not be in the future")
    if at_ms is None:
        at_ms = max(latest_ms, wall_clock_ms()) if live else latest_ms
    with progress("trying it out", total if newest is None else 2 * total) as advance:  # folded under each rulebook
        return preview(folder, len(logs), rulebook, at_ms, jobs=jobs_for(total), advance=advance)


def confirmed() -> bool:
    """Whether the person agrees; without a terminal nobody can."""
    if not sys.stdin.isatty():
        raise CalledWrongly("nobody is here to ask; say --yes to activate, or --dry-run to look only")
    return typer.confirm("Activate it?", default=False)


def show(found: Preview, rulebook: Rulebook, zone: str) -> None:
    """What activating would do, in words."""
    for line in preview_lines(found, rulebook, zone):
        say(line)
    changed = found.changed_sizes()
    if changed and not found.first:
        say()
        shown = ("segment", "before", "after")
        print_rows(shown, ({**row, "segment": size_words(row), **blanks(row)} for row in changed))
    say()


def preview_lines(found: Preview, rulebook: Rulebook, zone: str) -> Iterator[str]:
    """The figures in words."""
    yield f"activating {rulebook.hash[:12]} at {shown_instant(found.at_ms, zone)} {zone}:"
    if found.first:
        yield f"  the first rulebook of this workspace: {found.records:,} records are folded, and make no matches"
    elif found.folds_again:
        yield f"  {found.records:,} records are folded again, since traits, segments or dimensions changed"
    else:
        yield "  nothing is folded again: traits, segments and dimensions are as before"
    decided = sum(sum(reasons.values()) for reasons in found.before.decisions.values())
    if decided:
        sent = found.before.messages
        yield f"  by then {decided:,} decisions are made under the old rulebook, {sent:,} of them sends"
    cancels = sum(found.by_activation.decisions.get("cancel", {}).values())
    made = sum(
        sum(found.by_activation.decisions.get(kind, {}).values()) for kind in ("schedule", "hold", "send", "suppress")
    )
    yield f"  {cancels:,} pending matches are cancelled, {made:,} new ones are made"
    for trigger, counts in sorted(found.by_trigger.items()):
        yield f"    {trigger}: " + ", ".join(f"{number:,} {word}" for word, number in sorted(counts.items()))
    if found.by_activation.messages:
        note(f"  it sends {found.by_activation.messages:,} messages at once")


def size_words(row: dict[str, Any]) -> str:
    """A segment's name, or a dimension's with the value."""
    return row["name"] if row["value"] == "in" else f"{row['name']}: {row['value']}"


def blanks(row: dict[str, Any]) -> dict[str, Any]:
    """What is not there before or after, in a word."""
    return {
        "before": "new" if row["before"] is None else row["before"],
        "after": "gone" if row["after"] is None else row["after"],
    }


def preview_json(found: Preview) -> dict[str, Any]:
    """The figures as JSON."""
    return {
        "first": found.first,
        "folds_again": found.folds_again,
        "records": found.records,
        "decided_before": found.before.decisions,
        "decisions": found.by_activation.decisions,
        "by_trigger": found.by_trigger,
        "sizes": found.changed_sizes(),
    }
