"""The command line's frame: which commands there are, and how an error becomes a message and an exit code.

A command exits 0 on success, 1 when it found a fault, 2 when it was called wrongly. Command modules import what
they need when they run, so that `strand --help` is quick.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from engine.cli import (
    apply,
    audit,
    backup,
    bench,
    check,
    customer,
    dead_letters,
    events,
    happened,
    importing,
    init,
    outbox,
    publish,
    rebuild,
    run,
    segments,
    status,
    topics,
    verify,
    worker,
)
from engine.cli.output import exit_code
from engine.runtimes.collector import unhurried_collector
from engine.runtimes.kafka.logs import complaints_to_stderr
from engine.storage_errors import os_error
from events.errors import StrandError

app = typer.Typer(
    name="strand",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"max_content_width": 110},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def say_version(asked: bool) -> None:
    """Print the version and that of the fold, then exit."""
    if asked:
        from importlib.metadata import version

        from events.fold_version import FOLD_VERSION

        typer.echo(f"strand {version('strand-journeys')}, fold version {FOLD_VERSION}")
        raise typer.Exit


@app.callback()
def strand(
    _version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Customer journeys from an event log: who does what, what that makes them, and what to say about it."""


app.command("init")(init.init)
app.command("check")(check.check)
app.command("events")(events.events)
app.command("import")(importing.import_)
app.command("publish")(publish.publish)
app.command("run")(run.run)
app.command("apply")(apply.apply)
app.command("status")(status.status)
app.command("customer")(customer.customer)
app.command("segments")(segments.segments)
app.command("transitions")(happened.transitions)
app.command("decisions")(happened.decisions)
app.command("messages")(happened.messages)
app.add_typer(dead_letters.app)
app.command("rebuild")(rebuild.rebuild)
app.command("verify")(verify.verify)
app.command("backup")(backup.backup)
app.command("bench")(bench.bench)
app.command("worker")(worker.worker)
app.command("tick")(worker.tick)
app.command("audit")(audit.audit)
app.command("outbox")(outbox.outbox)
app.add_typer(topics.app)


def main() -> NoReturn:
    """Run one command and exit as it says.

    An error that Strand raises on purpose is a message, not a traceback; so is a file that the system refuses.
    """
    unhurried_collector()
    complaints_to_stderr()
    try:
        app()
    except StrandError as error:
        _end(error)
    except OSError as error:
        if isinstance(error.filename, str | Path):
            _end(os_error(Path(error.filename), error))
        if error.errno == errno.ENOSPC:
            _end(os_error(Path("the output"), error))
        raise  # nothing that a person could mend
    raise SystemExit(0)


def _end(error: StrandError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise SystemExit(exit_code(error)) from None
