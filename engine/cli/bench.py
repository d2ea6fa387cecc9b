"""`strand bench`: how fast the engine is on this machine, as ratios."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import Json
from engine.cli.output import note, print_json, print_rows

RESULTS = Path("bench/results.md")


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Which benchmarks; those that need no broker if none is named."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the size, once: to see that all runs.")] = False,
    results: Annotated[Path, typer.Option(metavar="FILE", help="Where the run is added to.")] = RESULTS,
    as_json: Json = False,
) -> None:
    """Measure the engine against floors and peers of the same run, and write the figures down.

    Benchmarks: live, segments, latency, rebuild, customers, busy, startup; together they take about ten minutes.
    Two more need a broker, and start one (Java, Maven; KAFKA_BOOTSTRAP names another one): kafka compares with Faust
    and, after `make quix`, with Quix; sizes says what events, customers and partitions take on disks and in memory.
    Exits with 1 if a figure is not what it must be (not with --quick, which measures too little to tell).

    \b
    Examples:
      strand bench
      strand bench live segments
      strand bench kafka
      strand bench --quick --results quick.md
    """
    from engine.bench.figures import COLUMNS
    from engine.bench.stand import Scale
    from engine.bench.suite import BENCHES, NEED_A_BROKER, by_stage, write_down
    from events.errors import CalledWrongly

    unknown = [name for name in names or [] if name not in BENCHES]
    if unknown:
        raise CalledWrongly(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHES)}")
    began = time.perf_counter()
    figures = []
    for name in names or [each for each in BENCHES if each not in NEED_A_BROKER]:
        note(f"measuring {name}")
        found = BENCHES[name](Scale(quick))
        for figure in found:
            note(f"  {figure.name}: {figure.measured} {figure.verdict}".rstrip())
        figures += found
    write_down(results, figures, quick=quick, seconds=time.perf_counter() - began)
    if as_json:
        for figure in figures:
            print_json(figure.json())
    else:
        print_rows(COLUMNS, (figure.row() for figure in figures))
        for figure in figures:
            if figure.stages:
                note(f"microseconds an event by stage, {figure.bench}, {figure.name}: {by_stage(figure)}")
    note(f"written to {results}")
    if any(figure.missed for figure in figures) and not quick:
        raise typer.Exit(1)
