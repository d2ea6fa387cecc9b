"""`strand init`: a workspace that runs."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import Json
from engine.cli.output import print_json, say
from events.errors import CalledWrongly

STARTER = Path(__file__).with_name("starter")


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it may exist if it is empty.")],
    example: Annotated[
        str | None, typer.Option(metavar="NAME", help="Copy this example instead of a first rulebook: petshop.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a workspace that runs.

    \b
    Examples:
      strand init shop
      strand init shop --example petshop
      strand init shop --json
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CalledWrongly(f"{folder} is there already and is not an empty folder; name one that is new or empty")
    source = STARTER if example is None else example_folder(example)
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=_what_a_run_made)
    if not (folder / "strand.toml").exists():
        shutil.copy(STARTER / "strand.toml", folder)
    if as_json:
        print_json({"workspace": str(folder), "example": example})
        return
    say(f"{folder} is ready. Next: cd {folder} && strand check")


def example_folder(name: str) -> Path:
    """Where an example's files are: beside the packages in a checkout, among the data of an installation."""
    checkout = Path(__file__).resolve().parents[2] / "examples"
    installed = Path(sysconfig.get_path("data")) / "share" / "strand" / "examples"
    known = {
        folder.parent.name: folder.parent for place in (installed, checkout) for folder in place.glob("*/rulebook")
    }
    if name not in known:
        raise CalledWrongly(f"no example is called {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return known[name]


def _what_a_run_made(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in {"workspace", "__pycache__", "facts", "derived", "outbox"}]
