"""A decided message as bytes: an e-mail as a mail program opens it, anything else as text under a few headers.

The same decision gives the same bytes: nothing is taken from the clock or drawn at random. The library's message
classes take 4 times as long as putting encoded headers and bodies together, and a catch-up may write many thousands.
"""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from triggers.decisions import Decision
from triggers.definitions import Policy

NOBODY = "nobody@localhost"
_LINE_CHARACTERS = 76
_NEW_LINE = "\r\n"


def email_bytes(customer: str, decision: Decision, policy: Policy) -> bytes:
    """The message as a .eml file: text, HTML, or both as alternatives (RFC 5322, RFC 2046)."""
    parts = decision.parts
    kinds = [(kind, parts[part]) for kind, part in (("plain", "txt"), ("html", "html")) if part in parts]
    lines = [f"{name}: {value}" for name, value in _headers(customer, decision, policy)]
    lines.append("MIME-Version: 1.0")
    head = _NEW_LINE.join(lines).encode() + b"\r\n"
    if len(kinds) == 1:
        return head + _body(*kinds[0])
    boundary = f"=_strand_{decision.message_id}".encode()
    head += b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n'
    bodies = [b"--" + boundary + b"\r\n" + _body(kind, text) for kind, text in kinds]
    return head + b"".join(bodies) + b"--" + boundary + b"--\r\n"


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


def _body(kind: str, text: str) -> bytes:
    """A part with its headers; it ends with a line break."""
    lines = text.replace(_NEW_LINE, "\n").removesuffix("\n").split("\n")
    encoded = b2a_qp(_NEW_LINE.join(lines).encode(errors="replace"), istext=True)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + encoded + b"\r\n"


def _headers(customer: str, decision: Decision, policy: Policy) -> Iterator[tuple[str, str]]:
    """The headers in order, encoded."""
    sender = _one_line(policy.sender.get("email") or NOBODY)
    name = _one_line(policy.sender.get("name", ""))
    yield "From", formataddr((name, sender)) if sender.isascii() else _encoded(f"{name} <{sender}>")
    yield "To", _encoded(decision.address)
    yield "Subject", _encoded(decision.parts.get("subject", ""))
    yield "Date", _date(decision.at_ms)
    domain = sender.rpartition("@")[2]
    yield "Message-ID", f"<{decision.message_id}@{domain if domain.isascii() else 'localhost'}>"
    stop = policy.links.get("unsubscribe")
    if stop and stop.isascii():
        yield "List-Unsubscribe", f"<{_one_line(stop)}>"
    yield "X-Strand-Customer", _encoded(customer)
    yield "X-Strand-Trigger", decision.trigger


def _encoded(text: str) -> str:
    """A header's value: as it is, or in encoded words (RFC 2047) on as many lines as it takes."""
    text = _one_line(text)
    if text.isascii() and len(text) <= _LINE_CHARACTERS:
        return text
    return Header(text, "utf-8", maxlinelen=_LINE_CHARACTERS, header_name="X-Strand-Customer").encode(linesep=_NEW_LINE)


def _one_line(text: str) -> str:
    """Without what could begin another header."""
    if text.isprintable():
        return text.strip()
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _date(at_ms: int) -> str:
    return format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
