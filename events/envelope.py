"""The event's envelope as the log keeps it.

A record's value is a MessagePack array
`[type, envelope, id, customer_id, occurred_at_ms, appended_at_ms, source, version, data, sealed]`;
its partition and offset are its place in the log. `envelope` is the version of this layout, `version` that of
the publisher's schema, `sealed` has room for personal fields encrypted under a key of the customer's own.
The type stands first since typed decoders choose by it.
"""

from __future__ import annotations

from typing import Any

import msgspec

ENVELOPE_VERSION = 1

TICK = "tick"
RULEBOOK_ACTIVATED = "rulebook_activated"
RECORD_REFUSED = "record_refused"
CONTROL_TYPES = frozenset({TICK, RULEBOOK_ACTIVATED, RECORD_REFUSED})


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one customer; `occurred_at_ms` is milliseconds since the epoch, UTC."""

    id: str
    type: str
    customer_id: str
    occurred_at_ms: int
    source: str = ""
    version: int = 1
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    sealed: bytes | None = None
