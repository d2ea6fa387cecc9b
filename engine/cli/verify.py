"""`strand verify`: fold everything again, and compare with what is live and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.differences import difference_lines, difference_rows, incomparable_lines
from engine.cli.opening import records_of
from engine.cli.options import DEFAULT_WORKER, HERE, Jobs, Json, Workers, Workspace
from engine.cli.output import print_json, progress, say
from engine.cli.report import as_of_line, decision_lines, hash_lines
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.replay.redecide import Redecided
    from engine.replay.verify import Verified


def verify(
    redecide: Annotated[
        bool, typer.Option("--redecide", help="Also decide everything again from the log alone, and compare.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="On Kafka: compare with what the workers hold, up to where they hold it.")
    ] = False,
    worker: Workers = None,
    partition: Annotated[int | None, typer.Option(metavar="N", min=0, help="On Kafka: this partition only.")] = None,
    jobs: Jobs = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Fold the log and compare with the live state; with --redecide, decide everything again and compare too.

    It writes nothing in the workspace, and may run beside `strand run`. Exits 1 if anything differs. On Kafka it folds
    the topics, and compares with the workers' states with --live.

    \b
    Examples:
      strand verify
      strand verify --redecide
      strand verify --json
      strand verify --live --worker http://one.example:6066 --worker http://two.example:6066
    """
    from engine.cli.apply import on_kafka
    from engine.replay.partition_jobs import jobs_for
    from engine.replay.verify import verify as fold_and_compare
    from engine.workspace.workspace import Workspace as Opened

    if on_kafka(workspace):
        from engine.cli.replaying_kafka import verified_on_kafka

        asked = (worker or [DEFAULT_WORKER]) if live or worker else []
        found = verified_on_kafka(workspace, asked, partition, jobs, redecide=redecide)
    else:
        if live or worker or partition is not None:
            raise CalledWrongly("--live, --worker and --partition are for a log on Kafka")
        total = records_of(workspace)
        with Opened.open(workspace, owner=False) as opened:
            partitions = opened.settings.partitions
        with progress("verifying", total * (2 if redecide else 1)) as advance:
            found = fold_and_compare(workspace, partitions, jobs_for(total, jobs), redecide=redecide, advance=advance)
    if as_json:
        print_json(verified_json(found))
    else:
        for line in verified_lines(found):
            say(line)
    if found.different or found.damaged or found.decided_differently:
        raise typer.Exit(1)


def verified_json(found: Verified) -> dict[str, Any]:
    """What `verify --json` prints."""
    extra: dict[str, Any] = {
        "different": found.different,
        "damaged": found.damaged,
        "differences": difference_rows(found.partitions),
        "incomparable": {
            str(folded.partition): folded.incomparable for folded in found.partitions if folded.incomparable
        },
    }
    if found.redecided:
        extra["redecided"] = sum(each.steps for each in found.redecided)
        extra["decided_differently"] = found.decided_differently
        extra["redecisions"] = [
            {
                "partition": each.partition,
                "offset": each.position[0],
                "step": each.instant,
                "customer": each.position[2],
                "recorded": each.recorded,
                "decided": each.decided,
            }
            for partition in found.redecided
            for each in partition.differences
        ]
    return {**found.summary(), **extra}


def verified_lines(found: Verified) -> Iterable[str]:
    """What verifying found, in words."""
    summary = found.summary()
    yield f"folded {summary['events']:,} events of {summary['customers']:,} customers in {found.seconds:.1f} s"
    yield from incomparable_lines(found.partitions)
    if found.different:
        yield from difference_lines(found.partitions)
        yield "Operator action: run `strand rebuild --accept`; what was recorded is unharmed"
    elif found.damaged:
        yield "Operator action: run `strand rebuild`; facts/ are unharmed"
    elif any(folded.live_hash is not None for folded in found.partitions):
        yield "0 differences from the live world"
    if found.redecided:
        yield from redecided_lines(found.redecided)
    yield as_of_line(summary["as_of_ms"], "UTC", "no rulebook is active, or nothing is decided under it yet")
    yield from decision_lines(found.recorded.decisions)
    yield from hash_lines(summary["state_hash"], summary["decisions_hash"])


def redecided_lines(found: Sequence[Redecided]) -> Iterable[str]:
    """The steps that would be decided otherwise."""
    steps, different = sum(each.steps for each in found), sum(each.different for each in found)
    yield f"decided {steps:,} steps again: {different:,} differences"
    for partition in found:
        for each in partition.differences:
            yield f"  partition {each.partition}, offset {each.position[0]}, {each.instant}, {each.position[2]}:"
            yield f"    recorded {each.recorded}"
            yield f"    decided  {each.decided}"
    if different:
        versions = ", ".join(map(str, sorted({each.fold_version for each in found})))
        yield f"  this engine's fold version is {versions}; another one may decide otherwise"
