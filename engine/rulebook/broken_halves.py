"""Recognises an expression that YAML cut in pieces because it stood unquoted inside {...}."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.rulebook.nodes import Mapping, Node, Scalar, Source

# The keys whose values are expressions.
EXPRESSION_KEYS = ("when", "leaves_when", "where", "weight", "formula", "if", "bands")

_OPENED = re.compile(r"[{,]\s*([A-Za-z_][A-Za-z0-9_]*)\s*:\s+([^\s].*)")
_NEXT_ENTRY = re.compile(r",\s*[A-Za-z_][A-Za-z0-9_]*\s*:\s")
_LOOKS_LIKE_ONE = re.compile(r"[<>=!]=|[<>]| (?:in|not|and|or|is|if) |\w\(")
_DIGITS_LAST = re.compile(r"(?<![\w.])[0-9]{1,3}$", re.ASCII)
_THREE_DIGITS = re.compile(r"[0-9]{3}(?![0-9])", re.ASCII)
_SHOWN = 80


def why_flow_broke(source: Source, index: int) -> tuple[int, int, str] | None:
    """Start, end and why, where an unquoted expression is the cause that YAML cannot be read at a place of its line."""
    line_start = source.text.rfind("\n", 0, index) + 1
    line_end = source.text.find("\n", line_start)
    line = source.text[line_start : len(source.text) if line_end < 0 else line_end]
    at = 0
    found = None
    while (opened := _OPENED.search(line, at)) is not None and line_start + opened.start(2) <= index:
        expression = _extent(opened[2])
        if opened[1] in EXPRESSION_KEYS or _LOOKS_LIKE_ONE.search(expression):
            start = line_start + opened.start(2)
            found = start, start + len(expression), _advice(opened[1], expression)
        at = opened.start(2)
    return found


def mended(mapping: Mapping) -> tuple[Mapping, list[tuple[Scalar, str]]]:
    """The mapping with its cut expressions whole again, and each of them with what is to be said about it."""
    entries: list[tuple[Scalar, Node]] = []
    faults: list[tuple[Scalar, str]] = []
    pieces = list(mapping.entries) if mapping.flow else []
    place = 0
    while place < len(pieces):
        key, value = pieces[place]
        last = _last_piece(pieces, place)
        thousands = _thousands(pieces, place)
        if thousands > place and isinstance(value, Scalar):
            last, end = thousands, pieces[thousands][0].end
            text = value.text + "".join(key.text for key, _ in pieces[place + 1 : thousands + 1])
            value = replace(value, end=end, text=text)
            faults.append((value, f"a number is written without commas: {key.text}: {text}"))
        elif last > place and isinstance(value, Scalar):
            end = pieces[last][0].end
            text = " ".join(mapping.source.text[value.start : end].split())
            value = replace(value, end=end, text=text)
            faults.append((value, _advice(key.text, text)))
        entries.append((key, value))
        place = last + 1
    return (replace(mapping, entries=tuple(entries)), faults) if faults else (mapping, [])


def _last_piece(pieces: list[tuple[Scalar, Node]], place: int) -> int:
    """The place of the entry that closes the brackets or quotes that the value at `place` leaves open; else `place`."""
    value = pieces[place][1]
    if not isinstance(value, Scalar) or value.style or not _is_open(value.text):
        return place
    for last in range(place + 1, len(pieces)):
        key, nothing = pieces[last]
        if key.style or not isinstance(nothing, Scalar) or not nothing.is_null:
            return place
        if not _is_open(value.source.text[value.start : key.end]):
            return last
    return place


def _is_open(text: str) -> bool:
    """Whether an expression that begins so has brackets or quotes still to close."""
    depth, quote = 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([") - (character in ")]")
    return depth > 0 or quote != ""


def _thousands(pieces: list[tuple[Scalar, Node]], place: int) -> int:
    """The place of the last entry that is three more digits of the number at the end of the value; else `place`."""
    value, last = pieces[place][1], place
    if not isinstance(value, Scalar) or value.style or not _DIGITS_LAST.search(value.text):
        return place
    for key, nothing in pieces[place + 1 :]:
        if not _THREE_DIGITS.match(key.text) or not isinstance(nothing, Scalar) or not nothing.is_null:
            break
        last += 1
    return last


def _extent(text: str) -> str:
    """The expression at the beginning of a line's rest: up to the sign that ends the entry it stands in."""
    depth, quote = 0, ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif depth and character in ")]":
            depth -= 1
        elif not depth and (character in "}]" or _NEXT_ENTRY.match(text, index)):
            return text[:index].rstrip()
    return text.rstrip()


def _advice(key: str, expression: str) -> str:
    """How the expression is to be written."""
    quote = '"' if '"' not in expression else "'"
    shown = expression if len(expression) <= _SHOWN else f"{expression[: _SHOWN - 3]}..."
    return (
        "inside {...} an expression with a comma, a bracket or a leading quote must be quoted: "
        f"{key}: {quote}{shown}{quote}"
    )
