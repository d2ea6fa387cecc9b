"""The spelling that was probably meant, for every error about an unknown name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name most like `name`, None where nothing is close."""
    ordered = sorted(names)
    close = get_close_matches(name[:200], ordered, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'orders'?`, or nothing: the end of an error's sentence."""
    close = nearest(name, names)
    return "" if close is None else f"; did you mean {close!r}?"
