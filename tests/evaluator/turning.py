"""Which conditions and numbers decide memberships, and between which numbers something may turn as time passes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from tests.evaluator.expressions import COMPARE
from tests.evaluator.model import Expr, Rulebook
from tests.evaluator.traits import sees_time, walk

ZERO: Expr = ("num", "0")


@dataclass(frozen=True, kw_only=True)
class Root:
    """One condition or number that decides memberships: `pairs` are the moving numbers whose meeting may turn
    something, inner ones first; `windows` the windowed traits it depends on; `names` the memberships it asks."""

    pairs: tuple[tuple[Expr, Expr], ...]
    windows: tuple[tuple[str, int], ...]
    names: tuple[Expr, ...]


def roots_of(rulebook: Rulebook, name: str) -> list[Root]:
    """Every condition and number of one segment or dimension."""
    if name in rulebook.segments:
        segment = rulebook.segments[name]
        return [root_of(rulebook, expr) for expr in (segment.when, segment.leaves_when) if expr is not None]
    dimension = rulebook.dimensions[name]
    found = [root_of(rulebook, condition) for _, condition in dimension.cases if condition is not None]
    if dimension.bands is not None:
        root = root_of(rulebook, dimension.bands)
        edges = tuple((dimension.bands, ("num", edge)) for edge in dimension.at)
        pairs = root.pairs + (edges if sees_time(dimension.bands, rulebook) else ())
        found.append(Root(pairs=pairs, windows=root.windows, names=root.names))
    if dimension.values_of is not None:
        found.append(root_of(rulebook, dimension.values_of))
    return found


def root_of(rulebook: Rulebook, expr: Expr) -> Root:
    inner = walk(expr, rulebook)
    traits = [(part[1], rulebook.traits[part[1]].within) for part in inner if part[0] == "trait"]
    return Root(
        pairs=tuple(pair for part in inner for pair in meetings(part) if any(sees_time(e, rulebook) for e in pair)),
        windows=tuple({(name, within) for name, within in traits if within is not None}),
        names=tuple(part for part in inner if part[0] in ("segment", "dimension")),
    )


def meetings(expr: Expr) -> list[tuple[Expr, Expr]]:
    """The pairs of numbers at whose meeting this expression itself turns or bends."""
    op, *rest = expr
    if op in COMPARE and op not in ("in", "not in"):
        return [(rest[0], rest[1])]
    if op == "chain":
        return list(pairwise(rest[1]))
    if op == "call" and rest[0] == "abs":
        return [(rest[1][0], ZERO)]
    if op == "call" and rest[0] in ("min", "max"):
        return [(a, b) for index, a in enumerate(rest[1]) for b in rest[1][:index]]
    return []
