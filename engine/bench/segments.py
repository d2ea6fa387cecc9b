"""Segments: what ten, a hundred, a thousand and ten thousand of them cost at two transitions an event."""

from __future__ import annotations

from statistics import median

from engine.bench.figures import Figure
from engine.bench.live import Run, in_cpu, live, shown
from engine.bench.stand import Cost, Scale, apart, ratio
from engine.bench.tuning import TARGET_TRANSITIONS, TOLERANCE, tuned

COUNTS = (10, 100, 1_000, 10_000)
CUSTOMERS, EVENTS = 4_000, 40_000


def bench(scale: Scale) -> list[Figure]:
    """Live under each rulebook, in turn."""
    counts = COUNTS[:-1] if scale.quick else COUNTS
    rulebooks = {count: tuned(count) for count in counts}
    runs: dict[int, list[Run]] = {count: [] for count in counts}
    for _ in scale.rounds:
        for count in counts:
            runs[count].append(apart(live, rulebooks[count], scale.of(CUSTOMERS), scale.of(EVENTS)))
    few = counts[0]

    def costs(count: int) -> list[Cost]:
        return [run.cost for run in runs[count]]

    figures = []
    for count in counts[1:]:
        value = ratio((run.cost.us for run in runs[count]), (run.cost.us for run in runs[few]))
        most = count == counts[-1]
        figures.append(
            Figure(
                bench="segments", name=f"{count:,} to {few}", value=value,
                threshold=2.5 if most else None, aim=1.5 if most else None,
                note=f"{in_cpu(costs(count), costs(few))}; {_note(count, rulebooks[count].load_s, runs[count])}",
            )
        )  # fmt: skip
    note = _note(few, rulebooks[few].load_s, runs[few])
    off = max(abs(each[0].transitions - TARGET_TRANSITIONS) for each in runs.values())
    figures.append(
        Figure(
            bench="segments", name="transitions off two an event", value=off, unit="", threshold=TOLERANCE, note=note
        )
    )
    return figures


def _note(count: int, load_s: float, runs: list[Run]) -> str:
    compile_s = median(run.compile_s for run in runs)
    return (
        f"{count:,} segments: {shown([run.cost for run in runs])} an event, "
        f"{runs[0].transitions:.2f} transitions and {runs[0].decisions:.2f} decisions; "
        f"read from YAML in {load_s:.2f} s, compiled in {compile_s:.2f} s"
    )
