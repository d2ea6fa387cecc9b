"""`strand worker` and `strand tick`: the engine on Kafka."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.instants import instant_of, shown_instant
from engine.cli.options import HERE, Json, Web, Workspace, address, own_folder, refuse_empty
from engine.cli.output import FOUND_A_FAULT, exit_code, note, print_json, say
from engine.cli.report import run_lines
from events.errors import CalledWrongly, StrandError

if TYPE_CHECKING:
    from engine.runtimes.kafka.connection import Connection
    from engine.runtimes.kafka.worker import Worker


lines = logging.getLogger(__name__)


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


def worker(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Take every partition, process all there is, report, and end.")
    ] = False,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the worker is called where it claims.")] = "worker",
    instance: Annotated[
        str | None,
        typer.Option(metavar="ID", help="A name of its own over restarts: its partitions wait for it meanwhile."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The worker's own folder, not shared; worker/ in the workspace by default."),
    ] = None,
    depot: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where workers leave checkpoints for each other: a folder, or s3://bucket."),
    ] = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Let journey time move by more than 7 days at once.")
    ] = False,
    web: Web = None,
    log: Annotated[LogFormat, typer.Option(help="How log lines look.")] = LogFormat.TEXT,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Work on Kafka: own the partitions that the group gives, fold events, decide what is due.

    It runs until it is told to end (Ctrl-C, SIGTERM) and then leaves in order. The log url in strand.toml says where
    the cluster is. `strand apply` activates the rulebook.

    \b
    Examples:
      strand worker
      strand worker --instance worker-1 --folder /var/lib/strand --log json --web 0.0.0.0:6066
      strand worker --until-idle --json
    """
    import asyncio

    from engine.runtimes.kafka.logs import log_to_stderr
    from engine.runtimes.kafka.topic_differences import safe_connection

    if as_json and not until_idle:
        raise CalledWrongly("--json prints a report, so it goes with --until-idle")
    if web and until_idle:
        raise CalledWrongly("--web is for a worker that goes on, without --until-idle")
    refuse_empty("--depot", depot)
    refuse_empty("--instance", instance, "this worker in the group")
    own = workspace / "worker" if folder is None else own_folder(folder, workspace)
    host, port = address(web)
    log_to_stderr(log.value)
    with errors_in(log):
        connection = safe_connection(workspace)
        if until_idle:
            finish(connection, own, name, depot, as_json=as_json)
            return
        from engine.runtimes.kafka.serving import serve

        life = serve(
            connection,
            own,
            name=name,
            instance=instance,
            depot=depot,
            catch_up=catch_up,
            web_host=host,
            web_port=port,
            ready=partial(say_joined, log),
        )
        say_ended(log, asyncio.run(life))


@contextmanager
def errors_in(log: LogFormat) -> Iterator[None]:
    """What ends the body is a line of the log for machines, where that is asked for."""
    if log is not LogFormat.JSON:
        yield
        return
    try:
        yield
    except StrandError as error:
        lines.error("%s", error.message, extra={"action": error.action})
        raise typer.Exit(exit_code(error)) from None
    except Exception:  # noqa: BLE001 -- whatever it was; a bare traceback would be no line of the log
        lines.critical("it ended with an error that is none of those it knows", exc_info=True)
        raise typer.Exit(FOUND_A_FAULT) from None


def tell(log: LogFormat, text: str) -> None:
    """Say something on standard error, as a line of the log for machines."""
    if log is LogFormat.JSON:
        lines.info("%s", text)
    else:
        note(text)


def finish(connection: Connection, folder: Path, name: str, depot: str | None, *, as_json: bool) -> None:
    """Process all there is, and report."""
    import asyncio

    from engine.runtimes.kafka.until_idle import run_until_idle

    report = asyncio.run(run_until_idle(connection, folder, name=name, depot=depot))
    if as_json:
        print_json(asdict(report))
    else:
        for line in run_lines(report, "UTC"):
            say(line)
    if not report.as_of_ms:
        note("no rulebook is active, so nothing was folded or decided: `strand apply --yes` activates rulebook/")


def say_joined(log: LogFormat, joined: Worker) -> None:
    """Say that it works."""
    tell(log, f"joined a group that shares {joined.partitions} partitions; Ctrl-C ends it")


def say_ended(log: LogFormat, left: Sequence[int]) -> None:
    """Say that it has ended, and of which partitions the last is not on its disk."""
    named = ", ".join(map(str, left))
    tell(log, f"ended; partition {named} is not on the disk" if left else "ended; everything is on the disk")


def tick(
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="The date or instant; the log's largest time by default.")
    ] = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Let time pass in every partition of a log on Kafka: what is due by then happens.

    Workers do so by themselves as time passes; this is for history, which ends somewhere.

    \b
    Examples:
      strand tick
      strand tick --as-of 2025-03-01
    """
    import asyncio

    from engine.runtimes.kafka import applying
    from engine.runtimes.kafka.topic_differences import safe_connection

    connection = safe_connection(workspace)
    at_ms = asyncio.run(applying.tick(connection, None if as_of is None else instant_of(as_of, "UTC")))
    if as_json:
        print_json({"as_of_ms": at_ms})
    else:
        say(f"time is {shown_instant(at_ms, 'UTC')} UTC in every partition, or later")
