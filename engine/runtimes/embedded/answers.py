"""What a publisher hears about each of its lines."""

from __future__ import annotations

import msgspec

from events.errors import Reason


class Answer(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Where an event was appended, durably, or why it was refused.

    `offset` is None and `reason` says why where it was refused; then it is a dead letter of `partition`. `id` is None
    where none could be read.
    """

    id: str | None
    partition: int
    offset: int | None = None
    reason: Reason | None = None
    detail: str = ""
