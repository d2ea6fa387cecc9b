"""`strand run`: the engine."""

from __future__ import annotations

import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.instants import instant_of, shown_instant
from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import note, print_json, progress, say
from engine.cli.report import run_lines
from events.errors import CalledWrongly, RulebookInvalid

if TYPE_CHECKING:
    from engine.runtimes.embedded.engine import EmbeddedEngine


def run(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Process all there is, report, and end; reads no wall clock.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="With --until-idle: let time pass to this date's local 00:00 or instant, then end."
        ),
    ] = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Let journey time move by more than 7 days at once.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Run the engine: fold events, decide what is due, write messages.

    Without --until-idle it runs until it is told to end (Ctrl-C), takes over what is published meanwhile, and follows
    the wall clock. The first run activates the rulebook.

    \b
    Examples:
      strand run
      strand run --until-idle
      strand run --until-idle --as-of 2025-03-01
      strand run --until-idle --json
    """
    from engine.runtimes.embedded.engine import EmbeddedEngine

    if as_of is not None and not until_idle:
        raise CalledWrongly("--as-of says when a run ends, so it goes with --until-idle")
    with EmbeddedEngine.open(workspace) as engine:
        # A time that cannot be is refused before anything is activated.
        as_of_ms = None if as_of is None else engine.checked_as_of(instant_of(as_of, zone_of(engine)))
        say_what_is_active(engine, live=not until_idle)
        if not until_idle:
            stay(engine, catch_up=catch_up)
            return
        with progress("processing", engine.waiting()) as advance:
            report = engine.run_until_idle(as_of_ms, advance)
        if as_json:
            print_json(asdict(report))
        else:
            for line in run_lines(report, zone_of(engine)):
                say(line)


def zone_of(engine: EmbeddedEngine) -> str:
    """The zone of the active rulebook, or of the one to be activated first; raises RulebookInvalid for a broken one."""
    from engine.runtimes.embedded.rulebooks import load_rulebook

    rulebook = engine.active()
    if rulebook is None and not engine.empty():
        rulebook = load_rulebook(engine.workspace.rulebook_folder)
    return "UTC" if rulebook is None else rulebook.world.time_zone


def stay(engine: EmbeddedEngine, *, catch_up: bool) -> None:
    """Run until a signal says to stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: engine.stop())

    def ready() -> None:
        waiting = engine.waiting()
        backlog = f", {waiting:,} records to process" if waiting else ""
        note(f"running{backlog}; Ctrl-C ends it")

    engine.run_live(catch_up=catch_up, ready=ready)
    note("ended; everything is on the disk")


def say_what_is_active(engine: EmbeddedEngine, *, live: bool) -> None:
    """Activate the first rulebook if none is active; warn where the folder's is another one, or broken.

    Without a wall clock an empty log has no time at which it could be: nothing is activated there.
    """
    from engine.runtimes.embedded.rulebooks import load_rulebook

    if not live and engine.active() is None and engine.empty():
        note("there are no events yet: nothing was activated; bring some in with `strand import` or `strand publish`")
        return
    activation = engine.activate_first(live=live)
    active = engine.active()
    assert active is not None
    if activation is not None:
        at = shown_instant(activation.at_ms, active.world.time_zone)
        note(f"activated the rulebook {activation.hash[:12]}, the first of this workspace, at {at}")
    else:
        try:
            drafted = load_rulebook(engine.workspace.rulebook_folder)
        except RulebookInvalid as broken:
            number = len(broken.problems)
            note(f"rulebook/ has {number} problem{'' if number == 1 else 's'} (`strand check`); the active one stays")
        else:
            if drafted.hash != active.hash:
                note("rulebook/ differs from the active rulebook; `strand apply` shows what activating it does")
    earlier = engine.events_before_activation()
    if earlier:
        note(f"{earlier:,} events lie before the first activation: they count for traits and make no matches")
