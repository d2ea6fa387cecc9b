"""Where a character of a YAML scalar's text stands in the file."""

from __future__ import annotations

from engine.rulebook.nodes import Scalar

_ESCAPED_CHARACTERS = {"x": 2, "u": 4, "U": 8}
_SPACE = " \t\r\n"


def place_of_character(scalar: Scalar, at: int) -> int:
    """The place in the source of scalar.text[at], or of the scalar's end where `at` is past its text.

    Quotes, escapes, indentation and folded lines are followed; a scalar without source gives its start.
    """
    written = scalar.source.text
    if not written:
        return scalar.start
    place = _first(scalar)
    for index, character in enumerate(scalar.text):
        place = _skip_to(written, place, character, scalar)
        if index == at:
            return min(place, scalar.end)
        place += _length(written, place, scalar.style)
    return max(scalar.start, min(place, scalar.end))


def _first(scalar: Scalar) -> int:
    """Where the text begins: after a quote, or in the line after a block's sign."""
    if scalar.style in ("'", '"'):
        return scalar.start + 1
    if scalar.style in ("|", ">"):
        line_end = scalar.source.text.find("\n", scalar.start)
        return line_end + 1 if line_end >= 0 else scalar.end
    return scalar.start


def _skip_to(written: str, place: int, character: str, scalar: Scalar) -> int:
    """Past indentation, folded lines and their escapes to where the character is written."""
    if character in _SPACE:
        return place
    while place < scalar.end:
        if written[place] in _SPACE:
            place += 1
        elif scalar.style == '"' and written.startswith(("\\\n", "\\\r"), place):
            place += 2
        else:
            break
    return place


def _length(written: str, place: int, style: str) -> int:
    """How many characters of the file one character of the text takes."""
    if style == "'" and written.startswith("''", place):
        return 2
    if style == '"' and written.startswith("\\", place):
        return 2 + _ESCAPED_CHARACTERS.get(written[place + 1 : place + 2], 0)
    return 1
