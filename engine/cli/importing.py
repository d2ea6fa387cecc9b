"""`strand import`: history at its own times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.instants import shown_instant
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, say
from engine.cli.stages import Stages

if TYPE_CHECKING:
    from engine.importing.report import ImportReport


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help=".jsonl, .csv, .msgpack or .parquet files.")],
    live_from: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Activate the rulebook at this date's 00:00 in its policy.time_zone, or at an instant, unless one is "
            "active.",
        ),
    ] = None,
    map: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="YAML lines `field: column` or `field: =constant`, for csv and parquet."
        ),
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="Append though the log is already past these events' times.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Import history: events sorted by their own times, once; run again, it goes on where it stopped.

    Events that cannot be taken are kept as dead letters, and all others imported; then the exit code is 1. In the input
    a time without an offset is UTC, and a date alone is its 00:00 UTC. Columns are called like fields (id, type,
    customer_id, occurred_at, data.total), or --map says which they are:

    \b
      id: order_number
      type: =order_completed
      customer_id: client
      occurred_at: paid_at
      data.total: amount

    \b
    Examples:
      strand import history.jsonl --live-from 2025-02-01
      strand import orders.csv --map columns.yaml
      strand import january.parquet february.parquet
    """
    with Stages() as stages:
        report = imported(workspace, files, stages, mapping=map, live_from=live_from, late=late)
    if as_json:
        print_json(report_json(report))
    else:
        for line in report_lines(report, zone(workspace)):
            say(line)
    if report.active_since_ms is not None:
        since = shown_instant(report.active_since_ms, zone(workspace))
        note(f"--live-from was not used: these events are imported already, and a rulebook is active since {since}")
    if report.refused:
        raise typer.Exit(1)


def imported(
    workspace: Path,
    files: list[Path],
    stages: Stages,
    *,
    mapping: Path | None = None,
    live_from: str | None = None,
    late: bool = False,
) -> ImportReport:
    """Import with a bar for each stage."""
    from engine.importing.importer import import_files

    stages.begin("reading", sum(path.stat().st_size for path in files if path.is_file()))
    return import_files(
        workspace,
        files,
        mapping=mapping,
        live_from=live_from,
        late=late,
        reading=stages.advance,
        appending=stages.advance,
        begun=lambda total: stages.begin("importing", total),
    )


def report_json(report: ImportReport) -> dict[str, Any]:
    """The report as JSON."""
    activation = report.activation
    return {
        "identity": report.identity,
        "events": report.events,
        "imported": report.imported,
        "refused": report.refused,
        "already_imported": report.already_imported,
        "first_ms": report.first_ms,
        "last_ms": report.last_ms,
        "activated_at_ms": None if activation is None else activation.at_ms,
        "seconds": round(report.seconds, 3),
    }


def report_lines(report: ImportReport, zone: str) -> list[str]:
    """The report in words."""
    lines = []
    span = f", {shown_instant(report.first_ms, zone)} to {shown_instant(report.last_ms, zone)}" if report.events else ""
    if report.already_imported:
        lines.append(f"already imported: all {report.events:,} events are in the log")
    else:
        lines.append(f"imported {report.imported:,} of {report.events:,} events{span}, in {report.seconds:.1f} s")
    if report.refused:
        lines.append(f"refused {report.refused:,}; `strand dead-letters --door import` says why")
    if report.activation is not None:
        at = shown_instant(report.activation.at_ms, zone)
        lines.append(f"the rulebook {report.activation.hash[:12]} is active from {at} {zone} on")
    return lines


def zone(workspace: Path) -> str:
    """The zone in which times are shown: that of the active rulebook; for a cluster's log, of the folder's."""
    from engine.cli.opening import reading, zone_of
    from engine.runtimes.embedded.rulebooks import load_rulebook
    from engine.workspace.settings import load_settings
    from events.errors import CalledWrongly, RulebookInvalid

    if not load_settings(workspace).embedded:
        try:
            return load_rulebook(workspace / "rulebook").rules.policy.time_zone
        except RulebookInvalid:
            return "UTC"
    try:
        with reading(workspace) as views:
            newest = views.rulebooks.newest(views.partitions[0].log)
            return zone_of(views) if newest is None else newest.world.time_zone
    except CalledWrongly:
        return "UTC"
