"""The customer's profile, consents and unreachable addresses, folded exactly in any order of arrival.

Each entry keeps the (occurred_at, order) that it is from; the latest holds, so a late event changes nothing that a
later one said. Superseded values of address fields are kept: a bounce that names no address means the one the customer
had then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from events.calendar import parse_date
from events.numbers import quantise
from events.times import parse_instant
from events.zones import is_zone
from projections.expressions.tree import Kind

Entry = tuple[Any, int, int]
"""(value, occurred_at_ms, order)."""

ADDRESS_FIELDS = {"email": "email", "sms": "phone", "whatsapp": "phone", "push": "push_token"}
ANY, STOP = "*", "!"
_MEANING = re.compile(r"[\\.*!]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_KEY = re.compile(r"((?:\\.|[^\\.])*)\.((?:\\.|[^\\.!])*)", re.DOTALL)
TRANSACTIONAL = "transactional"

READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.NUMBER: quantise,
    Kind.TEXT: lambda value: value,
    Kind.FLAG: lambda value: value,
    Kind.TIME: parse_instant,
    Kind.DATE: parse_date,
}


def address_field(channel: str) -> str:
    """The profile field that holds a channel's address."""
    return ADDRESS_FIELDS.get(channel, channel)


def update_profile(
    state: Any, data: Any, readers: Mapping[str, tuple[str, Callable[[Any], Any]]], o: int, k: int
) -> None:
    """Fold one profile_updated; `readers` gives each attribute's field name and reader."""
    profile: dict[str, Entry] = state.profile
    for attribute, (name, reader) in readers.items():
        value = getattr(data, attribute)
        if value is msgspec.UNSET:
            continue
        entry = (None if value is None else reader(value), o, k)
        known = profile.get(name)
        if known is None or entry[1:] > known[1:]:
            profile[name] = entry
            older = known
        else:
            older = entry
        if older is not None and isinstance(older[0], str | None):
            state.past.setdefault(name, []).append(older)
    state.zone = own_zone(profile)


def own_zone(profile: Mapping[str, Entry]) -> str | None:
    """The customer's time zone, None where they have none that exists."""
    zone = profile.get("time_zone")
    return zone[0] if zone is not None and zone[0] is not None and is_zone(zone[0]) else None


def update_consent(state: Any, channel: str, purpose: str, *, granted: bool, when: tuple[int, int]) -> None:
    """Fold one consent_changed."""
    _latest(state.consent, _grant_key(channel, purpose), (granted, *when))


def unsubscribe(state: Any, channel: str | None, purpose: str | None, o: int, k: int) -> None:
    """Fold one unsubscribed: what is left out means all; transactional is never touched."""
    if purpose != TRANSACTIONAL:
        _latest(state.consent, _stop_key(channel, purpose), (False, o, k))


def _grant_key(channel: str, purpose: str) -> str:
    """Where the latest word on a channel and purpose stands."""
    return f"{_escaped(channel)}.{_escaped(purpose)}"


def _stop_key(channel: str | None, purpose: str | None) -> str:
    """Where the latest unsubscription from them stands; what is left out, or empty, means all."""
    return ".".join(_escaped(part) if part else ANY for part in (channel, purpose)) + STOP


def _escaped(name: str) -> str:
    """The name, with what means something in a key marked as not meaning it."""
    return _MEANING.sub(r"\\\g<0>", name)


def asked_for(consent: Mapping[str, Entry]) -> list[tuple[str, str]]:
    """The (channel, purpose) of which there was ever a word, sorted."""
    found = (_KEY.fullmatch(key) for key in consent)
    return sorted((_plain(key[1]), _plain(key[2])) for key in found if key is not None)


def _plain(escaped: str) -> str:
    return _ESCAPED.sub(r"\1", escaped)


def _latest(entries: dict[str, Entry], key: str, entry: Entry) -> None:
    known = entries.get(key)
    if known is None or entry[1:] > known[1:]:
        entries[key] = entry


def consented(consent: Mapping[str, Entry], channel: str, purpose: str) -> bool:
    """Whether the latest word on a channel and purpose is a grant."""
    if not consent:
        return False
    grant, stops = _consent_keys(channel, purpose)
    granted = consent.get(grant)
    if granted is None or not granted[0]:
        return False
    if purpose == TRANSACTIONAL or len(consent) == 1:
        return True
    for key in stops:
        stopped = consent.get(key)
        if stopped is not None and stopped[1:] > granted[1:]:
            return False
    return True


@lru_cache(maxsize=256)
def _consent_keys(channel: str, purpose: str) -> tuple[str, tuple[str, ...]]:
    """Where the grant stands, and where an unsubscription that undoes it may."""
    stops = (_stop_key(*named) for named in ((channel, purpose), (None, purpose), (channel, None), (None, None)))
    return _grant_key(channel, purpose), tuple(stops)


def mark_address(state: Any, channel: str, address: str | None, o: int, k: int) -> None:
    """Fold one hard bounce or complaint."""
    state.marks.append((channel, address, o, k))


def unreachable(state: Any, channel: str, address: str) -> bool:
    """Whether a hard bounce or a complaint marked this address on this channel."""
    field = address_field(channel)
    for marked, named, o, k in state.marks:
        if marked == channel and (named if named is not None else address_then(state, field, o, k)) == address:
            return True
    return False


def address_then(state: Any, field: str, o: int, k: int) -> str | None:
    """The field's value as of (occurred_at, order)."""
    best: Entry | None = None
    known = state.profile.get(field)
    for entry in (*state.past.get(field, ()), *([known] if known is not None else ())):
        if entry[1:] <= (o, k) and (best is None or entry[1:] > best[1:]):
            best = entry
    return best[0] if best is not None else None
