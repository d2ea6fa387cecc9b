"""What is decided about one customer's matches, step by step in the language's own order.

A step: (a) the event is folded, (b) memberships change, (c) pending matches are cancelled, (d) new ones are made,
(e) those due are decided. World knows (a) and (b); this adds (c) to (e) and the steps at which only a match is due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.evaluator.clock import first_at
from tests.evaluator.expressions import holds
from tests.evaluator.gates import ASK_AT_ACTIVATION, Book, Match, gates, used
from tests.evaluator.marks import mark
from tests.evaluator.model import Activation, Case, Event, On, Rulebook, Trigger
from tests.evaluator.traits import Folded
from tests.evaluator.world import View, World, differences

Changes = tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One step under a rulebook: `old` are the memberships before an activation, None in any other step."""

    world: World
    view: View
    cause: str
    changes: Changes
    folded: Folded | None = None
    old: dict[str, Any] | None = None

    @property
    def rulebook(self) -> Rulebook:
        return self.world.rulebook

    @property
    def at_ms(self) -> int:
        return int(self.view.t)


def decide_all(case: Case, worlds: list[World]) -> Book:
    """The customer's decisions; worlds are those of the case's rulebooks. Nothing happens before an activation."""
    book = Book(customer=worlds[0].customer)
    active: World | None = None
    start_ms = start_offset = -1
    activations = [(offset, r) for offset, r in enumerate(case.records) if isinstance(r, Activation)]
    for offset, activation in activations:
        t_ms = max(record.appended_at_ms for record in case.records[: offset + 1])
        if active is not None:
            live(book, active, (start_ms, t_ms), (start_offset, offset))
        world = worlds[activation.rulebook]
        activate(book, active, world, t_ms, offset)
        active, start_ms, start_offset = world, t_ms, offset
    if active is not None:
        live(book, active, (start_ms, case.end_ms), (start_offset, len(case.records)))
    return book


def live(book: Book, world: World, times: tuple[int, int], offsets: tuple[int, int]) -> None:
    """Everything that happens under one rulebook: dues in (from, until], records between the offsets."""
    for step in world.steps:
        if step.folded is None and not times[0] < step.at_ms <= times[1]:
            continue
        if step.folded is not None and not offsets[0] < step.folded.offset < offsets[1]:
            continue
        # Due matches come before a record at their instant, and together with the memberships that change then.
        before_ms = step.at_ms if step.folded is None else step.at_ms + 1
        ask_until(book, world, before_ms, step.events - (step.folded is not None))
        view = View(world, step.events, step.at_ms, step.memberships)
        take_step(book, Moment(world=world, view=view, cause=step.cause, changes=step.changes, folded=step.folded))
    ask_until(book, world, times[1] + 1, world.events_before(offsets[1]))


def ask_until(book: Book, world: World, before_ms: int, events: int) -> None:
    """The steps at which a match is due and no membership changes."""
    while asks := [match.ask_ms for match in book.pending if 0 <= match.ask_ms < before_ms]:
        at_ms = min(asks)
        take_step(book, Moment(world=world, view=world.at(at_ms, events), cause=f"due:{at_ms}", changes=()))


def activate(book: Book, old: World | None, world: World, t_ms: int, offset: int) -> None:
    """The step that an activation gives a known customer; the first one has no old memberships."""
    known = world.events_before(offset)
    if known:
        view = world.at(t_ms, known)
        was = {} if old is None else old.at(t_ms, old.events_before(offset)).memberships
        changes = differences(world.rulebook, was, view.memberships)
        if old is not None and changes:
            mark("activation", "memberships differ")
        take_step(book, Moment(world=world, view=view, cause=f"activation:{t_ms}", changes=changes, old=was))
    book.triggers_seen |= set(world.rulebook.triggers)


def take_step(book: Book, moment: Moment) -> None:
    """(c), (d) and (e)."""
    book.steps += 1
    cancel(book, moment)
    make_matches(book, moment)
    decide_due(book, moment)


def cancel(book: Book, moment: Moment) -> None:
    for match in sorted(book.pending, key=lambda match: (match.trigger, match.made)):
        reason = why_cancelled(match, moment)
        if reason:
            book.pending.remove(match)
            book.note("cancel", match, reason, moment.at_ms)


def why_cancelled(match: Match, moment: Moment) -> str:
    trigger = moment.rulebook.triggers.get(match.trigger)
    if trigger is None or trigger.on != match.on:
        return "trigger_removed"
    gone = left(match.on, moment)
    if gone and not trigger.even_if_left:
        mark("cancel", "left", match.on.kind)
        return "left"
    if gone:
        mark("cancel", "even_if_left")
    for on in trigger.cancel_when:
        if occurs(on, moment, cause=match.event):
            mark("cancel", "cancel_when", "compares causes" if "'cause'" in repr(on.where) else on.kind)
            return "cancel_when"
    return ""


def left(on: On, moment: Moment) -> bool:
    """Whether the customer is no longer in the segment entered, or at the value moved to. Mostly they leave in this
    very step; but they may have left before, and an activation take `even_if_left` away."""
    if on.kind == "enters":
        return not moment.view.memberships[on.name]
    if on.kind == "moves" and on.to_value is not None:
        return bool(moment.view.memberships[on.name] != on.to_value)
    return False


def occurs(on: On, moment: Moment, cause: dict[str, Any] | None) -> bool:
    """Whether the step is an occasion of `on`."""
    event = moment.folded.data if moment.folded is not None else None
    if on.kind == "event":
        if moment.folded is None or moment.folded.event.type != on.name:
            return False
        return on.where is None or holds(on.where, moment.view.because(cause, event))
    for name, old, new in moment.changes:
        if name == on.name and on.kind in ("enters", "leaves"):
            return bool(new == ("in" if on.kind == "enters" else "out"))
        if name == on.name:
            return on.from_value in (None, old) and on.to_value in (None, new)
    return False


def make_matches(book: Book, moment: Moment) -> None:
    for name, trigger in sorted(moment.rulebook.triggers.items()):
        if moment.old is None:
            matches = occurs(trigger.on, moment, cause=None)
        else:
            matches = trigger.include_existing and brought_in(book, name, trigger.on, moment)
        if not matches:
            continue
        mark("match", trigger.on.kind, moment.cause.split(":")[0])
        t_ms = moment.at_ms
        due_ms = t_ms + trigger.after
        if trigger.at is not None:
            due_ms = first_at(due_ms, trigger.at, moment.view.zone())
        match = Match(
            trigger=name,
            on=trigger.on,
            cause=moment.cause,
            event=moment.folded.data if moment.folded is not None else None,
            made=book.steps,
            matched_ms=t_ms,
            due_ms=due_ms,
            ask_ms=due_ms,
        )
        book.pending.append(match)
        if due_ms > t_ms:
            book.note("schedule", match, "", t_ms, ask_ms=due_ms)


def brought_in(book: Book, name: str, on: On, moment: Moment) -> bool:
    """Whether an activation matches: all who are in at the trigger's first, then those whom it brings in."""
    assert moment.old is not None
    if on.kind != "enters" or not moment.view.memberships[on.name]:
        return False
    if name not in book.triggers_seen:
        mark("activation", "first contains the trigger")
        return True
    mark("activation", "was in" if moment.old.get(on.name) else "brings in")
    return not moment.old.get(on.name)


def decide_due(book: Book, moment: Moment) -> None:
    triggers = moment.rulebook.triggers
    resumed = moment.old is not None
    due = [match for match in book.pending if 0 <= match.ask_ms <= moment.at_ms]
    if resumed:
        goes_on = [m for m in book.pending if m.ask_ms == ASK_AT_ACTIVATION and not triggers[m.trigger].paused]
        if goes_on:
            mark("activation", "paused match goes on")
        due += goes_on
    for match in sorted(due, key=lambda m: (-triggers[m.trigger].priority, m.trigger, m.made)):
        book.pending.remove(match)
        ask(book, match, triggers[match.trigger], moment)


def ask(book: Book, match: Match, trigger: Trigger, moment: Moment) -> None:
    """The gates in order; the first that objects gives the decision and its reason."""
    t_ms = moment.at_ms
    view = moment.view.because(None, match.event)
    channel = ""
    for gate in gates(book, match, trigger, moment.rulebook.policy, view):
        kind, reason, more = gate
        if kind == "usable":
            channel = reason
            continue
        if kind == "hold":
            book.pending.append(replace(match, ask_ms=more))
            book.note(kind, match, reason, t_ms, ask_ms=more)
            return
        if reason == "holdout":
            book.used.append(used(match, trigger, t_ms, channel, sent=False))
        book.note(kind, match, reason, t_ms)
        return
    book.used.append(used(match, trigger, t_ms, channel, sent=True))
    book.note("send", match, "", t_ms, channel=channel)


def customers_of(case: Case) -> list[str]:
    return sorted({record.customer for record in case.records if isinstance(record, Event)})
