"""`strand rebuild`: fold everything again, compare, and take the new world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.differences import difference_lines, difference_rows, incomparable_lines
from engine.cli.opening import records_of
from engine.cli.options import DEFAULT_WORKER, HERE, Jobs, Json, Workers, Workspace, refuse_empty
from engine.cli.output import print_json, progress, say
from engine.cli.report import field
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.replay.rebuild import Rebuilt


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
