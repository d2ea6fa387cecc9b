"""A topic that has lost records: at its beginning, by retention; at its end, by brokers."""

from __future__ import annotations

from events.errors import FactsDamaged

REMOVED = "restore the topic from a backup, and have it keep everything (`strand topics check`)"
LOST = "restore the topic from a backup: the brokers lost records that they had acknowledged"


def check_begin(place: str, begin: int) -> None:
    """Raise FactsDamaged if a topic has lost its beginning."""
    if begin > 0:
        raise FactsDamaged(f"{place} begins at offset {begin}: records before it are gone", REMOVED)


def check_end(place: str, end: int, known: int) -> None:
    """Raise FactsDamaged if a topic ends before what is known of it."""
    if end < known:
        raise FactsDamaged(f"{place} ends before offset {end}, records before {known} were read", LOST)
