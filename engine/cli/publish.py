"""`strand publish`: events as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, say

if TYPE_CHECKING:
    from engine.publisher import Answer, Publisher
    from engine.runtimes.kafka.door import KafkaDoor


def publish(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="JSON lines; - or nothing is standard input.")] = "-",
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Let journey time move by more than 7 days at once.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Publish events; each line is answered once it is durable, with where it went or why it was refused.

    While `strand run` owns the workspace it takes them over; else this command appends them itself. Where the log url
    names a Kafka cluster they go there. Exits 1 if any line was refused.

    \b
    Examples:
      strand publish events.jsonl
      tail -f orders.jsonl | strand publish
      strand publish --json < events.jsonl
    """
    refused = taken = 0
    with _door(workspace, catch_up=catch_up) as publisher:
        for group in groups(file):
            for answer in publisher.publish_group(group):
                refused += answer.reason is not None
                taken += answer.reason is None
                if as_json:
                    print_json(answer_json(answer))
                else:
                    say(answer_words(answer))
        waits = taken and not publisher.handed_over
    if waits:
        note("the engine does not run here; `strand run` takes up what was published")
    if refused:
        note(f"refused {refused:,}; they are kept: `strand dead-letters` lists them")
        raise typer.Exit(1)


def _door(workspace: Path, *, catch_up: bool) -> Publisher | KafkaDoor:
    """Where the workspace's events go; says which rulebook is active from now on, if none was before."""
    from engine.workspace.settings import FILE, load_settings

    if (workspace / FILE).is_file() and not load_settings(workspace).embedded:
        from engine.runtimes.kafka.door import KafkaDoor

        return KafkaDoor(workspace, catch_up=catch_up)
    from engine.publisher import Publisher

    publisher = Publisher(workspace, catch_up=catch_up)
    if publisher.activated is not None:
        note(f"activated the rulebook {publisher.activated.hash[:12]}, the first of this workspace")
    if publisher.broken_rulebook is not None:
        note(f"{publisher.broken_rulebook}\nthe rulebook is broken and not active; events are taken all the same")
    return publisher


def groups(file: str) -> Iterator[list[bytes]]:
    """The lines of a file or of standard input, in groups that are appended together."""
    from engine.runtimes.embedded.arriving import arriving
    from events.errors import CalledWrongly

    if file == "-":
        yield from arriving(0)
        return
    try:
        with Path(file).open("rb") as handle:
            yield from arriving(handle.fileno())
    except OSError as error:
        raise CalledWrongly(f"{file} cannot be read: {error.strerror}") from None


def answer_json(answer: Answer) -> dict[str, Any]:
    """One answer as JSON: id with partition and offset, or with reason and detail."""
    if answer.reason is None:
        return {"id": answer.id, "partition": answer.partition, "offset": answer.offset}
    return {"id": answer.id, "reason": str(answer.reason), "detail": answer.detail}


def answer_words(answer: Answer) -> str:
    """One answer in words."""
    name = answer.id or "(no id)"
    if answer.reason is None:
        return f"{name}\tpartition {answer.partition}, offset {answer.offset}"
    return f"{name}\trefused: {answer.reason}: {answer.detail}"
