"""What an import did."""

from __future__ import annotations

from dataclasses import dataclass

from events.codec import Activation


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """`events` are those of the input that were taken, `imported` what this run appended of them, `refused` those
    that became dead letters; times are of the input, None where it has no event. `identity` is a hash of the judged
    and sorted input. `active_since_ms` is set where that makes an instant that was asked for useless."""

    identity: str
    events: int
    imported: int
    refused: int
    already_imported: bool
    first_ms: int | None
    last_ms: int | None
    activation: Activation | None
    seconds: float
    active_since_ms: int | None = None
