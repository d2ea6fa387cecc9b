"""A state's ledger: decoded to decide or fold, encoded with what the hot path asks of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from triggers.decisions import Decision
from triggers.ledger import Ledger, apply, next_ask

_decode = msgspec.msgpack.Decoder(Ledger).decode
_encode = msgspec.msgpack.Encoder().encode


def read_ledger(state: Any) -> Ledger:
    """What was decided about a customer."""
    return _decode(state.ledger) if state.ledger else Ledger()


def write_ledger(state: Any, ledger: Ledger) -> None:
    """Keep the ledger; `pending` and `ask_at` are what steps look at first."""
    state.ledger = _encode(ledger)
    state.pending = sum(map(len, ledger.pending))
    state.ask_at = next_ask(ledger)


def fold_outputs(state: Any, decisions: Iterable[Decision]) -> None:
    """Fold recorded decisions; what is pending then was not judged by this code (see `doubt`)."""
    ledger = read_ledger(state)
    for decision in decisions:
        apply(ledger, decision)
    write_ledger(state, ledger)
    doubt(state)


def doubt(state: Any) -> None:
    """Have the next decided step judge all that is pending, whatever changes in it: other code may have left a match
    behind that this code would have cancelled."""
    state.pending = -abs(state.pending)
