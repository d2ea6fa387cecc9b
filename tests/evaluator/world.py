"""The derived world of one customer under one rulebook, as if it had always been active.

Everything is recomputed from the list of events at every instant at which something could differ: records, ends of
windows, and the instants at which a moving comparison turns, found between two of those by taking the straight line
through two points. Evaluating at one instant too many changes nothing, so candidates are generous.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.evaluator.clock import zone_of
from tests.evaluator.expressions import evaluate, holds
from tests.evaluator.marks import mark
from tests.evaluator.model import Case, Dimension, Expr, Rulebook, Segment
from tests.evaluator.schema import NOT_OWN_ACTS, as_text, number
from tests.evaluator.traits import Folded, Share, fold_log, inside, sees_time, shares_of, value_of
from tests.evaluator.turning import Root, roots_of

Memberships = dict[str, Any]  # segments: bool; dimensions: the value; nothing at all from outside


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happened at one instant: `folded` is the event of a record's own step. `changes` are (name, from, to)."""

    at_ms: int
    cause: str
    events: int
    folded: Folded | None
    changes: tuple[tuple[str, Any, Any], ...]
    memberships: Memberships


class World:
    """One customer's events and what a rulebook makes of them."""

    def __init__(self, case: Case, rulebook: Rulebook, customer: str) -> None:
        self.rulebook = rulebook
        self.customer = customer
        self.end_ms = case.end_ms
        self.history = fold_log(case, rulebook, customer)
        self.order = tuple(sorted([*rulebook.segments, *rulebook.dimensions], key=rulebook.evaluation_order.index))
        self.roots = [root for name in self.order for root in roots_of(rulebook, name)]
        self.memo: dict[Any, Any] = {}
        self.steps = list(self.walk_time())

    def shares(self, trait: str, events: int) -> list[Share]:
        """What the first `events` events give to a trait, in its order."""
        key = ("shares", trait, events)
        if key not in self.memo:
            definition = self.rulebook.traits[trait]
            earlier = self.shares(trait, events - 1) if events else []
            new = shares_of(self.rulebook, definition, self.history[events - 1]) if events else []
            self.memo[key] = sorted([*earlier, *new], key=lambda share: share[:3]) if new else earlier
        found: list[Share] = self.memo[key]
        return found

    def trait(self, name: str, view: View) -> Any:
        """The trait's value after so many events at t."""
        definition = self.rulebook.traits[name]
        if definition.formula is not None:
            value = evaluate(definition.formula, view)
            mark("trait", "formula", "null" if value is None else "value")
            if sees_time(definition.formula, self.rulebook):
                mark("trait", "formula", "moves")
            return value
        shares = inside(definition, self.shares(name, view.events), view.t)
        key = ("trait", name, view.events, len(shares))
        if key not in self.memo:
            self.memo[key] = value_of(definition, shares)
        return self.memo[key]

    def profile(self, events: int) -> dict[str, Any]:
        """Each field of the latest `profile_updated` that has it."""
        key = ("profile", events)
        if key not in self.memo:
            fields: dict[str, Any] = {}
            for folded in self.in_order(events):
                if folded.event.type == "profile_updated":
                    fields |= {name: folded.data[name] for name in folded.event.data}
            self.memo[key] = fields
        found: dict[str, Any] = self.memo[key]
        return found

    def consents(self, events: int) -> frozenset[tuple[str, str]]:
        """The (channel, purpose) pairs that are granted."""
        key = ("consents", events)
        if key not in self.memo:
            granted: set[tuple[str, str]] = set()
            for folded in self.in_order(events):
                data = folded.data
                if folded.event.type == "consent_changed":
                    pair = (data["channel"], data["purpose"])
                    granted = granted | {pair} if data["granted"] else granted - {pair}
                if folded.event.type == "unsubscribed":
                    granted = {pair for pair in granted if not unsubscribes(data, pair)}
            self.memo[key] = frozenset(granted)
        found: frozenset[tuple[str, str]] = self.memo[key]
        return found

    def in_order(self, events: int) -> list[Folded]:
        return sorted(self.history[:events], key=lambda folded: (folded.occurred_ms, folded.offset))

    def builtin(self, name: str, events: int) -> Any:
        """known_since, last_seen_at, and sent, opened, clicked of a channel."""
        history = self.history[:events]
        if name == "known_since":
            return min((folded.occurred_ms for folded in history), default=None)
        if name == "last_seen_at":
            acts = [folded.occurred_ms for folded in history if folded.event.type not in NOT_OWN_ACTS]
            return max(acts, default=None)
        what, channel = name.split(".")
        kind = f"message_{what}"
        return Fraction(sum(folded.event.type == kind and folded.data["channel"] == channel for folded in history))

    def evaluate_memberships(self, events: int, t_ms: int, before: Memberships) -> Memberships:
        """Every membership once at t."""
        now: Memberships = {}
        view = View(self, events, t_ms, now)
        for name in self.order:
            if name in self.rulebook.segments:
                now[name] = is_member(self.rulebook.segments[name], view, bool(before.get(name)))
            else:
                now[name] = dimension_value(self.rulebook.dimensions[name], view)
        return now

    def events_before(self, offset: int) -> int:
        """How many events count before an offset; another rulebook may know other types."""
        return sum(folded.offset < offset for folded in self.history)

    def at(self, t_ms: int, events: int) -> View:
        """How everything stands after so many events at t, at which nothing is about to change."""
        past = [step for step in self.steps if step.at_ms <= t_ms and step.events <= events]
        return View(self, events, t_ms, past[-1].memberships if past else {})

    def walk_time(self) -> Iterator[Step]:
        """Every step at which a membership changed, and every record's own."""
        memberships: Memberships = {}
        now_ms = 0
        for events, folded in enumerate([*self.history, None]):
            until_ms = self.end_ms if folded is None else folded.t_ms
            while events and (step := self.next_change(events, now_ms, until_ms, memberships)):
                yield step
                memberships, now_ms = step.memberships, step.at_ms
            if folded is not None:
                now_ms = folded.t_ms
                after = self.evaluate_memberships(events + 1, now_ms, memberships)
                changes = self.differences(memberships, after)
                cause = f"event:{folded.event.id}"
                yield Step(
                    at_ms=now_ms, cause=cause, events=events + 1, folded=folded, changes=changes, memberships=after
                )
                memberships = after

    def next_change(self, events: int, after_ms: int, until_ms: int, before: Memberships) -> Step | None:
        """The first instant in (after, until] at which a membership changes by time alone."""
        for at_ms in self.candidates(events, after_ms, until_ms, before):
            now = self.evaluate_memberships(events, at_ms, before)
            if now != before:
                changes = self.differences(before, now)
                cause = f"due:{at_ms}"
                return Step(at_ms=at_ms, cause=cause, events=events, folded=None, changes=changes, memberships=now)
        return None

    def candidates(self, events: int, after_ms: int, until_ms: int, before: Memberships) -> list[int]:
        """The instants in (after, until] at which a membership may change while all others stand as before."""
        found: set[int] = set()
        for index, root in enumerate(self.roots):
            depends = frozenset({name for _, *path in root.names if (name := path[0]) in before and root.pairs})
            key = ("turns", index, events, until_ms, *(before[name] for name in sorted(depends)))
            start = self.memo.get(key)
            if start is None or start[0] > after_ms:
                start = self.memo[key] = (after_ms, self.turns(root, events, after_ms, until_ms, before))
            found |= start[1]
        return sorted(at_ms for at_ms in found if after_ms < at_ms <= until_ms)

    def turns(self, root: Root, events: int, after_ms: int, until_ms: int, before: Memberships) -> set[int]:
        """Ends of the windows it depends on, and the turns of its comparisons between them."""
        ends = {
            share.occurred_ms + within
            for name, within in root.windows
            for share in self.shares(name, events)
            if after_ms < share.occurred_ms + within <= until_ms
        }
        found = set(ends)
        stops = sorted({after_ms, until_ms, *ends})
        for start, end in pairwise(stops):
            # Two numbers may meet just at an end of the stretch, and be apart right after it or before.
            inner = self.knots(root, events, start, end, before)
            for knot in [Fraction(start), *inner, Fraction(end)] if root.pairs else []:
                found |= {math.floor(knot), math.floor(knot) + 1}
        return found

    def knots(self, root: Root, events: int, start: int, end: int, before: Memberships) -> list[Fraction]:
        """Where two moving numbers of the root meet, strictly between start and end, inner ones first: between two
        knots of what is inside it, a moving number is a straight line."""
        knots = [Fraction(start), Fraction(end)]
        for left, right in root.pairs:
            for low, high in list(pairwise(knots)):
                p, q = low + (high - low) / 3, low + (high - low) * 2 / 3
                gaps = [gap(left, right, View(self, events, t, before)) for t in (p, q)]
                if gaps[0] is not None and gaps[1] is not None and gaps[0] != gaps[1]:
                    meet = p + (q - p) * gaps[0] / (gaps[0] - gaps[1])
                    if low < meet < high:
                        knots.append(meet)
            knots = sorted(set(knots))
        return knots[1:-1]

    def differences(self, before: Memberships, after: Memberships) -> tuple[tuple[str, Any, Any], ...]:
        """The changes in order of name; from outside, a segment that stays out is none."""
        return differences(self.rulebook, before, after)


def differences(rulebook: Rulebook, before: Memberships, after: Memberships) -> tuple[tuple[str, Any, Any], ...]:
    """(name, from, to) of what changed: out and in, or values."""
    changes = []
    for name in sorted(after):
        old, new = before.get(name), after[name]
        if name in rulebook.segments:
            old, new = ("in" if old else "out"), ("in" if new else "out")
        if old != new:
            changes.append((name, old, new))
    return tuple(changes)


class View:
    """A customer at one instant; `memberships` fills up while they are evaluated."""

    def __init__(
        self,
        world: World,
        events: int,
        t: int | Fraction,
        memberships: Memberships,
        *,
        cause: dict[str, Any] | None = None,
        event: dict[str, Any] | None = None,
    ) -> None:
        self.world = world
        self.events = events
        self.t = t
        self.memberships = memberships
        self.roots = {"cause": cause, "event": event}

    def look_up(self, root: str, *path: str) -> Any:
        if root == "trait":
            return self.world.trait(path[0], self)
        if root in ("segment", "dimension"):
            return self.memberships[path[0]]
        if root == "profile":
            return self.world.profile(self.events).get(path[0])
        if root == "consent":
            return path in self.world.consents(self.events)
        if root == "builtin":
            return self.world.builtin(path[0], self.events)
        fields = self.roots[root]
        if fields is None or len(path) == 1:
            return None if fields is None else fields.get(path[0])
        items = fields.get(path[0])
        return None if items is None else tuple(item.get(path[1]) for item in items)

    def zone(self) -> ZoneInfo:
        name = self.world.profile(self.events).get("time_zone")
        return zone_of(name, self.world.rulebook.policy.time_zone)

    def because(self, cause: dict[str, Any] | None, event: dict[str, Any] | None) -> View:
        """The same, with what `cause` and `event` name."""
        return View(self.world, self.events, self.t, self.memberships, cause=cause, event=event)


def gap(left: Expr, right: Expr, view: View) -> Fraction | None:
    """How far apart two numbers are."""
    a, b = evaluate(left, view), evaluate(right, view)
    return a - b if isinstance(a, Fraction) and isinstance(b, Fraction) else None


def is_member(segment: Segment, view: View, was: bool) -> bool:
    """With `leaves_when`, members leave when that holds and outsiders enter when `when` does and that does not."""
    leaves = segment.leaves_when is not None and holds(segment.leaves_when, view)
    if segment.leaves_when is not None and was:
        mark("segment", "leaves_when", "leaves" if leaves else "stays")
        return not leaves
    enters = holds(segment.when, view)
    if enters and leaves:
        mark("segment", "leaves_when", "bars")
    return enters and not leaves


def dimension_value(dimension: Dimension, view: View) -> str:
    mark("dimension", "cases" if dimension.cases else "bands" if dimension.bands else "values_of")
    if dimension.cases:
        return next(value for value, when in dimension.cases if when is None or holds(when, view))
    value: Any = evaluate(dimension.bands or dimension.values_of or (), view)
    if value is None:
        mark("dimension", "bands" if dimension.bands else "values_of", "missing")
        assert dimension.missing is not None
        return dimension.missing
    if dimension.values_of is not None:
        return as_text(value)
    passed: int = sum(number(edge) <= value for edge in dimension.at)
    return dimension.names[passed]


def unsubscribes(data: dict[str, Any], pair: tuple[str, str]) -> bool:
    """Whether it takes back this consent: what it names, all where it names nothing, never the transactional."""
    channel, purpose = pair
    return purpose != "transactional" and data["channel"] in (None, channel) and data["purpose"] in (None, purpose)
