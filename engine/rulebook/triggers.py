"""Reads triggers and their messages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.rulebook.expressions import Expressions
from engine.rulebook.nodes import Mapping, Node, Scalar, describe
from engine.rulebook.occasions import LATER as DATE_LATER
from engine.rulebook.occasions import OccasionReader
from engine.rulebook.reading import Reading
from engine.rulebook.sections import Sections
from engine.rulebook.world import World
from events.calendar import parse_date
from events.numbers import MICRO
from projections.expressions.checker import check_condition
from triggers.definitions import MARKETING, MessageDef, Offer, On, Once, OnKind, TriggerDef
from triggers.offers import END_OF_MONTH

_KEYS = (
    "on",
    "after",
    "at",
    "if",
    "cancel_when",
    "even_if_left",
    "include_existing",
    "priority",
    "once",
    "holdout",
    "salt",
    "paused",
    "expires_after",
    "goal",
    "message",
)
_MESSAGE_KEYS = ("template", "channels", "purpose", "offer")
_OFFER_KEYS = ("code", "percent", "amount", "category", "until")
_VARIANTS_LATER = {"variants": "'variants' is not in this release; a message has one template"}
_LATER = {**DATE_LATER, **_VARIANTS_LATER}
_LEAVABLE = frozenset({OnKind.ENTERS, OnKind.MOVES})
_DATE_LENGTH = len("2026-03-29")
_LIKE_A_DATE = re.compile(r"[0-9]+[./-][0-9]+")
MAX_PRIORITY = 1_000_000


@dataclass(frozen=True, slots=True)
class ReadTrigger:
    """A trigger with the places that later checks mark."""

    definition: TriggerDef
    template: Node
    channels: tuple[Node, ...]


class TriggerReader:
    """Reads triggers against a world."""

    def __init__(self, world: World, reading: Reading, expressions: Expressions) -> None:
        self._reading = reading
        self._expressions = expressions
        self._occasions = OccasionReader(world, reading, expressions)

    def read(self, sections: Sections) -> dict[str, ReadTrigger]:
        """All triggers; what is broken is left out and reported."""
        triggers: dict[str, ReadTrigger] = {}
        for name, (key, node) in sections["triggers"].items():
            self._reading.name(key, "a trigger")
            trigger = self._trigger(name, node)
            if trigger is not None:
                triggers[name] = trigger
        return triggers

    def _trigger(self, name: str, node: Node) -> ReadTrigger | None:
        keys = self._reading.keys(node, f"the trigger '{name}'", _KEYS, needed=("on", "message"), later=_LATER)
        on = self._occasions.on(keys["on"], "on") if "on" in keys else None
        message = self._message(keys["message"]) if "message" in keys else None
        options = _Options(self._reading, keys)
        condition = None
        if "if" in keys:
            scope = self._occasions.event_scope("a trigger's if", on)
            written = self._expressions.parse(keys["if"], "if")
            condition = self._expressions.check(written, scope, check_condition)
        cancel_when = self._occasions.cancels(keys["cancel_when"], on) if "cancel_when" in keys else ()
        goal = self._occasions.goal(keys["goal"], on) if "goal" in keys else None
        after_ms, at_ms = options.duration("after"), options.time_of_day("at")
        once, holdout, priority = options.once(), options.holdout(), options.priority()
        even_if_left, include_existing = self._flags(on, options)
        paused, salt, expires_after_ms = options.flag("paused"), options.text("salt"), options.duration("expires_after")
        if on is None or message is None or cancel_when is None:
            return None
        template, channels, definition = message
        return ReadTrigger(
            TriggerDef(
                name=name,
                on=on,
                message=definition,
                after_ms=after_ms or 0,
                at_ms=at_ms,
                condition=condition,
                cancel_when=cancel_when,
                even_if_left=even_if_left,
                include_existing=include_existing,
                priority=priority,
                once=once,
                holdout=holdout,
                salt=salt,
                paused=paused,
                expires_after_ms=expires_after_ms,
                goal=goal,
                source=f"triggers.{name}",
            ),
            template,
            channels,
        )

    def _flags(self, on: On | None, options: _Options) -> tuple[bool, bool]:
        """even_if_left and include_existing, where the occasion has a use for them."""
        even_if_left, include_existing = options.flag("even_if_left"), options.flag("include_existing")
        if even_if_left and on is not None and on.kind not in _LEAVABLE:
            options.refuse("even_if_left", f"on {on.kind} there is nothing that a customer could leave")
        if include_existing and on is not None and on.kind is not OnKind.ENTERS:
            later = on.kind is OnKind.MOVES and on.to_value is not None
            why = "on moves is not in this release" if later else f"has no meaning on {on.kind}"
            options.refuse("include_existing", f"include_existing {why}; it works on enters")
        return even_if_left, include_existing

    # Messages

    def _message(self, node: Node) -> tuple[Node, tuple[Node, ...], MessageDef] | None:
        keys = self._reading.keys(node, "message", _MESSAGE_KEYS, needed=_MESSAGE_KEYS[:2], later=_VARIANTS_LATER)
        if "template" not in keys or "channels" not in keys:
            return None
        template = self._reading.text(keys["template"], "template")
        purpose = self._reading.name(keys["purpose"], "purpose") if "purpose" in keys else MARKETING
        offer = self._offer(keys["offer"]) if "offer" in keys else None
        channels = self._channels(keys["channels"])
        if template is None or purpose is None or not channels or ("offer" in keys and offer is None):
            return None
        names = tuple(name for _, name in channels)
        definition = MessageDef(template=template, channels=names, purpose=purpose, offer=offer)
        return keys["template"], tuple(node for node, _ in channels), definition

    def _channels(self, node: Node) -> list[tuple[Node, str]]:
        if isinstance(node, Mapping):
            if any(key.text == "best" for key, _ in node):
                later = "choosing the best channel is not in this release; list them, the first usable is taken"
                self._reading.refuse(node, later)
            else:
                self._reading.refuse(node, "channels needs a list, as in [email, sms]")
            return []
        items = self._reading.items(node, "channels")
        read = [(item, self._reading.name(item, "a channel")) for item in items]
        channels = [(item, name) for item, name in read if name is not None]
        for place, (item, name) in enumerate(channels):
            if any(name == before for _, before in channels[:place]):
                self._reading.refuse(item, f"the channel '{name}' stands twice")
        return channels if len(channels) == len(items) else []

    def _offer(self, node: Node) -> Offer | None:
        keys = self._reading.keys(node, "offer", _OFFER_KEYS, needed=("code",))
        if "code" not in keys:
            return None
        if "percent" in keys and "amount" in keys:
            self._reading.refuse(keys["amount"], "an offer is a percent or an amount, not both")
            return None
        code = self._reading.text(keys["code"], "code")
        percent, amount = self._gain(keys, "percent", 100 * MICRO), self._gain(keys, "amount", None)
        category = self._reading.text(keys["category"], "category") if "category" in keys else None
        until = self._until(keys["until"]) if "until" in keys else None
        return (
            None if code is None else Offer(code=code, percent=percent, amount=amount, category=category, until=until)
        )

    def _gain(self, keys: dict[str, Node], name: str, most: int | None) -> int | None:
        if name not in keys:
            return None
        gain = self._reading.number(keys[name], name)
        if gain is not None and (gain <= 0 or (most is not None and gain > most)):
            bounds = "above 0" if most is None else "above 0 and at most 100"
            self._reading.refuse(keys[name], f"{name} must be {bounds}; found {describe(keys[name])}")
            return None
        return gain

    def _until(self, node: Node) -> str | int | tuple[str, int] | None:
        """The end of the month, a duration in ms, or a day."""
        if isinstance(node, Scalar) and node.text == END_OF_MONTH:
            return END_OF_MONTH
        if isinstance(node, Scalar) and len(node.text) == _DATE_LENGTH and "-" in node.text:
            try:
                return "date", parse_date(node.text)
            except ValueError as error:
                self._reading.refuse(node, f"until: {error}")
                return None
        if isinstance(node, Scalar) and node.text[:1].isdigit() and not _LIKE_A_DATE.search(node.text):
            return self._reading.positive_duration(node, "until")
        words = "until is end_of_month, a duration such as 14d, or a date such as 2026-03-29"
        self._reading.refuse(node, f"{words}; found {describe(node)}")
        return None


class _Options:
    """The options of one trigger, with their default where they are absent or broken."""

    def __init__(self, reading: Reading, keys: dict[str, Node]) -> None:
        self._reading = reading
        self._keys = keys

    def refuse(self, name: str, message: str) -> None:
        self._reading.refuse(self._keys[name], message)

    def flag(self, name: str) -> bool:
        return bool(self._reading.flag(self._keys[name], name)) if name in self._keys else False

    def text(self, name: str) -> str:
        return (self._reading.text(self._keys[name], name) or "") if name in self._keys else ""

    def duration(self, name: str) -> int | None:
        return self._reading.duration(self._keys[name], name) if name in self._keys else None

    def time_of_day(self, name: str) -> int | None:
        return self._reading.time_of_day(self._keys[name], name) if name in self._keys else None

    def priority(self) -> int:
        if "priority" not in self._keys:
            return 0
        node = self._keys["priority"]
        return self._reading.whole(node, "priority", least=-MAX_PRIORITY, most=MAX_PRIORITY) or 0

    def holdout(self) -> int:
        return (self._reading.share(self._keys["holdout"], "holdout") or 0) if "holdout" in self._keys else 0

    def once(self) -> Once | int:
        node = self._keys.get("once")
        if node is None:
            return Once.PER_CAUSE
        if isinstance(node, Scalar) and node.text in tuple(Once):
            return Once(node.text)
        if isinstance(node, Scalar) and node.text[:1].isdigit():
            return self._reading.positive_duration(node, "once") or Once.PER_CAUSE
        self._reading.one_of(node, "once", tuple(map(str, Once)), other="a duration such as 60d")
        return Once.PER_CAUSE
