"""`strand topics create | check`: the topics on a Kafka cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, say

if TYPE_CHECKING:
    from engine.runtimes.kafka.topic_differences import Difference

app = typer.Typer(name="topics", help="The topics on Kafka: make them, or see that they keep every fact.")


@app.command("create")
def create(workspace: Workspace = HERE, as_json: Json = False) -> None:
    """Make the topics that are not there yet; those that are there are left as they are.

    `partitions` of strand.toml says how many partitions they get, `kafka.replication` on how many brokers each is.

    \b
    Examples:
      strand topics create
      strand topics create --json
    """
    from engine.runtimes.kafka.security import connect
    from engine.runtimes.kafka.topics import create_topics

    settings, connection = connect(workspace)
    made = create_topics(connection, partitions=settings.partitions, replication=settings.kafka.replication)
    if as_json:
        print_json({"created": made})
        return
    say(f"created {', '.join(made)}" if made else "all topics are there; `strand topics check` looks at their settings")


@app.command("check")
def check(workspace: Workspace = HERE, as_json: Json = False) -> None:
    """Compare the topics with what they must be, and print the command that mends each difference; exit 1 for any.

    \b
    Examples:
      strand topics check
      strand topics check --json
    """
    from engine.runtimes.kafka.security import connect
    from engine.runtimes.kafka.topic_differences import check_topics

    settings, connection = connect(workspace)
    found = check_topics(connection, partitions=settings.partitions, replication=settings.kafka.replication)
    for each in found:
        if as_json:
            print_json(_as_json(each))
        else:
            say(f"{each}{' (facts would be lost)' if each.loses_facts else ''}\n    {each.mend}")
    if found:
        note(f"{len(found)} differences")
        raise typer.Exit(1)
    if not as_json:
        say("all topics are as they must be")


def _as_json(each: Difference) -> dict[str, object]:
    return {
        "topic": each.topic,
        "setting": each.setting,
        "found": each.found,
        "wanted": each.wanted,
        "loses_facts": each.loses_facts,
        "mend": each.mend,
    }
