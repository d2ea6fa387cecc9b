"""Messages as bytes: what a mail program reads, and nothing that a customer could smuggle in."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.mail import email_bytes, text_bytes
from triggers.decisions import Decision
from triggers.definitions import Policy

POLICY = Policy(
    sender={"name": "Лавка", "email": "hello@shop.example"}, links={"unsubscribe": "https://shop.example/stop?a=1"}
)


def sent(**fields: Any) -> Decision:
    """A decision to send."""
    given = {
        "kind": "send",
        "trigger": "thanks",
        "on": "enters regular",
        "cause": "event:o-1",
        "made": (7, 1, "ann"),
        "matched_at_ms": 1_735_689_600_000,
        "due_ms": 1_735_689_600_000,
        "ask_ms": -1,
        "at_ms": 1_735_693_200_123,
        "rulebook": "a" * 64,
        "message_id": "0123456789abcdef" * 2,
        "purpose": "marketing",
        "channel": "email",
        "address": "ann@mail.example",
        "parts": {"subject": "Thank you", "txt": "Hello,\nann.\n", "html": "<p>Hello, ann.</p>"},
    }
    return Decision(**{**given, **fields})


def opened(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


def test_a_mail_program_reads_what_was_decided() -> None:
    message = opened(email_bytes("ann", sent(), POLICY))
    assert not message.defects
    assert message["From"] == "Лавка <hello@shop.example>"
    assert message["To"] == "ann@mail.example"
    assert message["Subject"] == "Thank you"
    assert message["Date"].datetime.isoformat() == "2025-01-01T01:00:00+00:00"
    assert message["Message-ID"] == "<0123456789abcdef0123456789abcdef@shop.example>"
    assert message["List-Unsubscribe"] == "<https://shop.example/stop?a=1>"
    assert message["X-Strand-Customer"] == "ann"
    assert message["X-Strand-Trigger"] == "thanks"
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert cast("EmailMessage", plain).get_content().split() == ["Hello,", "ann."]
    assert cast("EmailMessage", html).get_content().strip() == "<p>Hello, ann.</p>"


def test_one_part_needs_no_alternative() -> None:
    message = opened(email_bytes("ann", sent(parts={"subject": "Hi", "txt": "Hello"}), POLICY))
    assert message.get_content_type() == "text/plain"
    assert message.get_content().strip() == "Hello"


def test_without_a_link_and_a_sender() -> None:
    message = opened(email_bytes("ann", sent(), Policy()))
    assert message["List-Unsubscribe"] is None
    assert message["From"] == "nobody@localhost"


def test_nobody_begins_a_header_of_their_own() -> None:
    wicked = "x@mail.example\r\nBcc: everybody@mail.example\n\nbody"
    for decision in (sent(address=wicked), sent(parts={"subject": wicked, "txt": "hello"})):
        message = opened(email_bytes("ann\nBcc: eve", decision, POLICY))
        assert message["Bcc"] is None
        assert b"\nBcc" not in email_bytes("ann\nBcc: eve", decision, POLICY)
    assert b"\nBcc" not in text_bytes("ann\nBcc: eve", sent(channel="sms", address=wicked))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_arrives(subject: str, body: str) -> None:
    data = email_bytes("ann", sent(parts={"subject": subject, "txt": body}), POLICY)
    message = email.message_from_bytes(data)
    assert all(len(each) <= 998 for each in data.split(b"\r\n"))
    payload = cast("bytes", message.get_payload(decode=True)).decode().replace("\r\n", "\n")
    assert payload.rstrip("\n") == body.replace("\r\n", "\n").rstrip("\n")
    assert data == email_bytes("ann", sent(parts={"subject": subject, "txt": body}), POLICY)
    assert data.partition(b"\r\n\r\n")[0].isascii()


def test_other_channels_are_text() -> None:
    decision = sent(channel="sms", address="+37120000000", parts={"txt": "Paldies, Jānis!"})
    assert text_bytes("jānis", decision).decode() == (
        "To: +37120000000\n"
        "Channel: sms\n"
        "Date: Wed, 01 Jan 2025 01:00:00 +0000\n"
        "Message-ID: 0123456789abcdef0123456789abcdef\n"
        "Customer: jānis\n"
        "Trigger: thanks\n"
        "\n"
        "Paldies, Jānis!\n"
    )
