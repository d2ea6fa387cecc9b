"""`strand rebuild` and `strand verify`: fold everything again, and compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import HERE, Json, Workspace, refuse_empty
from engine.cli.output import print_json, progress, say
from engine.cli.report import as_of_line, decision_lines, field, hash_lines
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.replay.folding import Difference, Folded
    from engine.replay.rebuild import Rebuilt
    from engine.replay.redecide import Redecided
    from engine.replay.verify import Verified
    from engine.workspace.workspace import Workspace as Open

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", metavar="N", min=1, help="How many processes; as many as there are cores for a long log."
    ),
]


Workers = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="On Kafka: a worker's pages (--web); one of this machine by default."),
]
DEFAULT_WORKER = "http://127.0.0.1:6066"


def rebuild(
    jobs: Jobs = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Swap the new world in though it differs from the live one.")
    ] = False,
    worker: Workers = None,
    into: Annotated[
        str | None,
        typer.Option(metavar="URL", help="On Kafka: leave the new states in this depot, for workers to start with."),
    ] = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Fold everything again beside the live world, compare, and swap the new one in if they are equal.

    Nothing is decided and nothing sent. If they differ it exits 1 with the first differences and changes nothing,
    unless --accept is given. Where there is no live world, the new one becomes it. On Kafka each worker does so for its
    partitions while it goes on, and swaps those that are equal. With --into nobody's states are swapped: they wait in a
    depot, so that workers of a release that folds otherwise find them there.

    \b
    Examples:
      strand rebuild
      strand rebuild --jobs 4
      strand rebuild --accept
      strand rebuild --worker http://one.example:6066 --worker http://two.example:6066
      strand rebuild --into s3://bucket/strand-next
    """
    from engine.cli.apply import on_kafka
    from engine.hashes import as_text
    from engine.replay.partition_jobs import jobs_for
    from engine.replay.rebuild import rebuild as fold_again
    from engine.workspace.workspace import Workspace as Opened

    refuse_empty("--into", into)
    if on_kafka(workspace):
        from engine.cli.replaying_kafka import prebuilt_on_kafka, rebuilt_on_kafka

        if into is None:
            done = rebuilt_on_kafka(workspace, worker or [DEFAULT_WORKER], accept=accept)
        else:
            done = prebuilt_on_kafka(workspace, worker or [], into, jobs, accept=accept)
    else:
        if worker or into is not None:
            raise CalledWrongly("--worker and --into are for a log on Kafka")
        total = records_of(workspace)
        with Opened.open(workspace, owner=True) as opened, progress("folding", total) as advance:
            done = fold_again(opened, jobs_for(total, jobs), accept=accept, advance=advance)
    if as_json:
        print_json(
            {
                "equal": done.equal,
                "compared": done.compared,
                "swapped": done.swapped,
                "records": done.records,
                "state_hash": as_text(done.state_hash),
                "differences": difference_rows(done.partitions),
                "different": sum(folded.different for folded in done.partitions),
                "seconds": round(done.seconds, 3),
            }
        )
    else:
        for line in rebuilt_lines(done, as_text(done.state_hash), into):
            say(line)
    if not done.equal and not accept:
        raise typer.Exit(1)


def rebuilt_lines(done: Rebuilt, state_hash: str, into: str | None = None) -> Iterable[str]:
    """What a rebuild did, in words."""
    taken = "is live now" if into is None else f"waits in {into}"
    pace = f", {done.records / done.seconds:,.0f} a second" if done.seconds else ""
    yield f"folded {done.records:,} records in {done.seconds:.1f} s{pace}"
    yield from incomparable_lines(done.partitions)
    if not done.records:
        yield "no rulebook is active yet, so there is nothing to fold"
    elif done.equal:
        same = "the same as the live world; " if done.compared else ""
        yield f"{same}the new one {taken}" if done.swapped else "nothing was swapped"
        yield field("state hash", state_hash)
    else:
        yield from difference_lines(done.partitions)
        yield (
            f"the new world {taken}, as --accept says"
            if done.swapped
            else "Operator action: nothing was changed; take the new world with `strand rebuild --accept`"
        )


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


def difference_rows(partitions: Sequence[Folded]) -> list[dict[str, Any]]:
    """The first differences as JSON."""
    return [
        {
            "partition": each.partition,
            "customer": each.customer or None,
            "field": each.field,
            "live": printable(each.live),
            "folded": printable(each.folded),
        }
        for each in first_differences(partitions)
    ]


def difference_lines(partitions: Sequence[Folded]) -> Iterable[str]:
    """The first differences in words."""
    yield f"{sum(folded.different for folded in partitions):,} differences from the live world; the first:"
    for each in first_differences(partitions):
        who = each.customer or f"partition {each.partition}"
        yield f"  {who}: {each.field}: live {each.live!r:.100}, folded {each.folded!r:.100}"


def incomparable_lines(partitions: Sequence[Folded]) -> Iterable[str]:
    """Why there was nothing to compare with, where there was not."""
    places: dict[str, list[str]] = {}
    for folded in partitions:
        if folded.incomparable and folded.meta is not None:
            places.setdefault(folded.incomparable, []).append(str(folded.partition))
    for why, found in places.items():
        where = "" if len(found) == len(partitions) else f" in partition {', '.join(found)}"
        yield f"nothing to compare with{where}: {why}"


def first_differences(partitions: Sequence[Folded], most: int = 20) -> list[Difference]:
    """The first differences over all partitions."""
    return [each for folded in partitions for each in folded.differences][:most]


def printable(value: Any) -> Any:
    """A value that JSON holds."""
    return value if value is None or isinstance(value, str | bool | int | list) else str(value)


def records_of(folder: Path) -> int:
    """How many records the log has; the databases are closed again. Raises CalledWrongly without any."""
    from engine.workspace.workspace import Workspace as Opened

    with Opened.open(folder, owner=False) as opened:
        return counted(opened)


def counted(opened: Open) -> int:
    """How many records an open workspace's log has."""
    from engine.workspace.missing import no_events

    if not opened.has_facts():
        raise no_events(opened.folder)
    return sum(facts.log.end() for facts in opened.facts)
