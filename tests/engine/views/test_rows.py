from __future__ import annotations

from decimal import Decimal

from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.views.rows import decision_row, letter_row, message_row, readable
from events.dead_letters import DeadLetter, Door
from events.errors import Reason
from projections.definitions import WorldDef
from tests.tidy.tree import ROOT
from triggers.decisions import OWN, Decision

SEND = Decision(
    kind="send", trigger="thanks", on="enters came_back", cause="event:e1", made=(3, OWN, "ann"), matched_at_ms=5,
    due_ms=7, ask_ms=-1, at_ms=9, rulebook="abc", message_id="m1", channel="email", address="ann@mail.example",
    parts={"subject": "Hello", "txt": "hello", "html": "<p>hello</p>"},
    evidence={"traits": {"spend": "24.5", "last_order_at": [None, 1_735_689_600_000]}, "channels": {"sms": "consent"}},
)  # fmt: skip


def world() -> WorldDef:
    return load_rulebook(ROOT / "engine/cli/starter/rulebook").world


def test_evidence_is_written_out_by_what_its_trait_is() -> None:
    found = decision_row("ann", SEND, world())["evidence"]
    assert found == {
        "traits": {"spend": Decimal("24.5"), "last_order_at": [None, "2025-01-01T00:00:00Z"]},
        "channels": {"sms": "consent"},
    }


def test_evidence_of_traits_that_are_gone_stays_as_it_was_recorded() -> None:
    assert readable(world(), {"gone_at": 1_735_689_600_000, "gone": "24.5"}) == {
        "gone_at": 1_735_689_600_000,
        "gone": "24.5",
    }
    assert readable(None, SEND.evidence) == SEND.evidence


def test_a_message_has_the_parts_of_its_channel() -> None:
    row = message_row("ann", SEND)
    assert (row["to"], row["subject"], row["text"], row["html"]) == (
        "ann@mail.example", "Hello", "hello", "<p>hello</p>",
    )  # fmt: skip
    assert row["at_ms"] == 9


def test_bytes_that_are_no_text_are_shown_all_the_same() -> None:
    letter = DeadLetter(reason=Reason.SYNTAX, detail="no JSON", raw=b"\xffabc", door=Door.FOLD, at_ms=5, offset=7)
    assert letter_row(2, letter) == {
        "reason": "syntax",
        "detail": "no JSON",
        "door": "fold",
        "at_ms": 5,
        "partition": 2,
        "offset": 7,
        "raw": "\\xffabc",
    }
