"""Every benchmark by name, and how a run is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.bench import busy, customers, latency, live, rebuild, segments, startup
from engine.bench.figures import COLUMNS, Figure
from engine.bench.machine import commit, description
from engine.bench.stand import Scale


def _kafka(scale: Scale) -> list[Figure]:
    from engine.bench import kafka  # its clients are an extra

    return kafka.bench(scale)


def _sizes(scale: Scale) -> list[Figure]:
    from engine.bench import kafka_sizes  # likewise

    return kafka_sizes.bench(scale)


BENCHES: Mapping[str, Callable[[Scale], list[Figure]]] = {
    "live": live.bench,
    "segments": segments.bench,
    "latency": latency.bench,
    "rebuild": rebuild.bench,
    "customers": customers.bench,
    "busy": busy.bench,
    "startup": startup.bench,
    "kafka": _kafka,
    "sizes": _sizes,
}
NEED_A_BROKER = frozenset({"kafka", "sizes"})
"""Left out unless they are named."""

TITLE = """\
# What `strand bench` measured

Each figure is a ratio of two measurements of the same run, taken in turn in processes of their own; the median of
three rounds. The newest run is the last.
"""


def write_down(path: Path, figures: Sequence[Figure], *, quick: bool, seconds: float) -> None:
    """Add a run to a results file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else TITLE
    path.write_text(before + as_markdown(figures, quick=quick, seconds=seconds), encoding="utf-8")


def as_markdown(figures: Sequence[Figure], *, quick: bool, seconds: float) -> str:
    """A run as a section: when and where, the table, and where the time went."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    kind = "a tenth of the size, once: proves that it runs, measures nothing" if quick else "whole"
    lines = ["", f"## {when}, commit {commit()}", "", f"- run: {kind}, {seconds:.0f} s"]
    lines += [f"- {name}: {what}" for name, what in description().items()]
    lines += ["", _row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row([str(figure.row()[column]) for column in COLUMNS]) for figure in figures]
    for figure in figures:
        if figure.stages:
            lines += ["", f"Microseconds an event by stage, {figure.bench}, {figure.name}: {by_stage(figure)}."]
    return "\n".join(lines) + "\n"


def by_stage(figure: Figure) -> str:
    """Where the time went, the most first."""
    most_first = sorted(figure.stages.items(), key=lambda stage: -stage[1])
    return ", ".join(f"{name} {us:.1f}" for name, us in most_first)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
