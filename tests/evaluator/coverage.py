"""What the fixed cases exercise, as a table; an empty cell means that the engine is not judged there.

python -m tests.evaluator.coverage [CASES]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import product

from tests.evaluator.decisions import customers_of
from tests.evaluator.expressions import COMPARE, FUNCTIONS
from tests.evaluator.generate import generate
from tests.evaluator.judge import judge
from tests.evaluator.marks import SEEN, mark
from tests.evaluator.traits import WINDOWED

CASES = 300  # of the agreement test
COUNTED = 100  # after so many of them the table must be full
TRAIT_KINDS = (
    *["count", "sum", "mean", "min", "max", "set", "top"],
    *["first", "last", "first_at", "last_at", "recent", "mean_gap_days"],
)
DECISIONS = {
    "schedule": ("",),
    "hold": ("paused", "quiet_hours"),
    "cancel": ("left", "cancel_when", "trigger_removed"),
    "suppress": (
        *["expired", "condition", "once", "consent", "no_address", "unreachable", "cap", "template", "holdout"],
    ),
    "send": ("",),
}
MATCHES = {
    "enters": ("event", "due", "activation"),
    "leaves": ("event", "due"),
    "moves": ("event", "due"),
    "event": ("event",),
}
OTHERS = (
    ("trait", "set", "over its limit"),
    ("trait", "top", "tie"),
    ("trait", "top", "decays"),
    ("trait", "top", "a null weight"),
    ("trait", "top", "nothing positive"),
    ("trait", "formula", "value"),
    ("trait", "formula", "null"),
    ("trait", "formula", "moves"),
    ("event", "duplicate"),
    ("event", "same id after 30 days"),
    ("event", "duplicate of a later copy"),
    ("event", "from the future"),
    ("event", "dead letter"),
    ("event", "unknown type"),
    ("segment", "leaves_when", "leaves"),
    ("segment", "leaves_when", "stays"),
    ("segment", "leaves_when", "bars"),
    ("dimension", "cases"),
    ("dimension", "bands"),
    ("dimension", "bands", "missing"),
    ("dimension", "values_of"),
    ("dimension", "values_of", "missing"),
    ("channel", "a later one"),
    ("cancel", "left", "enters"),
    ("cancel", "left", "moves"),
    *(("cancel", "cancel_when", kind) for kind in ("enters", "leaves", "moves", "event", "compares causes")),
    ("cancel", "even_if_left"),
    *(("once", mode) for mode in ("per_cause", "per_customer", "duration")),
    *(("cap", naming) for naming in ("nothing", "purpose", "channel", "trigger")),
    ("quiet", "transactional"),
    ("clock", "gap"),
    ("clock", "doubled"),
    ("clock", "no such zone"),
    ("activations", "1"),
    ("activations", "2"),
    ("activation", "paused match goes on"),
    ("activation", "first contains the trigger"),
    ("activation", "brings in"),
    ("activation", "memberships differ"),
)


def expected() -> list[tuple[str, ...]]:
    """Every cell of the table."""
    cells: list[tuple[str, ...]] = []
    for kind in TRAIT_KINDS:
        windows = ("all time", "within") if kind in WINDOWED else ("all time",)
        cells += [("trait", kind, *rest) for rest in product(windows, ("any", "where"), ("in order", "late"))]
    operators = [*COMPARE, *"+-*/", "neg", "and", "or", "not", "if", "is null", "is not null", *FUNCTIONS, "coalesce"]
    cells += [("operator", *rest) for rest in product(operators, ("value", "null"))]
    cells.append(("operator", "/", "by zero"))
    cells += [("decision", kind, reason) for kind, reasons in DECISIONS.items() for reason in reasons]
    cells += [("match", kind, cause) for kind, causes in MATCHES.items() for cause in causes]
    return [*cells, *OTHERS]


def count(seeds: Iterable[int]) -> None:
    """Judge the cases of the seeds, which marks the cells."""
    for seed in seeds:
        case = generate(seed)
        mark("activations", str(len(case.rulebooks)))
        mark("customers", str(len(customers_of(case))))
        judge(case)


def table() -> str:
    """Every cell with its count, a group a line."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for cell in expected():
        groups.setdefault(cell[:2], []).append(f"{' '.join(cell[2:]) or 'cases'} {SEEN[cell]:,}")
    width = max(len(" ".join(group)) for group in groups)
    return "\n".join(f"{' '.join(group):{width}}  {' | '.join(cells)}" for group, cells in groups.items())


def empty() -> list[tuple[str, ...]]:
    """The cells that nothing has exercised."""
    return [cell for cell in expected() if not SEEN[cell]]


if __name__ == "__main__":
    count(range(int(sys.argv[1]) if sys.argv[1:] else COUNTED))
    print(table())
    if empty():
        sys.exit(f"empty: {empty()}")
