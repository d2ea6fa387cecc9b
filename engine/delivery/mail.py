"""A decided message as bytes: an e-mail as a mail program opens it, anything else as text under a few headers.

The same decision gives the same bytes, in every version of Python: nothing is taken from the clock or drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr

from triggers.decisions import Decision
from triggers.definitions import Policy

_PLAIN = compat32.clone(linesep="\r\n")  # the headers are encoded already; the newer policies parse them again
NOBODY = "nobody@localhost"
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
_LINE_CHARACTERS = 76


def email_bytes(customer: str, decision: Decision, policy: Policy) -> bytes:
    """The message as a .eml file: text, HTML, or both as alternatives."""
    parts = decision.parts
    kinds = [(kind, parts[part]) for kind, part in (("plain", "txt"), ("html", "html")) if part in parts]
    if len(kinds) == 1:
        message: Message = _text(*kinds[0])
    else:
        message = MIMEMultipart("alternative", boundary=f"=_strand_{decision.message_id}")
        for kind, text in kinds:
            message.attach(_text(kind, text))
    for name, value in _headers(customer, decision, policy):
        message[name] = value
    return message.as_bytes(policy=_PLAIN)


def text_bytes(customer: str, decision: Decision) -> bytes:
    """The message as text: headers, an empty line, what it says."""
    headers = [
        ("To", decision.address),
        ("Channel", decision.channel),
        ("Date", _date(decision.at_ms)),
        ("Message-ID", decision.message_id),
        ("Customer", customer),
        ("Trigger", decision.trigger),
    ]
    subject = decision.parts.get("subject")
    if subject:
        headers.insert(1, ("Subject", subject))
    lines = [f"{name}: {_one_line(value)}" for name, value in headers]
    return ("\n".join([*lines, "", decision.parts.get("txt", "")]) + "\n").encode(errors="replace")


def _text(kind: str, text: str) -> Message:
    return MIMEText(text, kind, _UTF8)  # type: ignore[arg-type]  # typeshed knows names only; a Charset is documented


def _headers(customer: str, decision: Decision, policy: Policy) -> Iterator[tuple[str, str]]:
    """The headers in order, encoded."""
    sender = policy.sender.get("email") or NOBODY
    name = policy.sender.get("name", "")
    yield "From", formataddr((_one_line(name), _one_line(sender)))
    yield "To", _encoded(decision.address)
    yield "Subject", _encoded(decision.parts.get("subject", ""))
    yield "Date", _date(decision.at_ms)
    yield "Message-ID", f"<{decision.message_id}@{sender.rpartition('@')[2]}>"
    stop = policy.links.get("unsubscribe")
    if stop:
        yield "List-Unsubscribe", f"<{_one_line(stop)}>"
    yield "X-Strand-Customer", _encoded(customer)
    yield "X-Strand-Trigger", decision.trigger


def _encoded(text: str) -> str:
    text = _one_line(text)
    return text if text.isascii() and len(text) <= _LINE_CHARACTERS else Header(text, "utf-8").encode()


def _one_line(text: str) -> str:
    """Without what could begin another header."""
    return " ".join("".join(" " if not each.isprintable() else each for each in text).split())


def _date(at_ms: int) -> str:
    return format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
