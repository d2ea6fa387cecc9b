"""What a template's text may be, judged word by word before it is parsed, since parsing recurses and takes its time."""

from __future__ import annotations

from jinja2 import Environment

from events.nearest import did_you_mean
from templates.limits import MAX_BLOCK_DEPTH, MAX_BRACKET_DEPTH, MAX_SOURCE_CHARS, MAX_TAG_TOKENS, MAX_TAGS

_TAGS = ("elif", "else", "endfor", "endif", "endwith", "for", "if", "raw", "set", "with")
_REFUSED_TAGS = frozenset(
    {"autoescape", "block", "break", "call", "continue", "do", "extends", "filter", "from", "import", "include"}
    | {"macro"}
)


class SyntaxRefused(Exception):
    """A template says what it may not; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def check_source(environment: Environment, source: str) -> None:
    """Refuse a text whose parsing could take long or nest deep; raises SyntaxRefused."""
    if len(source) > MAX_SOURCE_CHARS:
        raise SyntaxRefused(1, f"a template may have {MAX_SOURCE_CHARS:,} characters; this one has {len(source):,}")
    if not is_sendable(source):
        raise SyntaxRefused(1, "a template is text that UTF-8 can write; half a surrogate pair is not")
    tag: list[str] = []
    tags = blocks = 0
    for line, sign, value in environment.lex(source):
        if sign in ("variable_begin", "block_begin"):
            tag, tags = [], tags + 1
            if tags > MAX_TAGS:
                raise SyntaxRefused(line, f"a template may have {MAX_TAGS:,} tags; this one has more")
        elif sign == "block_end":
            blocks += _check_tag(tag, line)
            if blocks > MAX_BLOCK_DEPTH:
                raise SyntaxRefused(line, f"tags may be nested {MAX_BLOCK_DEPTH} deep; these are deeper")
        elif sign in ("name", "operator", "string", "integer", "float"):
            tag.append(value if sign in ("name", "operator") else "")
            if sign in ("integer", "float") and len(value) > _NUMBER_CHARS:
                raise SyntaxRefused(line, "a number must be smaller than 10^30")
            if len(tag) > MAX_TAG_TOKENS:
                raise SyntaxRefused(line, f"a tag may have {MAX_TAG_TOKENS} words and signs; this one has more")
            if value in _OPENING and sum((one in _OPENING) - (one in _CLOSING) for one in tag) > MAX_BRACKET_DEPTH:
                raise SyntaxRefused(line, f"brackets may be nested {MAX_BRACKET_DEPTH} deep; these are deeper")


_NUMBER_CHARS = 40
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def is_sendable(text: str) -> bool:
    """Whether UTF-8 can write it."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)


def _check_tag(tag: list[str], line: int) -> int:
    """Refuse a tag that is not available; how much deeper those after it stand (1, 0 or -1)."""
    word = tag[0] if tag else ""
    if word in _REFUSED_TAGS:
        raise SyntaxRefused(line, f"{{% {word} %}} is not available")
    if word not in _TAGS:
        raise SyntaxRefused(line, f"no tag is called {word!r}{did_you_mean(word, _TAGS)}")
    if word == "set" and "=" not in tag:
        raise SyntaxRefused(line, "{% set %} with a block is not available; write {% set name = value %}")
    return (word in ("for", "if", "with")) - word.startswith("end")
