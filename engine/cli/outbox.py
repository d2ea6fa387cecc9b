"""`strand outbox`: the messages decided on Kafka, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import HERE, Json, Web, Workspace, address, own_folder
from engine.cli.output import note, print_json, say
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.runtimes.kafka.connection import Connection

PAUSE_S = 0.5


def outbox(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Write what was decided so far, and end.")] = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; `delivery.outbox` of strand.toml by default.")
    ] = None,
    web: Web = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Write the messages decided on Kafka to the outbox, one file each, as they are decided.

    It runs beside the workers, on one machine, until it is told to end (Ctrl-C, SIGTERM). A message is written once:
    the folder notes how far it came, and a second process is refused there. A file may be taken away once it is there.

    \b
    Examples:
      strand outbox --web 127.0.0.1:6067
      strand outbox --until-idle --json
    """
    import asyncio

    from engine.runtimes.kafka.logs import log_to_stderr
    from engine.runtimes.kafka.security import connect

    if as_json and not until_idle:
        raise CalledWrongly("--json prints what was written, so it goes with --until-idle")
    if web and until_idle:
        raise CalledWrongly("--web is for an outbox that goes on, without --until-idle")
    host, port = address(web)
    named = None if folder is None else own_folder(folder, workspace)
    settings, connection = connect(workspace)
    target = named or (workspace / settings.delivery.outbox if settings.delivery.outbox else None)
    if target is None:
        raise CalledWrongly("delivery.outbox in strand.toml is empty; name a folder there, or with --folder")
    log_to_stderr("text")
    written = asyncio.run(_deliver(connection, target, host, port, until_idle=until_idle))
    if as_json:
        print_json({"written": written})
    else:
        say(f"{written:,} messages in {target}")


async def _deliver(connection: Connection, folder: Path, host: str, port: int | None, *, until_idle: bool) -> int:
    import asyncio

    from engine.runtimes.kafka.beside import Pages, run_until_told
    from engine.runtimes.kafka.clients import Clients
    from engine.runtimes.kafka.connection import look
    from engine.runtimes.kafka.outbox import KafkaOutbox

    found = await asyncio.to_thread(look, connection)
    clients = Clients(connection, patient=not until_idle)
    await clients.start()
    try:
        box = KafkaOutbox(clients, found, folder)
        try:
            if until_idle:
                return await box.round()
            note(f"writing messages to {folder}; Ctrl-C ends it")
            pages = None if port is None else Pages(connection=connection, host=host, port=port, figures=box)
            await run_until_told(box.round, pause_s=PAUSE_S, pages=pages)
            return box.written
        finally:
            box.close()
    finally:
        await clients.stop()
