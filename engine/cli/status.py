"""`strand status`: how the workspace stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.cli.instants import shown_instant
from engine.cli.opening import reading, zone_of
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import print_json, print_rows, say
from engine.cli.report import field


def status(workspace: Workspace = HERE, as_json: Json = False) -> None:
    """Show journey time, lag, what is due next, the active rulebook and the folder's, frontier and disk.

    \b
    Examples:
      strand status
      strand status --json
    """
    from engine.views.status import status_of

    with reading(workspace) as views:
        found = status_of(views)
        zone = zone_of(views)
    if as_json:
        print_json(found)
        return
    for line in status_lines(found, zone):
        say(line)
    say()
    columns = ("partition", "records", "applied", "lag", "journey", "frontier", "next due")
    print_rows(columns, (shown_partition(row, zone) for row in found["partitions"]))


def status_lines(found: dict[str, Any], zone: str) -> Iterator[str]:
    """The workspace's own figures in words."""
    yield field("engine", "running" if found["running"] else "not running; `strand run` starts it")
    journey = shown_instant(found["journey_ms"], zone)
    yield field("journey time", f"{journey} {zone}" if journey else "none: no event has come")
    behind = f"{found['lag']:,} not processed yet" if found["lag"] else "all processed"
    yield field("records", f"{found['records']:,}, {behind}")
    yield field("customers", f"{found['customers']:,}")
    if found["unknown_types"]:
        named = ", ".join(f"{name} {count:,}" for name, count in found["unknown_types"].items())
        yield field("unknown types", f"{named}; they count once a rulebook declares them under events:")
    due = shown_instant(found["next_due_ms"], zone)
    yield field("next due", f"not before {due}" if due else "nothing")
    active, draft = found["active"], found["folder"]
    if active is None:
        yield field("active rulebook", "none; the first `strand run` activates rulebook/")
    else:
        yield field("active rulebook", f"{active['hash'][:12]}, since {shown_instant(active['at_ms'], zone)}")
    yield field("rulebook/", draft_words(draft, active is not None))
    disk = ", ".join(f"{name} {size / 1e6:,.1f} MB" for name, size in found["disk_bytes"].items())
    yield field("disk", disk)


def draft_words(draft: dict[str, Any], active: bool) -> str:
    """The folder's rulebook beside the active one."""
    if draft["problems"]:
        number = draft["problems"]
        return f"{number} problem{'' if number == 1 else 's'}; `strand check` lists them"
    if draft["active"]:
        return "the same"
    return f"{draft['hash'][:12]}, not active" + ("; `strand apply` shows what activating it does" if active else "")


def shown_partition(row: dict[str, Any], zone: str) -> dict[str, Any]:
    """One partition's row for people."""
    return {
        **row,
        "journey": shown_instant(row["journey_ms"], zone),
        "next due": shown_instant(row["next_due_ms"], zone),
    }
