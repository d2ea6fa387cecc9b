"""`strand dead-letters list | replay`: what was refused, and another try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli import happened
from engine.cli.apply import on_kafka
from engine.cli.instants import instant_of, shown_instant
from engine.cli.lists import Asked, Row, Shown, Since, Until, listing, put_out, where
from engine.cli.named import among
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, say
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.runtimes.embedded.answers import Answer
    from engine.runtimes.kafka.letters import KeptLetter

Reasons = Annotated[str | None, typer.Option("--reason", metavar="WHY", help="Only for this reason, e.g. schema.")]
Doors = Annotated[str | None, typer.Option("--door", metavar="NAME", help="Only from publish, import or fold.")]
Workers = Annotated[
    list[str] | None,
    typer.Option("--worker", metavar="URL", help="On Kafka: a worker's pages (--web), for what the fold refused."),
]
COLUMNS = (*happened.LETTERS, "replayed")

app = typer.Typer(name="dead-letters", invoke_without_command=True)


@app.callback()
@listing
def dead_letters(
    context: typer.Context, reason: Reasons = None, door: Doors = None, worker: Workers = None, *, asked: Asked
) -> None:
    """List the events that were refused, with the reason and the bytes as they came; or `replay` them.

    \b
    Examples:
      strand dead-letters
      strand dead-letters list --reason schema --since 2025-02-01
      strand dead-letters replay --door publish
    """
    if context.invoked_subcommand is None:
        show(reason, door, worker or [], asked)


@app.command("list")
@listing
def list_(reason: Reasons = None, door: Doors = None, worker: Workers = None, *, asked: Asked) -> None:
    """List the events that were refused, with the reason and the bytes as they came.

    On Kafka those that the fold refused are told by the workers that are named.

    \b
    Examples:
      strand dead-letters list
      strand dead-letters list --reason schema --since 2025-02-01
      strand dead-letters list --out refused.jsonl
      strand dead-letters list --worker http://one.example:6066 --json
    """
    show(reason, door, worker or [], asked)


def show(reason: str | None, door: str | None, workers: Sequence[str], asked: Asked) -> None:
    """Print or export the letters that fit."""
    if on_kafka(asked.workspace):
        # Of letters that are not sifted any further, workers need to tell of the newest only.
        newest = asked.limit if reason is None and asked.since is None and asked.until is None else None
        kept = chosen(asked.workspace, workers, reason, door, asked.since, asked.until, newest=newest or None)
        columns = ("when", "door", "reason", "detail", "partition", "offset", "replayed")
        put_out(
            (row_of(each) for each in kept),
            Shown("dead letters", COLUMNS, columns, _letter),
            asked,
            "",
            counted=not newest,
        )
    elif workers:
        raise CalledWrongly("--worker is for a log on Kafka")
    else:
        happened.dead_letters(reason, door, asked)


def _letter(row: Row) -> Row:
    return {**row, "when": shown_instant(row["at_ms"], "UTC")}


@app.command("replay")
def replay(
    reason: Reasons = None,
    door: Doors = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge them, and publish nothing.")] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Let journey time move by more than 7 days at once.")
    ] = False,
    worker: Workers = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Publish events to Kafka that were refused and would be taken today; each once.

    Each is judged as at any door, by the types of the rulebook that is active now. What is refused again stays a dead
    letter, and the command exits 1; not with --dry-run. An event that stands in the log, where the fold could not read
    it, is not published again: it is taken from there as soon as a rulebook with fitting types is active.

    \b
    Examples:
      strand dead-letters replay --dry-run
      strand dead-letters replay --reason schema --since 2025-02-01
      strand dead-letters replay --worker http://one.example:6066 --door fold --json
    """
    from engine.runtimes.kafka.letters import Replayer

    if not on_kafka(workspace):
        raise CalledWrongly("replay is for a log on Kafka; publish the mended events of an embedded one")
    found = [each for each in chosen(workspace, worker or [], reason, door, since, until) if not each.replayed]
    letters = [each for each in found if not each.in_log]
    answers: Sequence[Answer] = ()
    if letters:
        with Replayer(workspace, catch_up=catch_up) as replayer:
            answers = replayer.judge(letters) if dry_run else replayer.replay(letters)
    refused = [each for each in answers if each.reason is not None]
    if as_json:
        done = {"replayed": len(answers) - len(refused), "refused": len(refused), "in_log": len(found) - len(letters)}
        print_json({"letters": len(found), **done, **({"dry_run": True} if dry_run else {})})
    else:
        word = "would be replayed" if dry_run else "replayed"
        say(f"{len(found):,} letters, {len(answers) - len(refused):,} {word}, {len(refused):,} refused again")
        for why, number in sorted(Counter(f"{each.reason}: {each.detail}" for each in refused).items()):
            say(f"  {number:,} {why}")
        if len(letters) < len(found):
            note(f"{len(found) - len(letters):,} stand in the log and wait for a rulebook that takes them")
    if refused and not dry_run:
        raise typer.Exit(1)


def chosen(
    workspace: Path,
    urls: Sequence[str],
    reason: str | None,
    door: str | None,
    since: str | None,
    until: str | None,
    *,
    newest: int | None = None,
) -> list[KeptLetter]:
    """The letters of a log on Kafka that fit, in order of time; those of the fold if workers are named, or only the
    `newest` so many of each partition."""
    import asyncio

    from engine.runtimes.kafka.asking import Workers as Named
    from engine.runtimes.kafka.connection import look
    from engine.runtimes.kafka.letters import all_letters
    from engine.runtimes.kafka.security import connect
    from engine.runtimes.kafka.topics import DEAD_LETTERS
    from events.dead_letters import Door
    from events.errors import Reason

    among(reason, "reason", map(str, Reason))
    among(door, "door", map(str, Door))
    _, connection = connect(workspace)
    partitions = look(connection, DEAD_LETTERS).partitions
    fold = Named(urls).letters(partitions, newest) if urls else {}
    if len(fold) < partitions and door in {None, str(Door.FOLD)}:
        untold = ", ".join(str(each) for each in range(partitions) if each not in fold)
        note(f"what the fold refused in partition {untold} is not shown: name its workers with --worker")
    since_ms = None if since is None else instant_of(since, "UTC")
    until_ms = None if until is None else instant_of(until, "UTC")
    rows = [{**row_of(each), "kept": each} for each in asyncio.run(all_letters(connection, partitions, fold))]
    fitting = where(rows, since_ms, until_ms, reason=reason, door=door)
    return [row["kept"] for row in sorted(fitting, key=lambda row: row["at_ms"])]


def row_of(kept: KeptLetter) -> dict[str, Any]:
    """One letter as a row, as embedded, and whether it was replayed."""
    from engine.views.rows import letter_row

    return {**letter_row(kept.partition, kept.letter), "replayed": kept.replayed}
