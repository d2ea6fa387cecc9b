"""`strand check`: all errors of the rulebook at once, or that there are none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import print_json, say

if TYPE_CHECKING:
    from engine.rulebook.rulebook import Rulebook
    from events.errors import RulebookInvalid


def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[RULEBOOK]", help="A rulebook's folder, if it is not the workspace's rulebook/."),
    ] = None,
    show_program: Annotated[
        bool, typer.Option("--show-program", help="Print the program that the rulebook compiles to.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Check the rulebook: every error of all files, each with file, line, column and what would be right.

    Templates are rendered with example data, so what would fail when a message is due fails here.

    \b
    Examples:
      strand check
      strand check ../drafts/spring
      strand check --show-program
    """
    from engine.runtimes.embedded.rulebooks import load_rulebook
    from events.errors import CalledWrongly, RulebookInvalid

    place = workspace / "rulebook" if folder is None else folder
    if not place.is_dir():
        raise CalledWrongly(f"{place} is no folder; name the rulebook's, or a workspace by --workspace")
    try:
        rulebook = load_rulebook(place)
    except RulebookInvalid as invalid:
        if as_json:
            print_json({"ok": False, "problems": problem_rows(invalid)})
            raise typer.Exit(1) from None
        number = len(invalid.problems)
        say(str(invalid))
        say(f"\n{number} problem{'' if number == 1 else 's'} in {place}")
        raise typer.Exit(1) from None
    if show_program:
        from engine.compiled import compile_rulebook

        say(compile_rulebook(rulebook).program.source)
    elif as_json:
        print_json({"ok": True, "problems": [], "hash": rulebook.hash, **counts(rulebook)})
    else:
        parts = ", ".join(f"{number} {name}" for name, number in counts(rulebook).items())
        say(f"{place} is sound: {parts}. Its hash is {rulebook.hash[:12]}.")


def counts(rulebook: Rulebook) -> dict[str, int]:
    """How much a rulebook holds."""
    return {
        "traits": len(rulebook.world.traits),
        "segments": len(rulebook.world.segments),
        "dimensions": len(rulebook.world.dimensions),
        "triggers": len(rulebook.rules.triggers),
        "templates": len({key.partition("/")[0] for key in rulebook.templates}),
    }


def problem_rows(invalid: RulebookInvalid) -> list[dict[str, object]]:
    """Each problem as JSON."""
    return [
        {"file": each.file, "line": each.line, "column": each.column, "message": each.message}
        for each in invalid.problems
    ]
