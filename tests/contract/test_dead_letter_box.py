"""What every `DeadLetterBox` does."""

from __future__ import annotations

from tests.contract.adapters import FactsAdapter


def test_a_new_box_is_empty(facts: FactsAdapter) -> None:
    assert list(facts.open().dead_letters.read()) == []


def test_letters_come_back_in_order_after_a_restart(facts: FactsAdapter) -> None:
    box = facts.open().dead_letters
    box.put([b"one", b""])
    box.put([])
    box.put([b"\xff" * (300 << 10)])
    box = facts.reopen().dead_letters
    box.put([b"four"])
    assert list(box.read()) == [b"one", b"", b"\xff" * (300 << 10), b"four"]
    assert list(box.read(2)) == [b"\xff" * (300 << 10), b"four"]
