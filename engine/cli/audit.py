"""`strand audit`: is what the workers hold what the log says?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import DEFAULT_WORKER, HERE, Json, Web, Workers, Workspace, address
from engine.cli.output import note, print_json, say
from events.errors import CalledWrongly

if TYPE_CHECKING:
    from engine.runtimes.kafka.auditing import Audit
    from engine.runtimes.kafka.connection import Connection


def audit(
    worker: Workers = None,
    share: Annotated[
        int, typer.Option(metavar="N", min=1, help="Compare every N-th customer at a time; all after N rounds.")
    ] = 64,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="End after so many rounds; it goes on unless told.")
    ] = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="The pause between two rounds.")] = 60.0,
    web: Web = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The audit's own copy of the topics; audit/ in the workspace.")
    ] = None,
    workspace: Workspace = HERE,
    as_json: Json = False,
) -> None:
    """Fold samples of the customers from the log on Kafka, and compare with what the workers hold of them.

    It runs beside the workers and changes nothing. A state that is not what the log folds to is logged, counted
    (strand_audit_differences_total), and makes the command exit 1 at its end; so does an audit that compared nobody.

    \b
    Examples:
      strand audit --worker http://one.example:6066 --worker http://two.example:6066
      strand audit --share 16 --every 600 --web 127.0.0.1:6068
      strand audit --share 1 --rounds 1 --json
    """
    import asyncio

    from engine.runtimes.kafka.logs import log_to_stderr
    from engine.runtimes.kafka.security import connect

    if as_json and rounds is None:
        raise CalledWrongly("--json prints what was found, so it goes with --rounds")
    if web and rounds is not None:
        raise CalledWrongly("--web is for an audit that goes on, without --rounds")
    where = address(web)
    _, connection = connect(workspace)
    log_to_stderr("text")
    urls, own = worker or [DEFAULT_WORKER], folder or workspace / "audit"
    done = asyncio.run(_audit(connection, urls, own, share, rounds, every, where))
    if as_json:
        differences = [asdict(each) for each in done.found]
        print_json({"compared": done.compared, "passed_over": done.passed_over, "differences": differences})
    else:
        say(f"compared {done.compared:,} customers: {len(done.found):,} differences")
    if done.found:
        note("Operator action: fold it anew with `strand rebuild`, and find out what changed it; the log is unharmed")
    if not done.compared and not done.found:
        note("Operator action: nobody was compared: name every worker's pages with --worker; see if they are ready")
    if done.found or not done.compared:
        raise typer.Exit(1)


async def _audit(
    connection: Connection,
    urls: list[str],
    folder: Path,
    share: int,
    rounds: int | None,
    every_s: float,
    where: tuple[str, int | None],
) -> Audit:
    import asyncio

    from engine.runtimes.kafka.asking import Workers as Asked
    from engine.runtimes.kafka.auditing import Audit
    from engine.runtimes.kafka.beside import Pages, run_until_told
    from engine.runtimes.kafka.clients import Clients
    from engine.runtimes.kafka.connection import look

    found = await asyncio.to_thread(look, connection)
    clients = Clients(connection, patient=rounds is None)
    await clients.start()
    try:
        async with Audit(clients, found, Asked(urls), folder, of=share) as audit:
            if rounds is None:
                host, port = where
                figures = audit.figures.registry
                pages = None if port is None else Pages(connection=connection, host=host, port=port, figures=figures)
                await run_until_told(audit.rested, pause_s=every_s, pages=pages)
            for number in range(rounds or 0):
                if number:
                    await asyncio.sleep(every_s)
                await audit.round()
            return audit
    finally:
        await clients.stop()
