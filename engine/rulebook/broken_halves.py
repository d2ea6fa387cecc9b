"""Recognises an expression that YAML cut in two because it stood unquoted inside {...}."""

from __future__ import annotations

import re

from engine.rulebook.nodes import Mapping, Scalar, Source

# The keys whose values are expressions.
EXPRESSION_KEYS = ("when", "leaves_when", "where", "weight", "formula", "if", "bands")

_OPENED = re.compile(r"[{,]\s*(" + "|".join(EXPRESSION_KEYS) + r")\s*:\s+([^\n]*)")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def why_flow_broke(source: Source, index: int) -> tuple[int, int, str] | None:
    """Start, end and why, where an unquoted expression is the cause that YAML cannot be read at a place of its line."""
    line_start = source.text.rfind("\n", 0, index) + 1
    line_end = source.text.find("\n", line_start)
    line = source.text[line_start : len(source.text) if line_end < 0 else line_end]
    for opened in reversed(list(_OPENED.finditer(line))):
        if line_start + opened.start(2) <= index:
            expression = opened[2].rstrip().rstrip("}").rstrip()
            start = line_start + opened.start(2)
            return start, start + len(expression), advice(opened[1], expression)
    return None


def broken_half(mapping: Mapping, place: int) -> str | None:
    """Why the entry at a place of {...} is no entry, where it is the second half of the expression before it."""
    key, value = mapping.entries[place]
    if not mapping.flow or not isinstance(value, Scalar) or not value.is_null or key.style:
        return None
    if _PLAIN_NAME.fullmatch(key.text):
        return None
    for before, first_half in reversed(mapping.entries[:place]):
        if before.text in EXPRESSION_KEYS and isinstance(first_half, Scalar) and not first_half.style:
            whole = mapping.source.text[first_half.start : key.end]
            return advice(before.text, " ".join(whole.split()))
    return None


def advice(key: str, expression: str) -> str:
    """How the expression is to be written."""
    quote = '"' if '"' not in expression else "'"
    shown = expression if len(expression) <= 80 else f"{expression[:77]}..."
    return (
        "inside {...} an expression with a comma, a bracket or a leading quote must be quoted: "
        f"{key}: {quote}{shown}{quote}"
    )
