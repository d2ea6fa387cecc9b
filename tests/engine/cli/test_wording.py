from __future__ import annotations

import pytest

from engine.cli.instants import instant_of, shown_instant, shown_span
from engine.cli.wording import REASONS, VERBS, cause_words, evidence_words, value_words
from events.errors import CalledWrongly
from triggers.reasons import Kind, Reason


def test_every_decision_and_reason_has_words() -> None:
    assert set(REASONS) == {str(reason) for reason in Reason}
    assert set(VERBS) == {str(kind) for kind in Kind}


def test_what_changed_is_shown_alone_and_else_everything() -> None:
    assert evidence_words({"orders": [1, 2], "spend": [5, 5]}, "UTC") == "orders 1 → 2"
    assert evidence_words({"orders": [2, 2], "spend": [5, 5]}, "UTC") == "orders 2, spend 5"


def test_evidence_is_told_in_local_time_spans_and_shares() -> None:
    evidence = {
        "traits": {"last_order_at": "2025-01-01T08:00:00Z"},
        "channels": {"sms": "consent"},
        "late_ms": 5_400_000,
        "used_at_ms": 1_735_718_400_000,
        "share": 200_000,
    }
    assert evidence_words(evidence, "Europe/Riga") == (
        "last_order_at 2025-01-01 10:00, not by sms: no consent, late 1 h 30 min, used at 2025-01-01 10:00, share 20%"
    )


def test_values_are_short() -> None:
    assert [value_words(value) for value in (None, True, False, [], ["a", 2], 1.5)] == [
        "none", "yes", "no", "nothing", "a, 2", "1.5",
    ]  # fmt: skip


def test_causes_are_told() -> None:
    assert cause_words("event:basket-7", "UTC") == "basket-7"
    assert cause_words("due:1735689600000", "UTC") == "time passed at 2025-01-01 00:00"
    assert cause_words("activation:1735689600000", "UTC") == "rulebook activated at 2025-01-01 00:00"


def test_instants_are_read_as_people_write_them() -> None:
    assert instant_of("2025-01-01", "Europe/Riga") == 1_735_682_400_000
    assert instant_of("2025-01-01T00:00:00Z", "Europe/Riga") == 1_735_689_600_000
    assert instant_of("1735689600000", "Europe/Riga") == 1_735_689_600_000
    with pytest.raises(CalledWrongly, match="a time must be a date like 2025-02-01, .*; found 'soon'"):
        instant_of("soon", "UTC")


@pytest.mark.parametrize(
    ("t_ms", "shown"),
    [(None, ""), (0, "1970-01-01 00:00"), (61_000, "1970-01-01 00:01:01"), (60_001, "1970-01-01 00:01")],
)
def test_instants_are_shown_to_the_second(t_ms: int | None, shown: str) -> None:
    assert shown_instant(t_ms, "UTC") == shown


@pytest.mark.parametrize(
    ("span_ms", "shown"),
    [(0, "0 s"), (900, "900 ms"), (90_000, "1 min 30 s"), (1_209_600_000, "14 d"), (90_061_000, "1 d 1 h")],
)
def test_spans_have_two_units(span_ms: int, shown: str) -> None:
    assert shown_span(span_ms) == shown
