"""`strand backup`: a copy of the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import HERE, Json, Workspace
from engine.cli.output import print_json, say
from events.errors import CalledWrongly


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must not exist.")],
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Make a consistent copy of facts/: all that was acknowledged when it began, while `strand run` runs or not.

    A workspace with this copy as its facts/ is whole: `strand rebuild` makes the rest.

    \b
    Examples:
      strand backup /backups/shop-2025-02-01
      strand backup ../copy
      strand backup ../copy --json
    """
    from engine.disk_usage import bytes_in
    from engine.runtimes.embedded.applying import back_up

    if folder.exists():
        raise CalledWrongly(f"{folder} is there already; a backup makes a new folder")
    for taken in ("facts", "derived"):
        if folder.resolve().is_relative_to((workspace / taken).resolve()):
            raise CalledWrongly(f"{folder} is inside {taken}/, which may be deleted or replaced; name a folder outside")
    back_up(workspace, folder)
    size = bytes_in(folder)
    if as_json:
        print_json({"folder": str(folder), "bytes": size})
        return
    say(f"copied facts/ to {folder}, {size / 1e6:,.1f} MB")
