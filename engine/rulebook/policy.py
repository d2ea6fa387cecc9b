"""Reads the policy: what holds for all triggers."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from engine.rulebook.nodes import Node, Sequence, describe
from engine.rulebook.reading import Reading
from engine.rulebook.sections import Sections
from events.nearest import did_you_mean
from events.zones import is_zone, load_zones
from triggers.definitions import MARKETING, Cap, Policy, QuietHours

_KEYS = ("time_zone", "quiet_hours", "sender", "links", "caps")
_LATER = {
    "holdout": "policy.holdout is not in this release; a trigger's own 'holdout' is",
    "salt": "policy.salt belongs to policy.holdout, which is not in this release",
}
_CAP_KEYS = ("at_most", "per", "purpose", "channel", "trigger")
_LINKS = ("unsubscribe", "survey")
_SCHEMES = ("https", "mailto")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


class PolicyReader:
    """Reads the policy; `triggers` are the names that caps may say."""

    def __init__(self, reading: Reading, triggers: Collection[str]) -> None:
        self._reading = reading
        self._triggers = triggers

    def read(self, sections: Sections) -> Policy:
        """The policy, what is broken or absent with its default."""
        entries = sections["policy"]
        keys: dict[str, Node] = {}
        for name, (key, node) in entries.items():
            if name in _LATER:
                self._reading.refuse(key, _LATER[name])
            elif name not in _KEYS:
                known = did_you_mean(name, _KEYS) or f"; it has {', '.join(_KEYS)}"
                self._reading.refuse(key, f"policy has no '{name:.60}'{known}")
            else:
                keys[name] = node
        return Policy(
            time_zone=self._time_zone(keys["time_zone"]) if "time_zone" in keys else "UTC",
            quiet_hours=self._quiet_hours(keys["quiet_hours"]) if "quiet_hours" in keys else None,
            caps=self._caps(keys["caps"]) if "caps" in keys else (),
            sender=self._sender(keys["sender"]) if "sender" in keys else {},
            links=self._links(keys["links"]) if "links" in keys else {},
        )

    def _time_zone(self, node: Node) -> str:
        name = self._reading.text(node, "time_zone")
        if name is not None and is_zone(name):
            return name
        if name is not None:
            guess = did_you_mean(name, load_zones()) or "; zones are called as Europe/Riga is"
            self._reading.refuse(node, f"no time zone is called '{name:.60}'{guess}")
        return "UTC"

    def _quiet_hours(self, node: Node) -> QuietHours | None:
        keys = self._reading.keys(node, "quiet_hours", ("from", "to", "applies_to"), needed=("from", "to"))
        if "from" not in keys or "to" not in keys:
            return None
        from_ms = self._reading.time_of_day(keys["from"], "from")
        to_ms = self._reading.time_of_day(keys["to"], "to")
        applies_to = self._purposes(keys["applies_to"]) if "applies_to" in keys else frozenset({MARKETING})
        if from_ms is None or to_ms is None:
            return None
        if from_ms == to_ms:
            self._reading.refuse(keys["to"], "quiet hours end at another time than they begin; found the same twice")
            return None
        return QuietHours(from_ms=from_ms, to_ms=to_ms, applies_to=applies_to)

    def _purposes(self, node: Node) -> frozenset[str]:
        items = self._reading.items(node, "applies_to") if isinstance(node, Sequence) else [node]
        purposes = [self._reading.name(item, "a purpose") for item in items]
        return frozenset(purpose for purpose in purposes if purpose is not None)

    def _caps(self, node: Node) -> tuple[Cap, ...]:
        caps = [self._cap(item) for item in self._reading.items(node, "caps")]
        return tuple(cap for cap in caps if cap is not None)

    def _cap(self, node: Node) -> Cap | None:
        keys = self._reading.keys(node, "a cap", _CAP_KEYS, needed=("at_most", "per"), example="{at_most: 2, per: 7d}")
        if "at_most" not in keys or "per" not in keys:
            return None
        at_most = self._reading.whole(keys["at_most"], "at_most", least=0)
        per_ms = self._reading.positive_duration(keys["per"], "per")
        names = {
            word: self._reading.name(keys[word], word) for word in ("purpose", "channel", "trigger") if word in keys
        }
        trigger = names.get("trigger")
        if trigger is not None and trigger not in self._triggers:
            guess = self._reading.suggest(trigger, self._triggers)
            self._reading.refuse_unknown(keys["trigger"], f"no trigger is called '{trigger}'{guess}")
        if at_most is None or per_ms is None or None in names.values():
            return None
        return Cap(
            at_most=at_most, per_ms=per_ms, purpose=names.get("purpose"), channel=names.get("channel"), trigger=trigger
        )

    def _sender(self, node: Node) -> dict[str, str]:
        keys = self._reading.keys(node, "sender", ("name", "email"))
        sender = {key: self._reading.text(keys[key], key) for key in sorted(keys)}
        for key, text in sender.items():
            if text is not None and key == "email" and not _ADDRESS.fullmatch(text):
                self._reading.refuse(keys[key], f"an e-mail address is like hello@shop.example; found '{text:.60}'")
        return {key: text for key, text in sender.items() if text is not None}

    def _links(self, node: Node) -> dict[str, str]:
        keys = self._reading.keys(node, "links", _LINKS)
        return {key: link for key in sorted(keys) if (link := self._link(keys[key], key)) is not None}

    def _link(self, node: Node, what: str) -> str | None:
        link = self._reading.text(node, what)
        if link is None:
            return None
        try:
            parts = urlsplit(link)
            sound = parts.scheme in _SCHEMES and bool(parts.netloc if parts.scheme == "https" else parts.path)
        except ValueError:
            sound = False
        if sound and link.isprintable() and " " not in link:
            return link
        self._reading.refuse(node, f"{what} is a link with https: or mailto:; found {describe(node)}")
        return None
