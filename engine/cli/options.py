"""The options that many commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from events.errors import CalledWrongly

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        envvar="STRAND_WORKSPACE",
        help="The workspace, if it is not the current folder.",
        show_default=False,
    ),
]

Web = Annotated[
    str | None, typer.Option("--web", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics there.")
]

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", metavar="N", min=1, help="How many processes; as many as there are cores for a long log."
    ),
]

Workers = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="On Kafka: a worker's pages (--web); one of this machine by default."),
]

HERE = Path()
DEFAULT_WORKER = "http://127.0.0.1:6066"


def address(web: str | None) -> tuple[str, int | None]:
    """Host and port to serve at; no port for none. Raises CalledWrongly."""
    if web is None:
        return "", None
    host, _, port = web.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise CalledWrongly(f"--web must be HOST:PORT, like 127.0.0.1:6066; found {web!r}")
    return host, int(port)


def own_folder(folder: Path, workspace: Path) -> Path:
    """The folder that --folder names; raises CalledWrongly for the workspace itself, whose files are not mixed, and for
    no name, which is read as the current folder's."""
    if folder == Path() or folder.absolute() == workspace.absolute():
        what = "found nothing, the current folder or the workspace"
        raise CalledWrongly(f"--folder must name a folder of its own; {what}")
    return folder


def refuse_empty(option: str, text: str | None, what: str = "a folder or a bucket") -> None:
    """Raise CalledWrongly for an option whose text is empty: most likely a variable that was not set."""
    if text == "":
        raise CalledWrongly(f"{option} must name {what}; found nothing")
