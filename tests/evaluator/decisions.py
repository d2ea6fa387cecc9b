"""What is decided about one customer's matches: RULEBOOK section 7, step by step in its own order.

A step: (a) the event is folded, (b) memberships change, (c) pending matches are cancelled, (d) new ones are made,
(e) those due are decided. World knows (a) and (b); this adds (c) to (e) and the steps at which only a match is due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.evaluator.clock import first_at, is_quiet, quiet_ends
from tests.evaluator.expressions import holds
from tests.evaluator.marks import mark
from tests.evaluator.model import Activation, Cap, Case, Decided, Event, On, Policy, Rulebook, Trigger
from tests.evaluator.traits import Folded
from tests.evaluator.world import View, World, differences

Changes = tuple[tuple[str, Any, Any], ...]
ADDRESS = {"email": "email", "sms": "phone", "whatsapp": "phone", "push": "push_token"}
ASK_AT_ACTIVATION = -1
FAILING_NAME = "Broken"  # templates called failing cannot be rendered for customers of this first name


@dataclass(frozen=True, kw_only=True)
class Match:
    """A match on its way: `made` orders matches of one instant by age; `ask_ms` -1 waits for an activation."""

    trigger: str
    on: On
    cause: str
    event: dict[str, Any] | None
    made: int
    matched_ms: int
    due_ms: int
    ask_ms: int


@dataclass(frozen=True, kw_only=True)
class Used:
    """A send or a holdout, for once and caps."""

    trigger: str
    cause: str
    at_ms: int
    sent: bool
    purpose: str
    channel: str


@dataclass(kw_only=True)
class Book:
    """All that was decided about one customer, and what is still pending."""

    customer: str
    pending: list[Match] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    triggers_seen: set[str] = field(default_factory=set)
    steps: int = 0

    def note(self, kind: str, match: Match, reason: str, at_ms: int, **more: Any) -> None:
        mark("decision", kind, reason)
        self.decided.append(
            Decided(
                customer=self.customer,
                kind=kind,
                trigger=match.trigger,
                reason=reason,
                cause=match.cause,
                matched_at_ms=match.matched_ms,
                due_ms=match.due_ms,
                at_ms=at_ms,
                **more,
            )
        )


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
        take_step(
            book, Moment(world=world, view=view, cause=step.cause, changes=step.changes, folded=step.folded)
        )
    ask_until(book, world, times[1] + 1, sum(folded.offset < offsets[1] for folded in world.history))


def ask_until(book: Book, world: World, before_ms: int, events: int) -> None:
    """The steps at which a match is due and no membership changes."""
    while asks := [match.ask_ms for match in book.pending if 0 <= match.ask_ms < before_ms]:
        at_ms = min(asks)
        take_step(book, Moment(world=world, view=world.at(at_ms, events), cause=f"due:{at_ms}", changes=()))


def activate(book: Book, old: World | None, world: World, t_ms: int, offset: int) -> None:
    """The step that an activation gives a known customer; the first one has no old memberships."""
    known = sum(folded.offset < offset for folded in world.history)
    if known:
        view = world.at(t_ms, known)
        was = {} if old is None else old.at(t_ms, known).memberships
        changes = differences(world.rulebook, was, view.memberships)
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
    if not trigger.even_if_left and left(match.on, moment):
        return "left"
    if any(occurs(on, moment, cause=match.event) for on in trigger.cancel_when):
        return "cancel_when"
    return ""


def left(on: On, moment: Moment) -> bool:
    """Whether the customer leaves in this step the segment entered, or the value moved to."""
    if on.kind == "enters":
        return any(name == on.name and new == "out" for name, _, new in moment.changes)
    if on.kind == "moves" and on.to_value is not None:
        return any(name == on.name and old == on.to_value for name, old, _ in moment.changes)
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
    return name not in book.triggers_seen or not moment.old.get(on.name)


def decide_due(book: Book, moment: Moment) -> None:
    triggers = moment.rulebook.triggers
    resumed = moment.old is not None
    due = [match for match in book.pending if 0 <= match.ask_ms <= moment.at_ms]
    if resumed:
        due += [m for m in book.pending if m.ask_ms == ASK_AT_ACTIVATION and not triggers[m.trigger].paused]
    for match in sorted(due, key=lambda m: (-triggers[m.trigger].priority, m.trigger, m.made)):
        book.pending.remove(match)
        ask(book, match, triggers[match.trigger], moment)


def ask(book: Book, match: Match, trigger: Trigger, moment: Moment) -> None:
    """The gates in order; the first that objects gives the decision and its reason."""
    t_ms = moment.at_ms
    view = moment.view.because(None, match.event)
    channel = ""
    for gate in gates(book, match, trigger, moment, view):
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


def used(match: Match, trigger: Trigger, t_ms: int, channel: str, *, sent: bool) -> Used:
    return Used(
        trigger=match.trigger, cause=match.cause, at_ms=t_ms, sent=sent, purpose=trigger.purpose, channel=channel
    )


def gates(
    book: Book, match: Match, trigger: Trigger, moment: Moment, view: View
) -> Iterator[tuple[str, str, int]]:
    """What the gates say, in their order, lazily: (kind, reason, ask again at); the usable channel on the way."""
    t_ms, policy = moment.at_ms, moment.rulebook.policy
    transactional = trigger.purpose == "transactional"
    if trigger.expires_after is not None and t_ms > match.due_ms + trigger.expires_after:
        yield "suppress", "expired", 0
    if trigger.paused:
        yield "hold", "paused", ASK_AT_ACTIVATION
    if trigger.condition is not None and not holds(trigger.condition, view):
        yield "suppress", "condition", 0
    if once_objects(book, match, trigger, t_ms):
        yield "suppress", "once", 0
    faults = {channel: why_unusable(channel, trigger.purpose, view) for channel in trigger.channels}
    channel = next((channel for channel in trigger.channels if not faults[channel]), None)
    if channel is None:
        yield "suppress", faults[trigger.channels[0]], 0
        return
    if channel != trigger.channels[0]:
        mark("channel", "a later one")
    yield "usable", channel, 0
    for cap in policy.caps:
        if cap_objects(book, cap, match.trigger, trigger.purpose, channel, t_ms):
            yield "suppress", "cap", 0
    if not transactional or policy.quiet_transactional:
        yield from quiet_gate(policy, t_ms, view.zone())
    if trigger.template == "failing" and view.look_up("profile", "first_name") == FAILING_NAME:
        yield "suppress", "template", 0
    if share_of(book.customer, match.trigger, trigger.salt) < Fraction(trigger.holdout, 100):
        yield "suppress", "holdout", 0


def quiet_gate(policy: Policy, t_ms: int, zone: ZoneInfo) -> Iterator[tuple[str, str, int]]:
    if policy.quiet is not None and is_quiet(t_ms, policy.quiet, zone):
        yield "hold", "quiet_hours", quiet_ends(t_ms, policy.quiet, zone)


def once_objects(book: Book, match: Match, trigger: Trigger, t_ms: int) -> bool:
    uses = [use for use in book.used if use.trigger == match.trigger]
    if trigger.once == "per_cause":
        return any(use.cause == match.cause for use in uses)
    if trigger.once == "per_customer":
        return bool(uses)
    return any(t_ms < use.at_ms + int(trigger.once) for use in uses)


def why_unusable(channel: str, purpose: str, view: View) -> str:
    """The first of consent, no_address and unreachable that stands against the channel."""
    if purpose != "transactional" and not view.look_up("consent", channel, purpose):
        return "consent"
    address = view.look_up("profile", ADDRESS.get(channel, channel))
    if address is None:
        return "no_address"
    return "unreachable" if address in unreachable(view) else ""


def unreachable(view: View) -> set[str]:
    """The addresses marked by hard bounces and complaints: the one named, else the customer's when it occurred."""
    marked: set[str] = set()
    history = view.world.in_order(view.events)
    for folded in history:
        event, data = folded.event, folded.data
        hard = event.type == "message_bounced" and data["kind"] == "hard"
        if hard or event.type == "message_complained":
            address = data["address"]
            if address is None:
                fields: dict[str, Any] = {}
                for earlier in history[: history.index(folded)]:
                    if earlier.event.type == "profile_updated":
                        fields |= {name: earlier.data[name] for name in earlier.event.data}
                address = fields.get(ADDRESS.get(data["channel"], data["channel"]))
            if address is not None:
                marked.add(address)
    return marked


def cap_objects(book: Book, cap: Cap, trigger: str, purpose: str, channel: str, t_ms: int) -> bool:
    """Whether so many of the customer's sends that fit lie within the cap's time."""

    def fits(a_trigger: str, a_purpose: str, a_channel: str) -> bool:
        if a_purpose == "transactional" and cap.purpose is None:
            return False
        wanted = ((cap.trigger, a_trigger), (cap.purpose, a_purpose), (cap.channel, a_channel))
        return all(named in (None, found) for named, found in wanted)

    if not fits(trigger, purpose, channel):
        return False
    sends = [use for use in book.used if use.sent and fits(use.trigger, use.purpose, use.channel)]
    return sum(t_ms - cap.per < use.at_ms <= t_ms for use in sends) >= cap.at_most


def share_of(customer: str, trigger: str, salt: str) -> Fraction:
    """The customer's place between 0 and 1 in a trigger's draw."""
    digest = hashlib.sha256(f"{customer}\n{trigger}\n{salt}".encode()).digest()
    return Fraction(int.from_bytes(digest[:8], "big"), 2**64)


def customers_of(case: Case) -> list[str]:
    return sorted({record.customer for record in case.records if isinstance(record, Event)})
