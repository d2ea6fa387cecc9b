"""Draws that are a function of names alone: who is held out, and what a message is called."""

from __future__ import annotations

import hashlib

MILLION = 1_000_000


def draw(customer: str, trigger: str, salt: str) -> int:
    """Give u in units of 2^-64: the first 8 bytes, big-endian, of sha256 of the three joined by line feeds."""
    return int.from_bytes(_sha256(customer, trigger, salt)[:8], "big")


def below(drawn: int, share: int) -> bool:
    """Whether a draw falls below a share in millionths; exact."""
    return drawn * MILLION < share << 64


def message_id(trigger: str, customer: str, cause: str, matched_at_ms: int) -> str:
    """The id of the message that a match would send; 32 hexadecimal digits."""
    return _sha256(trigger, customer, cause, str(matched_at_ms)).hex()[:32]


def _sha256(*words: str) -> bytes:
    return hashlib.sha256("\n".join(words).encode()).digest()
