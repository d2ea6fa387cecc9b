"""Says in plain words why YAML cannot be read: a tab, an indentation, a quote, bracket or colon that is missing."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

from engine.rulebook.nodes import Source

# Start, end and what is said.
Slip = tuple[int, int, str]

_NO_TOKEN = re.compile(r"found character '(.+)' that cannot start any token")
_FLOW = re.compile(r"expected ',' or '([\]}])', but got '(.+)'")
_NOT_AN_END = re.compile(r"expected <block end>, but found '(.+)'")
_COLON_GLUED = re.compile(r"(?:- )?\w+(:)[^\s/]")
_NAME_ALONE = re.compile(r"(?:- )?(\w+)\s*")
_ENTRY = re.compile(r"\s*(?:- )?[^\s#].*?:\s")
# A quote behind one of these signs, or first in its line, opens a text.
_BEFORE_A_TEXT = ":[{,-"


def why_yaml_broke(source: Source, error: MarkedYAMLError, index: int) -> Slip | None:
    """The slip behind an error of the YAML reader, which stopped at `index`; None where only its own words say it."""
    problem = str(error.problem)
    if (token := _NO_TOKEN.search(problem)) is not None:
        if source.text[index] == "\t":
            return index, index + 1, "found a tab; write spaces"
        return index, index + 1, f"a text that begins with {token[1]} must be quoted"
    if (flow := _FLOW.search(problem)) is not None and error.context_mark is not None:
        return _in_flow(source, error.context_mark.index, index, closing=flow[1], found=flow[2])
    if "unexpected end of stream" in problem:
        return _open_quote(source, len(source.text))
    if (no_end := _NOT_AN_END.search(problem)) is not None:
        return _no_end(source, index, no_end[1])
    if "mapping values are not allowed" in problem or "could not find expected ':'" in problem:
        return _colon(source, error.context_mark.index if error.context_mark is not None else index)
    return None


def _in_flow(source: Source, begun: int, index: int, *, closing: str, found: str) -> Slip:
    """Inside {...} or [...] neither a comma nor the end comes."""
    opening = source.text[begun]
    if "\n" in source.text[begun:index] or found == "<stream end>":
        return begun, begun + 1, f"this '{opening}' is not closed: a '{closing}' or a ',' is missing behind it"
    more = "; a text with a ':' must be quoted" if found == ":" else ""
    return index, index + 1, f"inside {opening}...{closing} a ',' or '{closing}' must stand before '{found}'{more}"


def _no_end(source: Source, index: int, found: str) -> Slip | None:
    """Names with values go on in a way in which they cannot."""
    if found == "<scalar>":
        follows = index, index + 1, "nothing may follow a text in quotes; quote all of it"
        return _open_quote(source, index) or follows
    if found in ("}", "]"):
        return index, index + 1, f"this '{found}' closes nothing"
    if found == "-":
        return index, index + 1, "a list cannot go on where names stand; it has a name of its own, and '- ' below it"
    return _indentation(source, source.place(index)[0]) if found.startswith("<block") else None


def _open_quote(source: Source, end: int) -> Slip | None:
    """The first quote before `end` that is not closed in its line."""
    for line in range(1, source.place(end)[0] + 1):
        text = source.line(line)
        quote, at, before = "", 0, ""
        for place, sign in enumerate(text):
            if quote:
                escaped = quote == '"' and text[place - 1] == "\\"
                quote = "" if sign == quote and not escaped else quote
            elif sign in "'\"" and (not before or before in _BEFORE_A_TEXT):
                quote, at = sign, place
            elif sign == "#" and (not place or text[place - 1].isspace()):
                break
            before = before if sign.isspace() else sign
        if quote:
            first = _begin(source, line) + at
            return first, first + 1, f"this {quote} is not closed in its line"
    return None


def _indentation(source: Source, line: int) -> Slip:
    """A line that is indented as none is that it could belong with."""
    above: list[int] = []
    for number in range(1, line):
        text = source.line(number).lstrip()
        if text and not text.startswith("#"):
            indent = _spaces(source, number)
            above = [*(each for each in above if each < indent), indent]
    found = _spaces(source, line)
    first = source.line_bounds(line)[0]
    shown = ", ".join(map(str, above[:-1])) + (" or " if above[:-1] else "") + str(above[-1])
    spaces = f"{found} space{'' if found == 1 else 's'}"
    return first, first + 1, f"found {spaces} before this; the lines that it may belong with have {shown}"


def _colon(source: Source, index: int) -> Slip | None:
    """A ':' that is missing, that has no space behind it, or that is one too many; at `index` or in the line above."""
    line = source.place(index)[0]
    begin = _begin(source, line)
    if _ENTRY.match(source.text[begin:index]):
        return index, index + 1, "found a second ':' in one line; a text with a ':' must be quoted"
    above = next((number for number in range(line - 1, 0, -1) if source.line(number).strip()), line)
    for number in (above, line):
        first = source.line_bounds(number)[0]
        text = source.line(number).strip()
        if (glued := _COLON_GLUED.match(text)) is not None:
            return first + glued.start(1), first + glued.end(1), "a space must stand after this ':'"
        if (alone := _NAME_ALONE.fullmatch(text)) is not None:
            return first + alone.start(1), first + alone.end(1), f"a ':' must stand after '{alone[1]:.60}'"
    return _indentation(source, line) if _spaces(source, line) > _spaces(source, above) else None


def _begin(source: Source, line: int) -> int:
    return source.line_bounds(line)[0] - _spaces(source, line)


def _spaces(source: Source, line: int) -> int:
    text = source.line(line)
    return len(text) - len(text.lstrip())
