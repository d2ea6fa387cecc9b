"""Cuts the text of an expression into tokens, each with its place, and hands them out one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from events.errors import ExpressionInvalid, Fault, NumberOutOfRange
from events.numbers import quantise

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "if", "else", "true", "false"})

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<symbol><=|>=|==|!=|[-+*/<>()\[\],.])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_WORD = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_DURATION = re.compile(r"[0-9]+[wdhms]", re.ASCII)

# What people write who come from other languages -> what is right here.
_FOREIGN = {
    "&&": "'and'",
    "||": "'or'",
    "<>": "'!='",
    "=>": "'>='",
    "=<": "'<='",
    "**": "x * x",
    "//": "'/'",
    "=": "'=='",
    "!": "'not'",
    "&": "'and'",
    "|": "'or'",
    "≥": "'>='",
    "≤": "'<='",
    "≠": "'!='",
}
_CURLY = "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb`"


class TokenKind(StrEnum):
    """What a token is."""

    NUMBER = "number"
    TEXT = "text"
    NAME = "name"
    KEYWORD = "keyword"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token in text[at:end]; `value` is a number's millionths or a text without quotes, else what is written."""

    kind: TokenKind
    value: int | str
    at: int
    end: int


class Tokens:
    """The tokens of one text in order, END for ever after the last; raises ExpressionInvalid where one is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenise(text)
        self._next = 0

    @property
    def reached(self) -> int:
        """The place after the last token taken."""
        return self._tokens[self._next - 1].end

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one after it."""
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next token, which is then behind."""
        token = self.peek()
        self._next += 1
        return token

    def is_at(self, written: str, ahead: int = 0) -> bool:
        """Whether a keyword or sign comes next."""
        token = self.peek(ahead)
        return token.kind in (TokenKind.KEYWORD, TokenKind.SYMBOL) and token.value == written

    def accept(self, *written: str) -> bool:
        """Take keywords or signs if they come next."""
        if all(self.is_at(word, ahead) for ahead, word in enumerate(written)):
            self._next += len(written)
            return True
        return False

    def expect(self, written: str, why: str) -> Token:
        """Take a keyword or sign that must come next."""
        if self.is_at(written):
            return self.take()
        raise self.refused(f"'{written}' {why}")

    def refused(self, expected: str, token: Token | None = None) -> ExpressionInvalid:
        """What to raise where the next token, or one that was taken, is not what is expected."""
        token = token or self.peek()
        found = "the end" if token.kind is TokenKind.END else self._text[token.at : token.end]
        quoted = found if token.kind is TokenKind.END or token.kind is TokenKind.TEXT else f"'{found}'"
        message = f"found {quoted}, expected {expected}"
        return ExpressionInvalid([Fault(token.at, max(token.end, token.at + 1), message)])


def tokenise(text: str) -> list[Token]:
    """The tokens of an expression, the last an END; raises ExpressionInvalid at what cannot be one."""
    tokens = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _not_a_token(text, at)
        if found.lastgroup != "space":
            tokens.append(_token(found, text))
        at = found.end()
    tokens.append(Token(TokenKind.END, "", len(text), len(text)))
    return tokens


def _token(found: re.Match[str], text: str) -> Token:
    at, end, written = found.start(), found.end(), found[0]
    match found.lastgroup:
        case "number":
            _refuse_trailing_letters(text, at, end)
            return Token(TokenKind.NUMBER, _millionths(written, at, end), at, end)
        case "text":
            return Token(TokenKind.TEXT, _unescape(written), at, end)
        case "name":
            kind = TokenKind.KEYWORD if written in KEYWORDS else TokenKind.NAME
            return Token(kind, written, at, end)
    if text[at : end + 1] in _FOREIGN:
        raise _not_a_token(text, at)
    return Token(TokenKind.SYMBOL, written, at, end)


def _millionths(written: str, at: int, end: int) -> int:
    try:
        return quantise(Decimal(written))
    except NumberOutOfRange:
        message = f"a number must be smaller than 10^15 in size; found {written:.60}"
        raise ExpressionInvalid([Fault(at, end, message)]) from None


def _unescape(quoted: str) -> str:
    """The text between the quotes; a backslash escapes a quote or a backslash and otherwise stands for itself."""
    return re.sub(r"\\([\\'\"])", r"\1", quoted[1:-1])


def _refuse_trailing_letters(text: str, at: int, end: int) -> None:
    following = _WORD.match(text, end)
    if following is None:
        return
    whole = text[at : following.end()]
    advice = "a number has digits only"
    if _DURATION.fullmatch(whole):
        advice = "durations are compared as numbers, as in days_since(x) > 14 or hours_since(x) > 36"
    raise ExpressionInvalid([Fault(at, following.end(), f"'{whole}' is neither a number nor a name; {advice}")])


def _not_a_token(text: str, at: int) -> ExpressionInvalid:
    for length in (2, 1):
        written = text[at : at + length]
        if written in _FOREIGN:
            return ExpressionInvalid([Fault(at, at + length, f"found '{written}'; write {_FOREIGN[written]}")])
    if text[at] in "'\"":
        return ExpressionInvalid([Fault(at, len(text), f"the text that {text[at]} opens has no closing {text[at]}")])
    if text[at] in _CURLY:
        return ExpressionInvalid([Fault(at, at + 1, f"found {text[at]}; texts are quoted with ' or \"")])
    return ExpressionInvalid([Fault(at, at + 1, f"found {text[at]!r}, which has no meaning in an expression")])
