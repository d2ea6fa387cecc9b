"""What a check says when the protocol is broken."""

from __future__ import annotations


class Broken(AssertionError):
    """A history that must not be: the check's number in PROTOCOL's list, and what was seen."""


def need(holds: bool, check: str, *seen: object) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(f"({check}) " + " ".join(str(each) for each in seen))
