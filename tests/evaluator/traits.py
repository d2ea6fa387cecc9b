"""Every trait by its definition, over the list of a customer's events folded so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.evaluator.clock import load
from tests.evaluator.expressions import evaluate, holds
from tests.evaluator.marks import mark
from tests.evaluator.model import DAY_MS, Activation, Case, Event, Expr, Rulebook, Tick, Trait
from tests.evaluator.schema import fields_of, read_data

DUPLICATE_MS = 30 * DAY_MS
WINDOWED = frozenset({"count", "sum", "mean", "min", "max", "set", "top"})
NOISE = Decimal("1e-9")


@dataclass(frozen=True, kw_only=True)
class Folded:
    """An event that counts: `t_ms` is the journey time of its record, `late` says that it came out of order."""

    event: Event
    offset: int
    t_ms: int
    occurred_ms: int
    data: dict[str, Any]
    late: bool


class Share(NamedTuple):
    """What one event, or one item of it, gives to a trait; sorted in the order in which traits see events."""

    occurred_ms: int
    offset: int
    place: int
    value: Any
    weight: Fraction
    late: bool


def fold_log(case: Case, rulebook: Rulebook, customer: str) -> list[Folded]:
    """The customer's events that count, in the order of the log: no duplicates, no dead letters, none of a type that
    the rulebook does not know; these move the clock alone, and their ids are not had. A copy is measured against
    the one that counted last."""
    folded: list[Folded] = []
    first: dict[str, int] = {}
    counted: dict[str, int] = {}
    t_ms = 0
    for offset, record in enumerate(case.records):
        t_ms = max(t_ms, record.appended_at_ms)
        if isinstance(record, Tick | Activation) or record.customer != customer:
            continue
        if record.broken or not fields_of(rulebook, record.type):
            mark("event", "dead letter" if record.broken else "unknown type")
            continue
        if record.id in counted and t_ms - counted[record.id] < DUPLICATE_MS:
            mark("event", "duplicate" if t_ms - first[record.id] < DUPLICATE_MS else "duplicate of a later copy")
            continue
        mark("event", "same id after 30 days" if record.id in counted else "first")
        first.setdefault(record.id, t_ms)
        counted[record.id] = t_ms
        if record.occurred_at_ms > t_ms:
            mark("event", "from the future")
        occurred_ms = min(record.occurred_at_ms, t_ms)
        late = any(occurred_ms < earlier.occurred_ms for earlier in folded)
        data = read_data(rulebook, record)
        folded.append(Folded(event=record, offset=offset, t_ms=t_ms, occurred_ms=occurred_ms, data=data, late=late))
    return folded


class EventScope:
    """What a trait's `where` and `weight` see."""

    t = 0

    def __init__(self, event: dict[str, Any], item: dict[str, Any] | None) -> None:
        self.roots = {"event": event, "item": item}

    def look_up(self, root: str, *path: str) -> Any:
        fields = self.roots[root]
        return None if fields is None else fields.get(path[0])

    def zone(self) -> ZoneInfo:
        return load("UTC")


def shares_of(rulebook: Rulebook, trait: Trait, folded: Folded) -> list[Share]:
    """What the event gives to the trait; null values are left out."""
    if folded.event.type not in trait.types:
        return []
    data = folded.data
    found: list[tuple[Any, dict[str, Any] | None]] = [(True, None)]
    if trait.path:
        _, *steps = trait.path.split(".")
        if isinstance(fields_of(rulebook, folded.event.type)[steps[0]], dict):
            found = [(item.get(steps[1]), item) for item in data[steps[0]] or ()]
        else:
            found = [(data[steps[0]], None)]
    shares = []
    for place, (value, item) in enumerate(found):
        scope = EventScope(data, item)
        if value is None or (trait.where is not None and not holds(trait.where, scope)):
            continue
        weight = Fraction(1) if trait.weight is None else evaluate(trait.weight, scope)
        if weight is None:
            mark("trait", "top", "a null weight")
        shares.append(Share(folded.occurred_ms, folded.offset, place, value, weight or Fraction(0), folded.late))
    for share in shares:
        mark(
            "trait",
            trait.kind,
            "within" if trait.within else "all time",
            "where" if trait.where is not None else "any",
            "late" if share.late else "in order",
        )
    return shares


def inside(trait: Trait, shares: Sequence[Share], t_ms: int | Fraction) -> list[Share]:
    """Those within the trait's window at t."""
    if trait.within is None:
        return list(shares)
    return [share for share in shares if t_ms - trait.within < share.occurred_ms <= t_ms]


def newest_distinct(trait: Trait, shares: Sequence[Share]) -> frozenset[Any]:
    """The values whose latest occurrence is newest, as many as may stay."""
    newest_first = list(dict.fromkeys(share.value for share in reversed(shares)))
    limit = trait.limit or 1000
    if len(newest_first) > limit:
        mark("trait", "set", "over its limit")
    return frozenset(newest_first[:limit])


def mean_gap_days(shares: Sequence[Share]) -> Fraction | None:
    if len(shares) < 2:
        return None
    return Fraction(shares[-1].occurred_ms - shares[0].occurred_ms, (len(shares) - 1) * DAY_MS)


def top(trait: Trait, shares: Sequence[Share]) -> Any:
    """The value with the largest decayed sum; the instant it is seen from only scales all sums alike."""
    with localcontext() as context:
        context.prec = 60
        sums: dict[Any, Decimal] = {}
        sizes: dict[Any, Decimal] = {}
        for share in shares:
            weight = Decimal(share.weight.numerator) / share.weight.denominator
            if trait.half_life is not None:
                mark("trait", "top", "decays")
                weight *= Decimal(2) ** (Decimal(share.occurred_ms - shares[-1].occurred_ms) / trait.half_life)
            sums[share.value] = sums.get(share.value, Decimal(0)) + weight
            sizes[share.value] = sizes.get(share.value, Decimal(0)) + abs(weight)
        rivals = {value: total for value, total in sums.items() if total > NOISE * sizes[value]}
        if not rivals:
            mark("trait", "top", "nothing positive")
            return None
        best = max(rivals.values())
        tied = [value for value, total in rivals.items() if total >= best * (1 - NOISE)]
        if len(tied) > 1:
            mark("trait", "top", "tie")
        return min(tied)


OF_NUMBERS: dict[str, Callable[[list[Fraction]], Any]] = {
    "sum": lambda values: sum(values, Fraction(0)),
    "mean": lambda values: sum(values, Fraction(0)) / len(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}


def value_of(trait: Trait, shares: Sequence[Share]) -> Any:
    """The trait's value over these shares, which are in order and within its window."""
    kind = trait.kind
    if kind in OF_NUMBERS:
        return OF_NUMBERS[kind]([share.value for share in shares])
    if kind == "count":
        return Fraction(len(shares))
    if kind == "set":
        return newest_distinct(trait, shares)
    if kind == "recent":
        return tuple(share.value for share in shares[-(trait.limit or 1) :])
    if kind == "top":
        return top(trait, shares) if shares else None
    if kind == "mean_gap_days":
        return mean_gap_days(shares)
    if not shares:
        return None
    share = shares[0] if kind.startswith("first") else shares[-1]
    return share.occurred_ms if kind.endswith("_at") else share.value


def sees_time(expr: Expr, rulebook: Rulebook) -> bool:
    """Whether the number changes with time alone (windows and memberships aside)."""
    if expr[0] == "call" and expr[1] in ("days_since", "hours_since"):
        return True
    if expr[0] == "trait":
        formula = rulebook.traits[expr[1]].formula
        return formula is not None and sees_time(formula, rulebook)
    return any(sees_time(part, rulebook) for part in parts(expr))


def parts(expr: Expr) -> list[Expr]:
    """The expressions directly inside, in order."""
    found: list[Expr] = []
    for part in expr[1:]:
        if isinstance(part, tuple):
            if part and isinstance(part[0], tuple):
                found.extend(part)
            elif not (expr[0] == "chain" and part is expr[1]):
                found.append(part)
    return found


def walk(expr: Expr, rulebook: Rulebook) -> list[Expr]:
    """The expression and all inside it, formulas of traits too, inner ones first."""
    formula = rulebook.traits[expr[1]].formula if expr[0] == "trait" else None
    below = [expr for part in ([formula] if formula else parts(expr)) for expr in walk(part, rulebook)]
    return [*below, expr]
